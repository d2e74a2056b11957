//! `lvx restore`: finishes or undoes an open run, and undoes a finished one.

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
    state::{RunFiles, Store, StoredRun},
    terminal::{Failure, Status},
    writing::check_terminal,
};

pub(crate) fn run(args: &args::Restore, out: &mut impl Write) -> Result<Status, Failure> {
    check_terminal(&args.consent)?;
    if args.foreign {
        return foreign::restore_foreign(args, out);
    }
    if let Some(unit) = args.run.as_deref().filter(|run| is_unit(run)) {
        return Err(Failure::usage(format_args!(
            "{unit}: expected a run before the units, found a unit: lvx restore RUN {unit}; `lvx runs` \
             lists the runs"
        )));
    }
    let store = Store::open_existing(&args.timing.state)?;
    let Some(run) = store.choose(args.run.as_deref(), |_| true)? else {
        writeln!(out, "no open run was found; searched: {}", store.searched())?;
        return Ok(Status::Ok);
    };
    let (files, past) = run.resume()?;
    let run = StoredRun { past, ..run };
    if !run.past.is_open() {
        drop(files);
        return finished::restore(args, &store, &run, out);
    }
    if args.forget {
        return forget(&store, &run, files, out);
    }
    refuse_edited(&run)?;
    open_run::close_run(args, &store, &run, files, out)
}

/// Returns whether a text is the address of a unit. An absolute path outside `/dev` is that of a journal.
fn is_unit(text: &str) -> bool {
    let is_address = text.parse::<Address>().is_ok();
    is_address && (!text.starts_with('/') || text.starts_with("/dev/"))
}

fn forget(
    store: &Store,
    run: &StoredRun,
    mut files: RunFiles,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    store.take_over(run, &mut files)?;
    files.forget()?;
    writeln!(out, "{}: closed; the units were not changed", run.name)?;
    Ok(Status::Ok)
}
