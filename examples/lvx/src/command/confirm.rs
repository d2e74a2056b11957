//! `lvx confirm`: keeps the settings that `lvx apply --confirm-within` wrote.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use lvx_settings::{Ending, Past, Record, Recorder};

use crate::{
    args,
    state::{Store, StoredRun},
    terminal::{Failure, Status},
};

pub(crate) fn run(args: &args::Confirm, out: &mut impl Write) -> Result<Status, Failure> {
    let store = Store::open_existing(&args.state)?;
    let Some(run) = store.choose(args.run.as_deref(), Past::is_unconfirmed)? else {
        return Err(Failure::usage(format_args!(
            "no run waits for confirmation; `lvx restore` shows unfinished runs; searched: {}",
            store.searched()
        )));
    };
    check_waiting(&run, &run.past)?;
    match run.resume() {
        // The program of the run has exited, so nothing will undo its writes.
        Ok((mut files, past)) => {
            check_waiting(&run, &past)?;
            store.take_over(&run, &mut files)?;
            files.record(&Record::Confirmed, None)?;
            files.record(&Record::Ended { ending: Ending::Applied }, None)?;
            writeln!(
                out,
                "the program of the run has exited; its writes are kept, but were not verified: check the \
                 units with `lvx diff`"
            )?;
            Ok(Status::Ok)
        }
        Err(error) if error.is_busy() => request(&run, PATIENCE, out),
        Err(error) => Err(error),
    }
}

/// Requests confirmation from the waiting run, and waits for its response.
fn request(run: &StoredRun, patience: Duration, out: &mut impl Write) -> Result<Status, Failure> {
    Store::confirm(run).map_err(|error| {
        Failure::usage(format_args!(
            "{}: cannot request confirmation: {error}",
            run.path().display()
        ))
    })?;
    match response(run, patience, pause)? {
        Response::Confirmed => print_confirmed(out),
        Response::Ended(past) => {
            Store::withdraw(run);
            check_waiting(run, &past).map(|()| Status::NotApplied)
        }
        Response::Pending => withdraw(run, pause, out),
    }
}

/// Withdraws the request. If the run has already taken it, waits for the journal record.
fn withdraw(run: &StoredRun, pause: impl FnMut(), out: &mut impl Write) -> Result<Status, Failure> {
    let is_taken = !Store::withdraw(run);
    let patience = if is_taken { RECORD_PATIENCE } else { Duration::ZERO };
    match response(run, patience, pause)? {
        Response::Confirmed => print_confirmed(out),
        Response::Ended(past) => check_waiting(run, &past).map(|()| Status::NotApplied),
        Response::Pending if is_taken => Err(Failure::not_applied(format_args!(
            "{}: the run took the confirmation, but did not record it; `lvx runs` shows its state",
            run.name
        ))),
        Response::Pending => Err(Failure::not_applied(format_args!(
            "{}: not confirmed: the run did not respond, and the request was withdrawn; run `lvx \
             confirm` again, or the writes are undone when the time limit expires",
            run.name
        ))),
    }
}

fn print_confirmed(out: &mut impl Write) -> Result<Status, Failure> {
    writeln!(out, "confirmed: the new settings are kept")?;
    Ok(Status::Ok)
}

/// Response of a run to a request, as recorded in its journal.
enum Response {
    Confirmed,
    /// The run no longer waits.
    Ended(Box<Past>),
    /// The run still waits.
    Pending,
}

/// Reads the journal until it has a response, for at most `patience`, with a pause between two reads.
fn response(
    run: &StoredRun,
    patience: Duration,
    mut pause: impl FnMut(),
) -> Result<Response, Failure> {
    let start = Instant::now();
    loop {
        let past = Store::reread(run)?;
        if past.records.contains(&Record::Confirmed) {
            return Ok(Response::Confirmed);
        }
        if !past.is_unconfirmed() {
            return Ok(Response::Ended(Box::new(past)));
        }
        if start.elapsed() >= patience {
            return Ok(Response::Pending);
        }
        pause();
    }
}

/// Waits before the journal is read again.
fn pause() {
    thread::sleep(POLL_INTERVAL);
}

/// Checks that the run waits for confirmation.
///
/// # Errors
/// If it does not; the error contains its state.
fn check_waiting(run: &StoredRun, past: &Past) -> Result<(), Failure> {
    if past.is_unconfirmed() {
        return Ok(());
    }
    let how = match past.ending() {
        Some(ending) => format!("its result is: {ending}"),
        None => "it is in progress: see its output".to_owned(),
    };
    Err(Failure::usage(format_args!(
        "{}: this run does not wait for confirmation; {how}",
        run.name
    )))
}

/// Time for a response. A waiting run checks for requests twice a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time for the journal record after the run took the request.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);

/// Time between two reads of the journal.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;
    use crate::state::testing::{Scratch, journal};

    /// Returns a run that waits for confirmation, and its journal.
    fn waiting(scratch: &Scratch) -> (StoredRun, fs::File) {
        let text = journal(scratch, &[0], None, &Record::Waiting { seconds: 600 });
        let path = scratch.0.join("run.journal");
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let past = Past::parse(text.as_bytes()).unwrap();
        let file = fs::File::options().append(true).open(path).unwrap();
        (StoredRun { name: "run".to_owned(), folder: scratch.folder(), past }, file)
    }

    #[test]
    fn request_without_response_is_withdrawn_with_an_error() {
        let scratch = Scratch::new();
        let (run, _) = waiting(&scratch);
        let failure = request(&run, Duration::ZERO, &mut Vec::new()).unwrap_err();
        assert!(failure.messages()[0].contains("the run did not respond"), "{failure:?}");
        assert_eq!(failure.print(), Status::NotApplied);
        assert!(!Store::withdraw(&run), "the request was not withdrawn");
    }

    #[test]
    fn request_taken_just_before_withdrawal_counts_as_confirmed() {
        let scratch = Scratch::new();
        let (run, mut file) = waiting(&scratch);
        // The run has removed the marker; the journal record follows later.
        let record = || writeln!(file, "{{\"record\":\"confirmed\"}}").unwrap();
        let mut out = Vec::new();
        assert_eq!(withdraw(&run, record, &mut out).unwrap(), Status::Ok);
        assert_eq!(out, b"confirmed: the new settings are kept\n");
    }
}
