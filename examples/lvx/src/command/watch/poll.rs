//! Asks one unit, in a thread of its own.

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender},
    thread,
    time::Instant,
};

use lvx_parallel::{Gap, Reason};
use pi18_proto::{AnyReply, Query, SerialNumber};
use pi18_transport::{Address, Client, Error};

use super::event::PanicGuard;
use crate::units::{open_address, reopen_address};

/// What the thread of a unit reports.
#[derive(Debug)]
pub(super) enum Report {
    /// The unit answered a query, or failed to.
    Answer {
        /// The query.
        query: Query,
        /// The reply and the time at which it was read.
        answer: Result<(AnyReply, Instant), Gap>,
    },
    /// The unit could not be opened, or was lost.
    Lost(Gap),
    /// All questions of the round were asked.
    Done,
}

/// Questions to ask in one go.
#[derive(Debug)]
pub(super) struct Round {
    /// The questions, in this order.
    pub(super) questions: Vec<Query>,
    /// The unit that was found at the address, if one was.
    pub(super) serial: Option<SerialNumber>,
}

/// Starts the thread of the unit at place `unit`. It ends when no one sends rounds or takes reports.
pub(super) fn start<M: Send + 'static>(
    unit: usize,
    address: Address,
    rounds: Receiver<Round>,
    (reports, message): (SyncSender<M>, impl Fn(Report) -> M + Send + 'static),
    guard: PanicGuard,
) -> io::Result<()> {
    let run = move || {
        let _guard = guard;
        let mut client = None;
        for round in rounds {
            let sent =
                ask(&address, &mut client, &round, |report| reports.send(message(report)).is_ok());
            if !sent {
                return;
            }
        }
    };
    thread::Builder::new().name(format!("unit {unit}")).spawn(run).map(drop)
}

/// Asks the questions of a round. Returns whether `report` took all reports.
fn ask(
    address: &Address,
    client: &mut Option<Client>,
    round: &Round,
    mut report: impl FnMut(Report) -> bool,
) -> bool {
    let mut open = match client.take().map_or_else(|| opened(address, round.serial), Ok) {
        Ok(open) => open,
        Err(error) => return report(Report::Lost(Gap::from(&error))) && report(Report::Done),
    };
    let mut silent = 0;
    for &query in &round.questions {
        let (answer, is_lost) = match open.query(query) {
            Ok(reply) => {
                silent = 0;
                (Ok((reply.reply, reply.at)), false)
            }
            Err(error) => {
                let gap = Gap::from(&error);
                silent = if gap.reason == Reason::Silent { silent + 1 } else { 0 };
                let is_lost =
                    gap.reason == Reason::Gone || error.is_not_pi18() || silent >= MAX_SILENT;
                (Err(gap), is_lost)
            }
        };
        if let (true, Err(gap)) = (is_lost, &answer) {
            // The link is opened again in the next round.
            return report(Report::Lost(gap.clone())) && report(Report::Done);
        }
        if !report(Report::Answer { query, answer }) {
            return false;
        }
    }
    *client = Some(open);
    report(Report::Done)
}

fn opened(address: &Address, serial: Option<SerialNumber>) -> Result<Client, Error> {
    match serial {
        Some(serial) => reopen_address(address, serial),
        None => open_address(address),
    }
}

/// Number of questions in a row without an answer after which a unit counts as lost.
const MAX_SILENT: u32 = 2;
