//! Confirms replies that could belong to another request.
//!
//! On a link that other hosts use, too, the reply to another host can look like the reply to this client. So
//! the client sends a fence after a reply. The unit answers in order: if a different reply arrives before
//! the reply to the fence, one of the two belongs to another host, and neither counts. This does not help if
//! the unit lost the query of this client, because then only the reply to the other host arrives. So the client asks
//! nothing for some time, and listens:
//!
//! - If it hears nothing, the query is sent a second time, and its second reply counts.
//! - If it hears another host, three rounds in a row have to give the same reply. The unit can lose these queries, too,
//!   while the other host keeps it busy. So the client listens again, for as long as the rounds took: a reply to the other
//!   host arrives again, and does not count.
//!
//! The time between two requests counts as listening.
//!
//! The reply to a query that the crate does not know has no known form, so it is confirmed on every link.

use std::time::{Duration, Instant};

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
    /// When the query of this round was sent first, and that of the first of the equal rounds.
    asked_at: Option<Instant>,
    since: Option<Instant>,
    is_done: bool,
}

/// The result of one round: a query, its reply, and the fence after it.
#[derive(Debug)]
pub(super) enum Round {
    /// The reply belongs to the query.
    Confirmed(Outcome),
    /// Whether other hosts are active is not known, so the client has to listen before the next round.
    Unheard,
    /// The equal rounds took this time, and the client has to listen for as long.
    Agreed(Duration),
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

    /// Records that the query was sent.
    pub(super) fn sent(&mut self, now: Instant) {
        self.asked_at.get_or_insert(now);
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
            self.withdraw();
        }
        !agrees
    }

    /// Withdraws the waiting reply if another host received this frame. Returns whether the reply was withdrawn.
    pub(super) fn contradict_by_other_host(&mut self, bytes: &[u8]) -> bool {
        let is_same = self.waiting.as_ref().is_some_and(|reply| reply.frame() == Some(bytes));
        if is_same {
            self.withdraw();
        }
        is_same
    }

    fn withdraw(&mut self) {
        (self.waiting, self.previous, self.equal_rounds) = (None, None, 0);
    }

    /// Ends listening. Returns the waiting reply if it belongs to the query, or `None` if another round is needed.
    pub(super) fn end_listening(&mut self) -> Option<Outcome> {
        let reply = self.waiting.take().filter(|_| self.equal_rounds >= EQUAL_ROUNDS)?;
        self.is_done = true;
        Some(reply)
    }

    /// Ends a round, after the fence was answered.
    pub(super) fn end_round(&mut self, hosts: Hosts, now: Instant) -> Round {
        let asked_at = self.asked_at.take();
        let Some(reply) = self.waiting.take() else { return Round::Withdrawn };
        let frame = reply.frame().map(<[u8]>::to_vec);
        let previous = std::mem::replace(&mut self.previous, frame);
        let is_equal = previous.as_deref() == reply.frame();
        self.rounds += 1;
        self.equal_rounds = if is_equal { self.equal_rounds + 1 } else { 1 };
        if !is_equal {
            self.since = asked_at;
        }
        match hosts {
            Hosts::One => self.confirmed(reply),
            Hosts::Quiet if self.rounds >= 2 => self.confirmed(reply),
            Hosts::Quiet => Round::Unsure,
            Hosts::Unknown => {
                self.waiting = Some(reply);
                Round::Unheard
            }
            Hosts::Several if self.equal_rounds >= EQUAL_ROUNDS => {
                self.waiting = Some(reply);
                Round::Agreed(self.since.map_or(Duration::ZERO, |since| now - since))
            }
            Hosts::Several if is_equal || previous.is_none() => Round::Unsure,
            Hosts::Several => Round::Different,
        }
    }

    fn confirmed(&mut self, reply: Outcome) -> Round {
        self.is_done = true;
        Round::Confirmed(reply)
    }
}

/// The hosts on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Only this client.
    One,
    /// There may be others, but this client listened and heard nothing.
    Quiet,
    /// There may be others.
    Unknown,
    /// Others are active.
    Several,
}

/// What is known about other hosts on a link.
///
/// A single frame counts, although it may be a late reply to this client: further rounds cost little, and a wrong
/// value can cost much.
#[derive(Debug, Default)]
pub(super) struct OtherHosts {
    /// Time of the last bytes that did not answer a request of this client.
    heard: Option<Instant>,
    /// End of the last time in which this client listened and heard nothing.
    quiet: Option<Instant>,
}

impl OtherHosts {
    /// Records bytes that did not answer a request of this client.
    pub(super) fn note(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// Records that nothing was heard for some time.
    pub(super) fn note_quiet(&mut self, end: Instant) {
        self.quiet = Some(end);
    }

    /// Returns the hosts on a shared link.
    pub(super) fn on_shared_link(&self, now: Instant) -> Hosts {
        let is_recent = |at: Option<Instant>| at.is_some_and(|at| now < at + REMEMBERED);
        if is_recent(self.heard) {
            Hosts::Several
        } else if is_recent(self.quiet) {
            Hosts::Quiet
        } else {
            Hosts::Unknown
        }
    }
}

/// Number of rounds in a row that have to give the same reply beside other hosts.
const EQUAL_ROUNDS: u32 = 3;

/// How long it counts what was heard: monitors poll more often (assumed).
const REMEMBERED: Duration = Duration::from_secs(30);
