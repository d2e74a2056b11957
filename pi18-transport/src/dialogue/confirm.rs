//! Links that other hosts use, too: finds out whose reply a frame is.
//!
//! A fence behind a reply finds another host's reply if ours comes, too. If the unit lost our question,
//! only another host's reply comes. So where other hosts are heard, two rounds have to agree.

use std::time::{Duration, Instant};

use pi18_proto::{Frame, FrameKind, Request};

use super::{Answered, Dialogue, Exchange, Heard, Outcome, Phase, Step, Wait};
use crate::fences::{is_mistakable, reply_to};

/// How far the reply to a question is confirmed.
#[derive(Debug, Default)]
pub(super) struct Confirmation {
    /// The reply that waits for a fence behind it.
    waiting: Option<Answered>,
    /// The frame that the round before confirmed.
    before: Option<Vec<u8>>,
    is_done: bool,
}

/// When frames came last that answered nothing that was asked here.
#[derive(Debug, Default)]
pub(super) struct Crowd([Option<Instant>; 2]);

impl Crowd {
    pub(super) fn heard(&mut self, now: Instant) {
        self.0 = [self.0[1], Some(now)];
    }

    /// Whether other hosts ask. One frame may be a late reply of our own.
    fn is_here(&self, now: Instant) -> bool {
        self.0[0].is_some_and(|heard| now < heard + REMEMBERED)
    }
}

impl Exchange {
    /// Whether a reply could be one to another host's question, and nothing says that it is not.
    pub(super) fn needs_confirmation(&self, answered: &Answered) -> bool {
        let Request::Query(query) = self.request else { return false };
        let frame = Frame::parse(&answered.frame);
        !self.confirmation.is_done && frame.is_ok_and(|frame| is_mistakable(query, frame.data()))
    }

    /// Something came between a reply and the fence behind it: one of the two replies is another
    /// host's if they differ, and damaged bytes may have been the right one.
    pub(super) fn contradict(&mut self, found: Option<(&Frame<'_>, &[u8])>) {
        let (Some(answered), Request::Query(query)) = (&self.confirmation.waiting, self.request)
        else {
            return;
        };
        let agrees = found.is_some_and(|(frame, bytes)| {
            bytes == answered.frame
                || frame.kind() != FrameKind::Data
                || reply_to(query, frame).is_err()
        });
        if !agrees {
            self.confirmation.waiting = None;
            self.heard = Heard::Other(DIFFER.to_owned());
        }
    }
}

impl Dialogue {
    /// Asks a fence behind a reply: what was asked before it is answered before it.
    pub(super) fn confirm(
        &mut self,
        exchange: &mut Exchange,
        answered: Answered,
        now: Instant,
    ) -> Step {
        let wait = Wait { end: (now + self.config.timeout).min(exchange.deadline), quiet: None };
        let fence = self.fences.next(exchange.request, now);
        exchange.phase = Phase::Confirming(fence, wait);
        exchange.confirmation.waiting = Some(answered);
        match fence {
            Some(fence) => Step::Send(fence.to_frame(self.config.dialect)),
            None => Step::Receive(wait.until()),
        }
    }

    /// Ends the exchange, or begins another round, once the fence behind a reply was answered.
    pub(super) fn confirmed(&mut self, exchange: &mut Exchange, now: Instant) {
        exchange.phase = Phase::Draining;
        let Some(answered) = exchange.confirmation.waiting.take() else {
            exchange.tries_left -= 1;
            return;
        };
        let before = exchange.confirmation.before.replace(answered.frame.clone());
        if !self.crowd.is_here(now) || before.as_ref() == Some(&answered.frame) {
            exchange.confirmation.is_done = true;
            exchange.outcome = Some(Outcome::Answer(answered));
        } else if before.is_some() {
            exchange.heard = Heard::Other(DIFFER.to_owned());
            exchange.tries_left -= 1;
        }
    }
}

const DIFFER: &str = "replies that differ: another host asks on this line";

/// How long other hosts are expected after they were heard: monitors ask more often (assumed).
const REMEMBERED: Duration = Duration::from_secs(30);
