//! Lists the settings of a unit. A star marks the twelve settings that must be equal in a bank.
//!
//! Without an address, reads the virtual unit `sim:0`.
//!
//! `cargo run -p pi18-examples --example list_settings -- /dev/hidraw0`
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_settings::{Error, HostClock, Setting, Unit};
use pi18_transport::Client;

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("sim:0".to_owned());
    let mut client = Client::open(&address)?;
    let host = HostClock::system();
    let unit = Unit::read(&mut client, &host)?;

    for (setting, value) in unit.settings().iter() {
        let star = if Setting::AGREEING.contains(&setting) { '*' } else { ' ' };
        println!("{star} {:<48} {value}", setting.label());
    }
    Ok(())
}
