//! Confirms replies that could belong to another request.
//!
//! On a link that other hosts use, too, the reply to another host can look like the reply to this client. So
//! the client sends a fence after a reply. The unit answers in order: if a different reply arrives before
//! the reply to the fence, one of the two belongs to another host, and neither counts. This does not help if
//! the unit lost the query of this client, because then only the reply to the other host arrives. So the query is
//! sent a second time, and its second reply counts. If anything of another host arrives meanwhile, three rounds have
//! to give the same reply, or six if another host received this very reply: a unit loses many queries while another
//! host keeps it busy.
//!
//! The reply to a query that the crate does not know has no known form, so it is confirmed on every link.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use pi18_proto::{Frame, FrameKind};

use super::{
    fences::{belongs_to_other_fence, is_ambiguous, reply_to},
    outcome::Outcome,
};

/// The confirmation of the reply to one query.
#[derive(Debug, Default)]
pub(super) struct Confirmation {
    /// The reply that waits for a fence after it.
    waiting: Option<Outcome>,
    /// The frame that the previous rounds confirmed.
    previous: Option<Vec<u8>>,
    /// Number of rounds, and of the last ones that confirmed this frame.
    rounds: u32,
    equal_rounds: u32,
    is_done: bool,
}

/// The result of one round: a query, its reply, and the fence after it.
#[derive(Debug)]
pub(super) enum Round {
    /// The reply belongs to the query.
    Confirmed(Outcome),
    /// Another round is needed.
    Unsure,
    /// The replies of two rounds differ.
    Different,
    /// The reply was withdrawn during the round.
    Withdrawn,
}

impl Confirmation {
    /// Returns whether a reply may belong to another request and was not confirmed yet.
    pub(super) fn is_needed(&self, outcome: &Outcome, is_shared: bool) -> bool {
        !self.is_done
            && match outcome {
                Outcome::Raw(_) => true,
                Outcome::Reply(reply) if is_shared => Frame::parse(&reply.frame)
                    .is_ok_and(|frame| is_ambiguous(reply.query, frame.data())),
                _ => false,
            }
    }

    /// Keeps a reply until the fence after it is answered.
    pub(super) fn begin(&mut self, reply: Outcome) {
        self.waiting = Some(reply);
    }

    /// Withdraws the waiting reply if `found` may be the correct reply instead: a different reply to the
    /// same query, or damaged bytes (`None`). Returns whether the reply was withdrawn.
    pub(super) fn contradict(&mut self, found: Option<(&Frame<'_>, &[u8])>) -> bool {
        let Some(waiting) = &self.waiting else { return false };
        let agrees = found.is_some_and(|(frame, bytes)| {
            Some(bytes) == waiting.frame()
                || frame.kind() != FrameKind::Data
                || match waiting {
                    Outcome::Reply(reply) => reply_to(reply.query, frame).is_err(),
                    Outcome::Raw(reply) => belongs_to_other_fence(reply.query.into(), frame),
                    _ => true,
                }
        });
        if !agrees {
            self.waiting = None;
        }
        !agrees
    }

    /// Returns the frame of the reply that waits.
    pub(super) fn waiting(&self) -> Option<&[u8]> {
        self.waiting.as_ref()?.frame()
    }

    /// Ends a round, after the fence was answered.
    pub(super) fn end_round(&mut self, hosts: Hosts) -> Round {
        let Some(reply) = self.waiting.take() else { return Round::Withdrawn };
        let frame = reply.frame().map(<[u8]>::to_vec);
        let previous = std::mem::replace(&mut self.previous, frame);
        let is_equal = previous.as_deref() == reply.frame();
        self.rounds += 1;
        self.equal_rounds = if is_equal { self.equal_rounds + 1 } else { 1 };
        let is_sure = match hosts {
            Hosts::One => true,
            Hosts::Quiet => self.rounds >= 2,
            Hosts::Several => self.equal_rounds >= 3,
            Hosts::SameReply => self.equal_rounds >= 6,
        };
        if is_sure {
            self.is_done = true;
            Round::Confirmed(reply)
        } else if is_equal || previous.is_none() {
            Round::Unsure
        } else {
            Round::Different
        }
    }
}

/// The hosts on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Only this client.
    One,
    /// There may be others, but nothing of them has arrived.
    Quiet,
    /// Others are active.
    Several,
    /// Others are active, and the same reply arrived for one of them.
    SameReply,
}

/// What arrived without being an answer to this client: the time of the last bytes, and the last frames.
///
/// A single frame counts, although it may be a late reply to this client: further rounds cost little, and a wrong
/// value can cost much.
#[derive(Debug, Default)]
pub(super) struct OtherHosts {
    last: Option<Instant>,
    frames: VecDeque<Vec<u8>>,
}

impl OtherHosts {
    /// Records that bytes arrived.
    pub(super) fn note(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// Records a frame, with its carriage return.
    pub(super) fn note_frame(&mut self, frame: &[u8], now: Instant) {
        self.note(now);
        self.remember(frame);
    }

    /// Records the frames that end in these bytes.
    pub(super) fn remember(&mut self, bytes: &[u8]) {
        for frame in bytes.split_inclusive(|byte| *byte == b'\r') {
            if self.frames.iter().any(|known| known == frame) {
                continue;
            }
            if self.frames.len() >= MAX_FRAMES {
                self.frames.pop_front();
            }
            self.frames.push_back(frame.to_vec());
        }
    }

    /// Returns the hosts on a shared link, as far as they concern a reply.
    pub(super) fn on_shared_link(&self, reply: Option<&[u8]>, now: Instant) -> Hosts {
        if self.last.is_none_or(|last| now >= last + REMEMBERED) {
            Hosts::Quiet
        } else if self.frames.iter().any(|frame| Some(frame.as_slice()) == reply) {
            Hosts::SameReply
        } else {
            Hosts::Several
        }
    }
}

/// Number of different frames that are remembered.
const MAX_FRAMES: usize = 32;

/// How long other hosts count as active after one of their frames: monitors poll more often (assumed).
const REMEMBERED: Duration = Duration::from_secs(30);
