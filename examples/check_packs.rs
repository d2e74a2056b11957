//! Checks inverters and battery packs together, and prints each finding with its cause and the first advice.
//!
//! Without addresses, reads two virtual units and three virtual packs.
//!
//! `cargo run -p pi18-examples --example check_packs -- /dev/hidraw0 pack:/dev/ttyUSB0 pack:/dev/ttyUSB1`
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_parallel::{BankSnapshot, Member, PackMember, check};
use pi18_transport::{Address, Error};

fn main() -> Result<(), Error> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    if given.is_empty() {
        given.extend(["sim:0", "sim:1", "sim:pack0", "sim:pack1", "sim:pack2"].map(str::to_owned));
    }
    let addresses = given.iter().map(|text| text.parse()).collect::<Result<Vec<Address>, _>>()?;
    let (packs, units): (Vec<_>, Vec<_>) =
        addresses.iter().partition(|address| address.pack_address().is_some());
    let units = units.into_iter().map(Member::open).collect();
    let packs = packs.into_iter().map(PackMember::open).collect();
    let bank = BankSnapshot::read_with_packs(units, packs);

    for pack in &bank.packs {
        match pack.live {
            Some(reading) => {
                let live = reading.value;
                println!(
                    "{}: {}, {}, {}",
                    pack.name, live.voltage, live.current, live.state_of_charge
                );
            }
            None => println!("{}: not read", pack.name),
        }
    }
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
