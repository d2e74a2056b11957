//! Saves a unit's settings as a profile that can be kept, changed and applied.
//!
//! Needs nothing: without an address the virtual unit `sim:0` is asked.
//!
//! ```text
//! cargo run -p pi18-examples --example save_profile -- /dev/hidraw0 > unit.yaml
//! ```
//!
//! Prints the profile, every setting with what it means and what the unit takes.
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
