//! Plans the writes that make the units of a bank match a profile, and carries them out with `--write`.
//!
//! Without addresses, uses the virtual units `sim:0` and `sim:1`. Writes `apply_profile.journal`, from
//! which an interrupted run can be finished or undone. The journal of a run that has ended is replaced.
//!
//! `cargo run -p pi18-examples --example apply_profile -- --write sim:0 sim:1`
#![expect(clippy::print_stdout, reason = "an example prints")]

use lvx_settings::{Apply, HostClock, Journal, Options, Permissions, Plan, Profile, Units, run};

const PROFILE: &str = "
battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}
float_voltage: 53.6 V
redischarge_voltage: 53 V
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let writes = arguments.first().is_some_and(|argument| argument == "--write");
    arguments.retain(|argument| argument != "--write");
    if arguments.is_empty() {
        arguments = vec!["sim:0".to_owned(), "sim:1".to_owned()];
    }

    let mut units = Units::open(arguments, HostClock::system())?;
    let profile = Profile::parse("profile", PROFILE)?;
    let plan = Plan::for_profile(profile.profile(), units.read()?, &Permissions::default())?;

    print!("{plan}");
    if !writes {
        println!("nothing was written; add --write to carry out the plan");
        return Ok(());
    }
    let mut journal = Journal::replace("apply_profile.journal", &plan)?;
    print!("{}", run(Apply::new(plan, Options::default()), &mut units, &mut journal));
    Ok(())
}
