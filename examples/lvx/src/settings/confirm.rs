//! `lvx confirm`: what `lvx apply --confirm-within` has written is kept.

use std::{
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use lvx_settings::{Ending, Journal, Past, Record};

use super::journals::{self, Store};
use crate::{
    args::settings as args,
    outcome::{Failure, Status},
};

pub(crate) fn run(args: &args::Confirm, out: &mut impl Write) -> Result<Status, Failure> {
    let store = Store::open(&args.place)?;
    let Some(path) = store.choose(args.journal.as_deref(), Past::is_unconfirmed)? else {
        return Err(Failure::usage(
            "no run waits to be confirmed; `lvx restore` shows those that were left",
        ));
    };
    match Journal::reopen(&path) {
        // The run is gone, and nobody will undo it: it stays.
        Ok((mut journal, past)) => {
            waits(&path, &past)?;
            journal.append(&Record::Confirmed, None)?;
            journal.append(&Record::Ended { ending: Ending::Applied }, None)?;
            writeln!(
                out,
                "the run is gone; what it had written is kept, unread: look with `lvx diff`"
            )?;
            Ok(Status::Well)
        }
        Err(error) if error.is_busy() => ask(&path, out),
        Err(error) => Err(error.into()),
    }
}

/// Asks the run that waits, and says what it made of that.
fn ask(path: &Path, out: &mut impl Write) -> Result<Status, Failure> {
    waits(path, &Past::read(path)?)?;
    journals::confirm(path).map_err(|error| {
        Failure::usage(format_args!("{}: cannot be confirmed: {error}", path.display()))
    })?;
    let until = Instant::now() + PATIENCE;
    loop {
        let past = Past::read(path)?;
        if past.records.contains(&Record::Confirmed) {
            writeln!(out, "confirmed: what was written is kept")?;
            return Ok(Status::Well);
        }
        if !past.is_unconfirmed() || Instant::now() > until {
            journals::take_back(path);
            return waits(path, &past).map(|()| Status::Unproved);
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Whether the run waits to be confirmed; if not, says what became of it.
fn waits(path: &Path, past: &Past) -> Result<(), Failure> {
    if past.is_unconfirmed() {
        return Ok(());
    }
    let how = match past.ending() {
        Some(ending) => format!("it ended: {ending}"),
        None => "it is at work: see what it says".to_owned(),
    };
    Err(Failure::usage(format_args!(
        "{}: this run does not wait to be confirmed; {how}",
        path.display()
    )))
}

/// A run that waits looks twice a second.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
