//! `lvx restore`: a run that was stopped, or could not undo everything, is finished or undone; one that
//! ended is undone.

mod edited;
mod finished;
mod foreign;
mod open_run;
mod open_units;
mod overview;
mod write_back;

use std::io::Write;

use pi18_transport::Address;

use self::edited::refuse_edited;
use crate::{
    args,
    state::{Kept, RunFiles, Store},
    terminal::{Failure, Status},
    writing::can_be_asked,
};

pub(crate) fn run(args: &args::Restore, out: &mut impl Write) -> Result<Status, Failure> {
    can_be_asked(&args.consent)?;
    if args.foreign {
        return foreign::undo_foreign(args, out);
    }
    if let Some(unit) = args.run.as_deref().filter(|run| is_unit(run)) {
        return Err(Failure::usage(format_args!(
            "{unit}: this is a unit, and the run comes before the units: lvx restore RUN {unit}; `lvx \
             runs` lists the runs"
        )));
    }
    let store = Store::look(&args.care.place)?;
    let Some(run) = store.choose(args.run.as_deref(), |_| true)? else {
        writeln!(
            out,
            "no run was left; there is nothing to restore; searched: {}",
            store.searched()
        )?;
        return Ok(Status::Ok);
    };
    let (files, past) = run.keep_on()?;
    let run = Kept { past, ..run };
    if !run.past.is_open() {
        drop(files);
        return finished::restore(args, &store, &run, out);
    }
    if args.forget {
        return forget(&store, &run, files, out);
    }
    refuse_edited(&run)?;
    open_run::bring_to_an_end(args, &store, &run, files, out)
}

/// Whether the address of a unit is in the place of a run. The path of a device is one; that of a
/// journal is no device.
fn is_unit(text: &str) -> bool {
    let is_address = text.parse::<Address>().is_ok();
    is_address && (!text.starts_with('/') || text.starts_with("/dev/"))
}

fn forget(
    store: &Store,
    run: &Kept,
    mut files: RunFiles,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    store.take_entry(run, &mut files)?;
    files.forget()?;
    writeln!(out, "{}: forgotten; the units stay as they are", run.name)?;
    Ok(Status::Ok)
}
