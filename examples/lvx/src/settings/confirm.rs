//! `lvx confirm`: what `lvx apply --confirm-within` has written is kept.

use std::io::Write;

use lvx_settings::{Ending, Journal, Past, Record};

use super::journals::{self, Store};
use crate::{
    args::settings as args,
    outcome::{Failure, Status},
};

pub(crate) fn run(args: &args::Confirm, out: &mut impl Write) -> Result<Status, Failure> {
    let store = Store::open(&args.place)?;
    let Some(path) = store.choose(args.journal.as_deref(), Past::is_unconfirmed)? else {
        return Err(Failure::usage("no run waits to be confirmed"));
    };
    let past = Past::read(&path)?;
    if !past.is_unconfirmed() {
        let how = past
            .ending()
            .map_or("it is not done yet".to_owned(), |ending| format!("it ended: {ending}"));
        return Err(Failure::usage(format_args!(
            "{}: this run does not wait to be confirmed; {how}",
            path.display()
        )));
    }
    match Journal::reopen(&path) {
        // The run is gone, and nobody will undo it: it stays.
        Ok((mut journal, _)) => {
            journal.append(&Record::Confirmed, None)?;
            journal.append(&Record::Ended { ending: Ending::Applied }, None)?;
        }
        Err(_) => journals::confirm(&path).map_err(|error| {
            Failure::usage(format_args!("{}: cannot be confirmed: {error}", path.display()))
        })?,
    }
    writeln!(out, "confirmed: what was written is kept")?;
    Ok(Status::Well)
}
