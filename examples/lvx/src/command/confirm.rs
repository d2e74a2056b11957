//! `lvx confirm`: what `lvx apply --confirm-within` has written is kept.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use lvx_settings::{Ending, Past, Record, Recorder};

use crate::{
    args,
    state::{Kept, Store},
    terminal::{Failure, Status},
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
            Ok(Status::Ok)
        }
        Err(error) if error.is_busy() => ask(&run, PATIENCE, out),
        Err(error) => Err(error),
    }
}

/// Asks the run that waits, and says what it made of that.
fn ask(run: &Kept, patience: Duration, out: &mut impl Write) -> Result<Status, Failure> {
    Store::confirm(run).map_err(|error| {
        Failure::usage(format_args!("{}: cannot be confirmed: {error}", run.path().display()))
    })?;
    match is_noted(run, patience)? {
        Noted::Confirmed => well(out),
        Noted::Over(past) => {
            Store::take_back(run);
            waits(run, &past).map(|()| Status::Unproved)
        }
        Noted::Not => give_up(run, out),
    }
}

/// The run has not noted the confirmation: it is taken back, unless the run has taken it meanwhile.
fn give_up(run: &Kept, out: &mut impl Write) -> Result<Status, Failure> {
    let is_taken = !Store::take_back(run);
    let patience = if is_taken { NOTED_AFTER } else { Duration::ZERO };
    match is_noted(run, patience)? {
        Noted::Confirmed => well(out),
        Noted::Over(past) => waits(run, &past).map(|()| Status::Unproved),
        Noted::Not if is_taken => Err(Failure::unproved(format_args!(
            "{}: the run has taken the confirmation and not noted it: `lvx runs` shows what becomes of \
             it",
            run.name
        ))),
        Noted::Not => Err(Failure::unproved(format_args!(
            "{}: not confirmed: the run did not react, and the confirmation was taken back; call `lvx \
             confirm` again, or what was written is undone when its time is over",
            run.name
        ))),
    }
}

fn well(out: &mut impl Write) -> Result<Status, Failure> {
    writeln!(out, "confirmed: what was written is kept")?;
    Ok(Status::Ok)
}

/// What the journal of a run that was asked says.
enum Noted {
    Confirmed,
    /// It no longer waits.
    Over(Box<Past>),
    /// It still waits.
    Not,
}

/// Reads the journal again and again until it says something, for so long.
fn is_noted(run: &Kept, patience: Duration) -> Result<Noted, Failure> {
    let start = Instant::now();
    loop {
        let past = Store::find_again(run)?;
        if past.records.contains(&Record::Confirmed) {
            return Ok(Noted::Confirmed);
        }
        if !past.is_unconfirmed() {
            return Ok(Noted::Over(Box::new(past)));
        }
        if start.elapsed() >= patience {
            return Ok(Noted::Not);
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
/// A run that has taken a confirmation notes it at once.
const NOTED_AFTER: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;
    use crate::state::testing::{Scratch, journal};

    /// A run that waits to be confirmed, and its journal.
    fn waiting(scratch: &Scratch) -> (Kept, fs::File) {
        let text = journal(scratch, &[0], None, &Record::Waiting { seconds: 600 });
        let path = scratch.0.join("run.journal");
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let past = Past::parse(text.as_bytes()).unwrap();
        let file = fs::File::options().append(true).open(path).unwrap();
        (Kept { name: "run".to_owned(), folder: scratch.folder(), past }, file)
    }

    #[test]
    fn confirmation_that_the_run_does_not_take_is_taken_back_with_a_message() {
        let scratch = Scratch::new();
        let (run, _) = waiting(&scratch);
        let failure = ask(&run, Duration::ZERO, &mut Vec::new()).unwrap_err();
        assert!(failure.messages()[0].contains("the run did not react"), "{failure:?}");
        assert_eq!(failure.print(), Status::Unproved);
        assert!(!Store::take_back(&run), "it is still there");
    }

    #[test]
    fn confirmation_that_the_run_took_at_the_last_moment_counts() {
        let scratch = Scratch::new();
        let (run, mut file) = waiting(&scratch);
        // The run has removed the marker; it notes that a little later.
        let noting = thread::spawn(move || {
            thread::sleep(BETWEEN_LOOKS);
            writeln!(file, "{{\"record\":\"confirmed\"}}").unwrap();
        });
        let mut out = Vec::new();
        assert_eq!(give_up(&run, &mut out).unwrap(), Status::Ok);
        noting.join().unwrap();
        assert_eq!(out, b"confirmed: what was written is kept\n");
    }
}
