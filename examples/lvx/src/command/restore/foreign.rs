//! A journal from outside this user's state folders is carried out by a new run.

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

/// Does or undoes what a journal says that is not of this state folder: by a new run, under every check
/// of an apply, on units that are named.
pub(super) fn undo_foreign(args: &args::Restore, out: &mut impl Write) -> Result<Status, Failure> {
    let Some(named) = &args.run else {
        return Err(Failure::usage("--foreign: name the journal"));
    };
    let path = Path::new(named);
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format_args!("{named}: {error}"));
    let file = open_foreign(path).map_err(|error| wrong(&error))?;
    let whole = Past::read_from(&file, path)?;
    if args.units.is_empty() {
        return Err(Failure::usage(
            "--foreign: name the units; the addresses in a foreign journal are not used",
        ));
    }
    let host = units::host();
    let Some(opened) = open_some(&whole.plan, &args.units, named, &host)? else {
        return Ok(Status::Unread);
    };
    let (places, opened): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
    let (part, _) = whole.part(&places);
    let wanted: Vec<Settings> = if args.finish {
        let target = part.plan.settings_after(part.plan.steps.len());
        let touched = |unit| part.plan.touched(unit).collect::<Vec<Setting>>();
        let target = target.iter().enumerate();
        target.map(|(unit, all)| all.only(|setting| touched(unit).contains(&setting))).collect()
    } else if args.undo {
        part.old_settings()
    } else {
        return Err(Failure::usage("--foreign: expected --undo or --finish as well"));
    };
    // The guard in a foreign journal is whatever its author wrote: only the site's counts.
    let permissions = permissions(&args.permit)?;
    write_back(args, &part, &wanted, permissions, opened, None, out)
}
