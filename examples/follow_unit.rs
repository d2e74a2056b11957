//! Reads a unit every second, and finds it by its serial number again after cables are moved.
//!
//! Requires Linux and a unit on USB; `sudo lvx simulate --uhid` provides virtual ones. Arguments: an
//! address (default: the first unit found) and the number of lines.
//!
//! `cargo run -p pi18-examples --example follow_unit -- sn:96132206100410`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, time::Duration};

use pi18_proto::GeneralStatus;
use pi18_transport::{Client, discover};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let found = || discover().into_iter().find_map(|device| device.unit.ok());
    let first = || found().map(|unit| format!("sn:{}", unit.serial_number));
    let Some(address) = arguments.next().or_else(first) else {
        println!("no unit is plugged in");
        return Ok(());
    };
    let lines = arguments.next().map_or(Ok(usize::MAX), |count| count.parse())?;
    let mut unit = Client::open(&address)?;

    for _ in 0..lines {
        match unit.read::<GeneralStatus>() {
            Ok(status) => println!("{address}  battery {}", status.battery_voltage),
            // The next query waits until the unit is found again.
            Err(error) => println!("{error:#}"),
        }
        unit.pause(Duration::from_secs(1))?;
    }
    Ok(())
}
