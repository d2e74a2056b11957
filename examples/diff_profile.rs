//! Prints the settings of a unit that differ from a profile, and problems of the profile for this unit.
//!
//! Without arguments, compares the virtual unit `sim:0` with a built-in profile.
//!
//! `cargo run -p pi18-examples --example diff_profile -- /dev/hidraw0 bank.yaml`
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_settings::{HostClock, Permissions, Profile, Unit, validate_for};
use pi18_transport::Client;

const PROFILE: &str = "
battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}
float_voltage: 53.6 V
redischarge_voltage: 53 V
max_charge_current: 50 A
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("sim:0".to_owned());
    let text = match std::env::args().nth(2) {
        Some(file) => std::fs::read_to_string(file)?,
        None => PROFILE.to_owned(),
    };
    let profile = Profile::parse("profile", &text)?;

    let mut client = Client::open(&address)?;
    let host = HostClock::system();
    let unit = Unit::read(&mut client, &host)?;

    for difference in unit.settings().differences(&profile.profile().settings) {
        println!("{difference}");
    }
    print!("{}", validate_for(&profile, &unit, &Permissions::default()));
    Ok(())
}
