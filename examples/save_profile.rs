//! Prints the settings of a unit as a profile, with the meaning and the possible values of each.
//!
//! Without an address, reads the virtual unit `sim:0`.
//!
//! `cargo run -p pi18-examples --example save_profile -- /dev/hidraw0 > unit.yaml`
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_settings::{Error, HostClock, Profile, Unit};
use pi18_transport::Client;

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("sim:0".to_owned());
    let mut client = Client::open(&address)?;
    let host = HostClock::system();
    let unit = Unit::read(&mut client, &host)?;

    print!("{}", Profile::from_unit(&unit).commented(&unit));
    Ok(())
}
