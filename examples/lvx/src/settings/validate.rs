//! `lvx validate`: is a profile sound, by itself and for these units?

use std::io::Write;

use lvx_settings::{Permissions, validate, validate_for_bank};

use super::{read_profile, site, units};
use crate::{
    args::settings as args,
    outcome::{Failure, Status, complain_of},
};

pub(crate) fn run(args: &args::Validate, out: &mut impl Write) -> Result<Status, Failure> {
    let profile = read_profile(&args.profile)?;
    let mut permissions = Permissions::default();
    permissions.battery = site::battery()?;
    if args.units.is_empty() {
        let found = validate(&profile, &permissions);
        complain_of(&found);
        if found.has_errors() {
            return Ok(Status::Usage);
        }
        let stated = profile.profile().settings.iter().count();
        writeln!(out, "{}: sound, {stated} settings", profile.name())?;
        return Ok(Status::Well);
    }
    let settings = Some(&profile.profile().settings);
    let units = match units::open_for(&args.units, &units::host(), settings)? {
        Ok(units) => units,
        Err(status) => return Ok(status),
    };
    // One unit is validated whatever the others of its bank are to become.
    permissions.part_of_bank = units.len() == 1;
    let read: Vec<_> =
        units.iter().map(|open| (open.address.to_string(), open.unit.clone())).collect();
    let found = validate_for_bank(&profile, &read, &permissions);
    for (open, found) in units.iter().zip(&found.units) {
        complain_of(found);
        let (place, serial) = (open.address.place(), open.unit.serial_number);
        let verdict = if found.has_errors() { "NOT for" } else { "sound for" };
        writeln!(out, "{}: {verdict} {place} ({serial})", profile.name())?;
    }
    if found.together.has_errors() {
        complain_of(&found.together);
        writeln!(out, "{}: NOT for these units together", profile.name())?;
    }
    Ok(if found.has_errors() { Status::Usage } else { Status::Well })
}
