//! Finds the units that are plugged in, and says who they are.
//!
//! Needs Linux, and a unit on USB to have something to tell; `lvx simulate --uhid` makes some.
//!
//! ```text
//! cargo run -p pi18-examples --example find_units
//! ```
//!
//! Prints the address of each unit that stays right when cables are moved, and where it is now.
#![expect(clippy::print_stdout, reason = "an example prints")]

use pi18_transport::discover;

fn main() {
    let devices = discover();
    for device in &devices {
        let port = device.port.as_deref().unwrap_or("unknown");
        match &device.unit {
            Ok(unit) => println!("sn:{}  in USB port {port}", unit.serial_number),
            Err(why) => println!("no unit in USB port {port}: {why}"),
        }
    }
    if devices.is_empty() {
        println!("no USB adapter of such an inverter is plugged in");
    }
}
