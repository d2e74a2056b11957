//! `lvx profile`: creates a profile from a unit, and prints the schema of profiles and the battery guard.

use std::io::Write;

use lvx_settings::{Profile, profile_schema};

use crate::{
    args::{self, ProfileTask},
    input,
    terminal::{Failure, Status},
    units,
};

pub(crate) fn run(args: &args::Profile, out: &mut impl Write) -> Result<Status, Failure> {
    match &args.task {
        ProfileTask::Schema => writeln!(out, "{:#}", profile_schema())?,
        ProfileTask::Battery => {
            let place = input::battery_path().0;
            let place = place.display();
            match input::battery()? {
                Some(battery) => write!(out, "# {place}\n{}", battery.to_yaml())?,
                None => {
                    return Err(Failure::usage(format_args!(
                        "{place}: expected a battery guard, found no file; create it with chemistry, cells, \
                         max_cell_voltage and min_cell_voltage, or set LVX_BATTERY to its path"
                    )));
                }
            }
        }
        ProfileTask::Init { unit } => {
            let opened = units::open(std::slice::from_ref(unit), &units::host())?;
            match opened {
                Ok(units) => {
                    writeln!(
                        out,
                        "# lvx apply writes an installation setting only with --allow-installation KEY."
                    )?;
                    for open in units {
                        write!(out, "{}", Profile::from_unit(&open.unit).commented(&open.unit))?;
                    }
                }
                Err(status) => return Ok(status),
            }
        }
    }
    Ok(Status::Ok)
}
