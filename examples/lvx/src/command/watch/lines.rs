//! Prints a line for each reading, for a pipe or a file.

use std::{
    io::Write,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use jiff::Zoned;

use super::{event::Event, latest::Latest};
use crate::{
    overview::{Level, Overview, Summary, packs_in_short},
    terminal::{Failure, Status, Stdout},
};

/// Prints until the reader of the pipe has closed it.
pub(super) fn run(
    latest: &Latest,
    events: &Receiver<Event>,
    out: &mut Stdout,
) -> Result<Status, Failure> {
    let mut trouble = String::new();
    while !out.is_closed() {
        let is_round = match events.recv_timeout(LONGEST_WAIT) {
            Ok(Event::Changed { is_round }) => is_round,
            Ok(Event::Panicked) => return Err(Failure::usage("the units are not read any more")),
            _ => false,
        };
        let bank = latest.get();
        // A bridge that does not answer has no rounds.
        let is_lost = bank.verdict.level == Level::Lost && bank.verdict.detail != trouble;
        bank.verdict.detail.clone_into(&mut trouble);
        if is_round || is_lost {
            writeln!(out, "{}", line(&bank, Instant::now(), &Zoned::now()))?;
            out.flush()?;
        }
    }
    Ok(Status::Ok)
}

/// Returns the line of a reading.
fn line(bank: &Overview, now: Instant, wall: &Zoned) -> String {
    let Summary { sun, load, battery, grid } = Summary::of(&bank.totals(now));
    let time = wall.strftime("%Y-%m-%dT%H:%M:%S%:z");
    let verdict = &bank.verdict;
    let detail = if verdict.level == Level::Lost { &verdict.detail } else { "" };
    let separator = if detail.is_empty() { "" } else { ": " };
    let packs = packs_in_short(&bank.packs, now).map(|packs| format!(" | packs {packs}"));
    let packs = packs.unwrap_or_default();
    format!(
        "{time} {word}: {title}{separator}{detail} | sun {sun} | load {load} | battery {battery}{packs} | grid {grid}",
        word = verdict.level.word(),
        title = verdict.title,
    )
}

/// Longest time after which a closed pipe is found without an event.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
