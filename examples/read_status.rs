//! Prints the mode, battery, PV power and load of a unit.
//!
//! Without an address, reads the virtual unit `sim:0`.
//!
//! `cargo run -p pi18-examples --example read_status -- /dev/hidraw0`
#![expect(clippy::print_stdout, reason = "an example prints")]

use pi18_proto::{GeneralStatus, Mode};
use pi18_transport::{Client, Error};

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("sim:0".to_owned());
    let mut unit = Client::open(&address)?;

    let mode: Mode = unit.read()?;
    let status: GeneralStatus = unit.read()?;

    println!("mode      {}", mode.working_mode);
    println!("battery   {}, {}", status.battery_voltage, status.battery_capacity);
    println!("charging  {}", status.charge_current);
    println!("PV        {} + {}", status.pv1_power, status.pv2_power);
    println!("load      {} ({})", status.active_power, status.load_percent);
    Ok(())
}
