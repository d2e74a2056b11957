//! Prints a line about a unit every second until it is disconnected.
//!
//! Arguments: an address (default: the virtual unit `sim:0`) and the number of lines. After a query without a
//! reply, prints the error and continues.
//!
//! `cargo run -p pi18-examples --example watch_status -- /dev/hidraw0`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, time::Duration};

use pi18_proto::GeneralStatus;
use pi18_transport::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("sim:0".to_owned());
    let lines = arguments.next().map_or(Ok(usize::MAX), |count| count.parse())?;
    let mut unit = Client::open(&address)?;

    for _ in 0..lines {
        match unit.read::<GeneralStatus>() {
            Ok(status) => println!(
                "{}  battery {} {:>5}  load {}",
                address, status.battery_voltage, status.battery_direction, status.active_power
            ),
            Err(error) if error.is_disconnected() => return Err(error.into()),
            Err(error) => println!("{error:#}"),
        }
        unit.pause(Duration::from_secs(1))?;
    }
    Ok(())
}
