//! Brings a unit to what a profile wants: plans, and writes only if told to.
//!
//! Needs nothing: without an address the virtual unit `sim:0` is taken. A dry run unless `--write`
//! stands behind the address. The journal is kept in `apply_profile.journal`.
//!
//! ```text
//! cargo run -p pi18-examples --example apply_profile -- sim:0 --write
//! ```
//!
//! Prints the plan, and what is true after it was carried out.
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_settings::{
    Apply, HostClock, Journal, Options, Permissions, Plan, PlannedUnit, Profile, Unit, Units, run,
};
use pi18_transport::Client;

const PROFILE: &str = "float_voltage: 53.6 V\nredischarge_voltage: 53 V\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("sim:0".to_owned());
    let writes = std::env::args().nth(2).is_some_and(|word| word == "--write");
    let wanted = Profile::parse("profile", PROFILE)?.into_profile().settings;

    let mut client = Client::open(&address)?;
    let host = HostClock::system();
    let unit = Unit::read(&mut client, &host)?;
    let planned = PlannedUnit { address, unit, wanted };
    let plan = Plan::new(vec![planned], Permissions::default(), None)?;

    print!("{plan}");
    if !writes {
        println!("nothing was written; --write does it");
        return Ok(());
    }
    let mut journal = Journal::create("apply_profile.journal", &plan)?;
    let mut units = Units::new(vec![client], host);
    print!("{}", run(Apply::new(plan, Options::default()), &mut units, &mut journal));
    Ok(())
}
