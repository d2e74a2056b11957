//! Checks whether a bank is healthy, and prints each finding with its cause and the first advice.
//!
//! Without addresses, reads the virtual units `sim:0` and `sim:1`.
//!
//! `cargo run -p pi18-examples --example check_bank -- /dev/hidraw0 /dev/hidraw1`
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_parallel::{BankSnapshot, Member, check};
use pi18_transport::{Address, Error};

fn main() -> Result<(), Error> {
    let mut units: Vec<String> = std::env::args().skip(1).collect();
    if units.is_empty() {
        units.extend(["sim:0", "sim:1"].map(str::to_owned));
    }
    let addresses = units.iter().map(|unit| unit.parse()).collect::<Result<Vec<Address>, _>>()?;
    let bank = BankSnapshot::read(addresses.iter().map(Member::open).collect());

    let report = check(&bank);
    println!("{}", report.verdict());
    for finding in &report.findings {
        println!("{}: {finding}", finding.severity);
        println!("    cause: {}", finding.why);
        if let Some(first) = finding.advice.first() {
            println!("    first step: {first}");
        }
    }
    Ok(())
}
