//! Compares how the units of a bank are set.
//!
//! Needs nothing: without addresses the two virtual units `sim:0` and `sim:1` are read.
//!
//! ```text
//! cargo run -p pi18-examples --example compare_units -- /dev/hidraw0 /dev/hidraw1
//! ```
//!
//! Prints the twelve settings that must agree side by side, and those of the others that do not.
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_parallel::{BankSnapshot, Member, Questions, compare};
use pi18_transport::{Address, Error};

fn main() -> Result<(), Error> {
    let mut units: Vec<String> = std::env::args().skip(1).collect();
    if units.is_empty() {
        units.extend(["sim:0", "sim:1"].map(str::to_owned));
    }
    let addresses = units.iter().map(|unit| unit.parse()).collect::<Result<Vec<Address>, _>>()?;
    let members = addresses.iter().map(Member::open).collect();
    // At 2400 baud a whole reading takes seconds: only settings are asked.
    let bank = BankSnapshot::read_only(members, Questions::SETTINGS);

    print!("{}", compare(&bank));
    Ok(())
}
