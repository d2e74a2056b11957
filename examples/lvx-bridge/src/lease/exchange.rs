//! One exchange on a link that a poller owns.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
        mpsc,
    },
    time::Duration,
};

use lvx_parallel::Gap;
use pi18_proto::SerialNumber;
use pi18_transport::{Client, ErrorKind};

use crate::poll::{JobEffect, LinkGone, LinkHandle, Priority};

/// A part of the result of an exchange, in the order in which they arrive: `Sent`, any number of `Bytes`, then `End`
/// or `Failed`. If the frame is not sent, `Failed` is the only part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// The frame was sent.
    Sent,
    /// Bytes arrived.
    Bytes(Vec<u8>),
    /// The frame was answered, or the wait has timed out.
    End,
    /// The link has failed. Nothing was sent, unless `Sent` came before.
    Failed {
        /// Whether another unit may answer next.
        is_gone: bool,
        /// Reason.
        text: String,
    },
}

/// An exchange that waits for its turn or is in progress. When it is dropped before its frame was sent, the frame is
/// not sent.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The parts of the result.
    pub(crate) parts: mpsc::Receiver<Part>,
    turn: Arc<AtomicU8>,
}

/// The exchange waits for its turn.
const WAITING: u8 = 0;
/// It has its turn: the frame is sent, or was.
const BEGUN: u8 = 1;
/// It has no turn any more: the frame is not sent.
const CANCELLED: u8 = 2;

impl Exchange {
    /// Hands a frame to the poller of a link. It is sent only if `serial` answers there.
    pub(crate) fn begin(
        link: &LinkHandle,
        priority: Priority,
        serial: SerialNumber,
        frame: Vec<u8>,
        wait: Duration,
    ) -> Result<Self, LinkGone> {
        let (sender, parts) = mpsc::channel();
        let turn = Arc::new(AtomicU8::new(WAITING));
        let own = Arc::clone(&turn);
        let job = Box::new(move |client: Result<&mut Client, &Gap>| {
            if !change(&own, BEGUN) {
                return JobEffect::Unchanged;
            }
            // If the other side has gone, the parts are not needed.
            let send = |part| drop(sender.send(part));
            let text = match client {
                Ok(client) if client.identity() == Some(serial) => {
                    return relay(client, &frame, wait, send);
                }
                Ok(_) => format!("unit {serial} does not answer on its link at present"),
                Err(gap) => gap.text.clone(),
            };
            send(Part::Failed { is_gone: true, text });
            JobEffect::Unchanged
        });
        link.run_with(priority, job)?;
        Ok(Self { parts, turn })
    }

    /// Gives up the turn. Returns false if it has begun: then the frame may be sent, and the parts of its result follow.
    pub(crate) fn cancel(&self) -> bool {
        change(&self.turn, CANCELLED)
    }

    /// Gives up the turn, or waits until the exchange has ended. After that, the frame is not sent any more.
    pub(crate) fn end(self) {
        self.cancel();
        if self.turn.load(Ordering::Acquire) == BEGUN {
            // The poller drops the sender at the end of the job.
            while self.parts.recv().is_ok() {}
        }
    }
}

/// Ends the wait for a turn. Returns whether this call did it.
fn change(turn: &AtomicU8, to: u8) -> bool {
    turn.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Sends a frame, and passes on the parts of the result.
fn relay(client: &mut Client, frame: &[u8], wait: Duration, send: impl Fn(Part)) -> JobEffect {
    let mut is_sent = false;
    let relayed = client.relay(frame, wait, &mut |bytes| {
        if bytes.is_empty() && !is_sent {
            is_sent = true;
            send(Part::Sent);
        } else {
            send(Part::Bytes(bytes.to_vec()));
        }
    });
    send(match relayed {
        Ok(_) => Part::End,
        Err(error) => {
            let is_gone = error.is_disconnected() || error.kind() == ErrorKind::WrongUnit;
            Part::Failed { is_gone, text: error.to_string() }
        }
    });
    if is_sent && frame.starts_with(b"^S") { JobEffect::Set } else { JobEffect::Unchanged }
}
