//! Lists the twelve settings that must be equal on all units of a bank.
//!
//! Needs nothing: without an address the virtual unit `sim:0` is asked.
//!
//! ```text
//! cargo run -p pi18-examples --example list_settings -- /dev/hidraw0
//! ```
//!
//! Prints each setting with its value.
#![expect(clippy::print_stdout, reason = "an example prints")]

use pi18_proto::RatedInformation;
use pi18_transport::{Client, Error};

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("sim:0".to_owned());
    let rated: RatedInformation = Client::open(&address)?.read()?;

    for setting in lvx_settings::settings(&rated) {
        println!("{:<28} {}", setting.info.label, setting.value);
    }
    Ok(())
}
