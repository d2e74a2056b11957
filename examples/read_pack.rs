//! Reads a battery pack: its label and its measurements.
//!
//! A USB adapter without a serial number is found by its port, so `/dev/serial/by-path` names a pack best.
//!
//! `cargo run -p pi18-examples --example read_pack -- pack:/dev/ttyUSB0`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use lvx_parallel::pack::PackClient;
use pi18_transport::Address;

fn main() -> Result<(), Box<dyn Error>> {
    let address: Address = std::env::args().nth(1).as_deref().unwrap_or("sim:pack0").parse()?;
    let mut pack = PackClient::open(&address)?;
    // Some adapters need up to 40 s after they are opened.
    pack.wait()?;
    println!("{}", pack.label()?);
    for (field, value) in pack.live()?.values() {
        println!("{:39} {value}", field.label);
    }
    Ok(())
}
