//! The write itself: the check before it, the sending, and the proof by reading back.

use std::time::Instant;

use pi18_proto::{AnyReply, DateTime, ParallelInstance};
use pi18_transport::SetOutcome;

use super::{Change, Failure, Flow, Stage, Verdict};
use crate::{
    Settings,
    apply::{Astray, Trouble, action::later},
    model::group::shown,
    plan::alike,
};

/// What was sent so far, and what came back.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// How often it was tried.
    pub(super) attempts: u32,
    /// The number of the unit in the last command.
    pub(super) instance: Option<ParallelInstance>,
    /// The unit's answer to the last write; `None` before the first.
    pub(super) answer: Option<SetOutcome>,
    /// Some write was accepted.
    pub(super) accepted: bool,
    pub(super) doubts: Doubts,
    /// The time by which the last write must be shown.
    pub(super) deadline: Option<Instant>,
    /// The settings that were read last.
    pub(super) last: Option<Settings>,
    /// The link's last error while sending.
    trouble: Option<String>,
}

/// What is not known of the writes that were sent.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Some write may have been carried out.
    pub(super) may_be_done: bool,
    /// Some write was not refused: a refusal of another one says nothing about it.
    unrefused: bool,
    /// A write went out since the right unit answered.
    pub(super) unattested: bool,
    /// The number that the last write named, until the unit was seen to still have it.
    pub(super) unnumbered: Option<ParallelInstance>,
}

impl Change {
    /// Checks that the unit is as it should be before the write, and that the write is still wanted.
    pub(super) fn inspected(
        &mut self,
        reply: &AnyReply,
        host: Option<DateTime>,
        now: Instant,
    ) -> Flow {
        let all = shown(reply, host);
        let own = self.goal.own(&all);
        let is_done = own.satisfy(&self.goal.to) && !self.goal.insist;
        if is_done && self.sending.attempts > 0 {
            // An earlier write shows late: it is proved like any other.
            self.sending.last = Some(all);
            self.sending.deadline = Some(later(now, self.options.within));
            return Flow::Continue(Stage::Settle);
        }
        if let Some(expected) = self.goal.expected_before()
            && !alike(&all, &expected)
        {
            let foreign = self.foreign(&all, &expected);
            return self.conclude(foreign);
        }
        if is_done {
            return self.conclude(Verdict::Proved);
        }
        if !own.satisfy(&self.goal.from) && !self.goal.insist {
            if self.goal.beyond.iter().any(|later| own.satisfy(later)) {
                return self.conclude(Verdict::Proved);
            }
            if !self.goal.backward {
                let foreign = self.foreign(&own, &self.goal.from);
                return self.conclude(foreign);
            }
            if !self.goal.keep_foreign(&own) {
                return self.conclude(Verdict::Proved);
            }
            if let Some(rule) = self.goal.newly_broken(&all) {
                let why = format!("somebody else changed the settings, and with these {rule}");
                let left = self.failed(why);
                return self.conclude(left);
            }
        }
        if let Err(why) = self.goal.allowed(&all) {
            let failed = self.failed(why);
            return self.conclude(failed);
        }
        Flow::Continue(if self.target.by_number { Stage::Number } else { Stage::Announce })
    }

    pub(super) fn announced(&mut self, stored: Result<(), String>) -> Flow {
        match stored {
            // What is undone is undone without a journal if need be.
            Err(why) if !self.goal.backward => {
                Flow::Break(self.failed(format!("the journal cannot be written: {why}")))
            }
            _ => Flow::Continue(Stage::Send),
        }
    }

    pub(super) fn sent(&mut self, written: Result<SetOutcome, Trouble>, now: Instant) -> Flow {
        self.sending.attempts += 1;
        self.sending.deadline = Some(later(now, self.options.within));
        self.sending.last = None;
        let gone = match written {
            Ok(outcome) => {
                self.sending.answer = Some(outcome);
                self.sending.instance = Some(self.target.instance);
                self.sending.accepted |= outcome == SetOutcome::Accepted;
                self.sending.doubts.unrefused |= outcome != SetOutcome::Refused;
                self.sending.doubts.may_be_done = true;
                self.sending.doubts.unattested = true;
                self.sending.doubts.unnumbered =
                    self.target.by_number.then_some(self.target.instance);
                outcome == SetOutcome::Gone
            }
            Err(trouble) => {
                self.sending.trouble = Some(trouble.text);
                if !trouble.gone {
                    // Nothing was sent, nothing has to be waited for.
                    self.sending.deadline = Some(now);
                }
                trouble.gone
            }
        };
        if !gone {
            return Flow::Continue(Stage::Settle);
        }
        if self.recovery.link.fails(now) {
            return Flow::Break(self.lose("its device keeps going away"));
        }
        Flow::Continue(Stage::Away)
    }

    /// One reading after a write.
    pub(super) fn read_back(
        &mut self,
        reply: &AnyReply,
        host: Option<DateTime>,
        now: Instant,
    ) -> Flow {
        let all = shown(reply, host);
        let Some(last) = self.sending.last.replace(all) else {
            return Flow::Continue(Stage::Settle);
        };
        let in_time = self.sending.deadline.is_some_and(|deadline| now < deadline);
        if !alike(&last, &all) {
            if in_time {
                return Flow::Continue(Stage::Settle);
            }
            let failed = self.failed("its readings do not settle");
            return self.conclude(failed);
        }
        let own = self.goal.own(&all);
        let is_over = !(in_time && self.goal.outlast);
        if own.satisfy(&self.goal.to) && is_over && (!self.goal.insist || self.sending.accepted) {
            let off = self.goal.expected_after().filter(|expected| !all.satisfy(expected));
            let verdict = off.map_or(Verdict::Proved, |expected| self.foreign(&all, &expected));
            return self.conclude(verdict);
        }
        if in_time {
            return Flow::Continue(Stage::Settle);
        }
        if !own.satisfy(&self.goal.from) && !self.goal.insist {
            let foreign = self.foreign(&own, &self.goal.to);
            return self.conclude(foreign);
        }
        // Still as it was.
        let refused = self.sending.answer == Some(SetOutcome::Refused);
        if refused && !self.sending.doubts.unrefused {
            // Long enough for a write whose refusal was meant for another host. If the numbers changed
            // as well, another unit may have carried it out: that is still to be asked.
            self.sending.doubts.may_be_done = false;
            self.sending.doubts.unattested = false;
            return Flow::Continue(Stage::Ask);
        }
        if !refused && !self.sending.accepted && self.sending.attempts < self.options.attempts {
            return Flow::Continue(Stage::Identify);
        }
        let unproved = self.unproved();
        self.conclude(unproved)
    }

    /// The time is over, and the unit shows the old values.
    fn unproved(&self) -> Verdict {
        let within = self.options.within.as_secs_f64();
        let still = format!("the unit still shows the old value {within} s later");
        let tries = match self.sending.attempts {
            1 => String::new(),
            tries => format!(" ({tries} tries)"),
        };
        let why = match self.sending.answer {
            _ if self.sending.accepted => format!("it was accepted (^1), but {still}"),
            Some(SetOutcome::Garbled) => format!(
                "what came back says neither yes nor no, and {still}{tries}; is the cable sound?"
            ),
            Some(SetOutcome::Refused) => {
                format!("a first try was not answered, a second one was refused (^0), and {still}")
            }
            Some(_) => format!("the unit did not answer, and {still}{tries}"),
            None => format!(
                "it could not be sent{tries}: {}",
                self.sending.trouble.as_deref().unwrap_or("no reason is known")
            ),
        };
        let astray = self.sending.accepted.then_some(Astray::NeverShown);
        Verdict::Failed(Failure { astray, ..self.failure(why) })
    }
}
