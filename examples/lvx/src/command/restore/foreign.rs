//! Carrying out or undoing the writes of a journal from outside the state folders of this user.

use std::{io::Write, path::Path};

use lvx_settings::{Past, Setting, Settings};

use super::{open_units::open_some, write_back::write_back};
use crate::{
    args,
    state::open_foreign,
    terminal::{Failure, Status},
    units,
    writing::permissions,
};

/// Carries out or undoes the writes of a foreign journal by a new run, with all checks of `lvx apply`, on
/// the given units.
pub(super) fn restore_foreign(
    args: &args::Restore,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let Some(named) = &args.run else {
        return Err(Failure::usage("--foreign: expected the path of a journal, found none"));
    };
    let path = Path::new(named);
    let failure = |error: &dyn std::fmt::Display| Failure::usage(format_args!("{named}: {error}"));
    let file = open_foreign(path).map_err(|error| failure(&error))?;
    let whole = Past::read_from(&file, path)?;
    if args.units.is_empty() {
        return Err(Failure::usage(
            "--foreign: give the addresses of the units; those in a foreign journal are not used",
        ));
    }
    let host = units::host();
    let Some(opened) = open_some(&whole.plan, &args.units, named, &host)? else {
        return Ok(Status::Unread);
    };
    let (places, opened): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
    let (part, _) = whole.part(&places);
    let targets: Vec<Settings> = if args.finish {
        let target = part.plan.settings_after(part.plan.steps.len());
        let touched = |unit| part.plan.touched(unit).collect::<Vec<Setting>>();
        let target = target.iter().enumerate();
        target.map(|(unit, all)| all.only(|setting| touched(unit).contains(&setting))).collect()
    } else if args.undo {
        part.old_settings()
    } else {
        return Err(Failure::usage("--foreign: expected --undo or --finish, found neither"));
    };
    // Only the guard of the site is trusted, not that of a foreign journal.
    let permissions = permissions(&args.permit)?;
    write_back(args, &part, &targets, permissions, opened, None, out)
}
