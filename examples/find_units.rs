//! Lists the units on USB with addresses (`sn:…`) that remain valid when cables are moved.
//!
//! Requires Linux. `sudo lvx simulate --uhid` provides virtual units on USB.
//!
//! `cargo run -p pi18-examples --example find_units`
#![expect(clippy::print_stdout, reason = "an example prints")]

use pi18_transport::discover;

fn main() {
    let devices = discover();
    for device in &devices {
        let port = device.port.as_deref().unwrap_or("unknown");
        match &device.unit {
            Ok(unit) => println!("sn:{}  in USB port {port}", unit.serial_number),
            Err(why) => println!("no unit in USB port {port}: {why:#}"),
        }
    }
    if devices.is_empty() {
        println!("no USB adapter of an inverter is plugged in");
    }
}
