//! Compares the settings of the units of a bank: those that must agree, and others that differ.
//!
//! Without addresses, reads the virtual units `sim:0` and `sim:1`.
//!
//! `cargo run -p pi18-examples --example compare_units -- /dev/hidraw0 /dev/hidraw1`
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
    // Reads only the settings, because reading everything takes seconds at 2400 baud.
    let bank = BankSnapshot::read_only(members, Questions::SETTINGS);

    print!("{}", compare(&bank));
    Ok(())
}
