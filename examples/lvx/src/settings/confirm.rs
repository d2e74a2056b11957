//! `lvx confirm`: what `lvx apply --confirm-within` has written is kept.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use lvx_settings::{Ending, Keeper, Past, Record};

use crate::{
    args::settings as args,
    outcome::{Failure, Status},
    state::{Kept, Store},
};

pub(crate) fn run(args: &args::Confirm, out: &mut impl Write) -> Result<Status, Failure> {
    let store = Store::look(&args.place)?;
    let Some(run) = store.choose(args.run.as_deref(), Past::is_unconfirmed)? else {
        return Err(Failure::usage(format_args!(
            "no run waits to be confirmed; `lvx restore` shows those that were left; searched: {}",
            store.searched()
        )));
    };
    waits(&run, &run.past)?;
    match run.keep_on() {
        // The run is gone, and nobody will undo it: it stays.
        Ok((mut files, past)) => {
            waits(&run, &past)?;
            store.take_entry(&run, &mut files)?;
            files.record(&Record::Confirmed, None)?;
            files.record(&Record::Ended { ending: Ending::Applied }, None)?;
            writeln!(
                out,
                "the run is gone; what it had written is kept, unread: look with `lvx diff`"
            )?;
            Ok(Status::Well)
        }
        Err(error) if error.is_busy() => ask(&run, out),
        Err(error) => Err(error),
    }
}

/// Asks the run that waits, and says what it made of that.
fn ask(run: &Kept, out: &mut impl Write) -> Result<Status, Failure> {
    Store::confirm(run).map_err(|error| {
        Failure::usage(format_args!("{}: cannot be confirmed: {error}", run.path().display()))
    })?;
    let until = Instant::now() + PATIENCE;
    loop {
        let past = Store::find_again(run)?;
        if past.records.contains(&Record::Confirmed) {
            writeln!(out, "confirmed: what was written is kept")?;
            return Ok(Status::Well);
        }
        if !past.is_unconfirmed() || Instant::now() > until {
            Store::take_back(run);
            return waits(run, &past).map(|()| Status::Unproved);
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Whether the run waits to be confirmed; if not, says what became of it.
fn waits(run: &Kept, past: &Past) -> Result<(), Failure> {
    if past.is_unconfirmed() {
        return Ok(());
    }
    let how = match past.ending() {
        Some(ending) => format!("it ended: {ending}"),
        None => "it is at work: see what it says".to_owned(),
    };
    Err(Failure::usage(format_args!("{}: this run does not wait to be confirmed; {how}", run.name)))
}

/// A run that waits looks twice a second.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
