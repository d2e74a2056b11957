//! `lvx validate`: checks a profile, by itself and for units.

use std::io::Write;

use lvx_settings::{Permissions, validate, validate_for_bank};

use crate::{
    args,
    input::{self, read_profile, with_options},
    terminal::{Failure, Status, print_diagnostics},
    units,
};

pub(crate) fn run(args: &args::Validate, out: &mut impl Write) -> Result<Status, Failure> {
    let profile = read_profile(&args.profile)?;
    let mut permissions = Permissions::default();
    permissions.battery = input::battery()?;
    if args.units.is_empty() {
        let found = validate(&profile, &permissions);
        print_diagnostics(&found);
        if found.has_errors() {
            return Ok(Status::Usage);
        }
        let stated = profile.profile().settings.iter().count();
        writeln!(out, "{}: valid, {stated} settings", profile.name())?;
        return Ok(Status::Ok);
    }
    let settings = Some(&profile.profile().settings);
    let units = match units::open_for(&args.units, &units::host(), settings)? {
        Ok(units) => units,
        Err(status) => return Ok(status),
    };
    // For one unit, the settings of the other units of its bank are unknown.
    permissions.part_of_bank = units.len() == 1;
    let read: Vec<_> =
        units.iter().map(|open| (open.address.to_string(), open.unit.clone())).collect();
    let found = validate_for_bank(&profile, &read, &permissions);
    for (open, found) in units.iter().zip(&found.units) {
        print_diagnostics(&with_options(found.clone()));
        let (place, serial) = (open.address.place(), open.unit.serial_number);
        let verdict = if found.has_errors() { "NOT valid for" } else { "valid for" };
        writeln!(out, "{}: {verdict} {place} ({serial})", profile.name())?;
    }
    if found.together.has_errors() {
        print_diagnostics(&with_options(found.together.clone()));
        writeln!(out, "{}: NOT valid for these units together", profile.name())?;
    }
    Ok(if found.has_errors() { Status::Usage } else { Status::Ok })
}
