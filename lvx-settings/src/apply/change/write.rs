//! The check of the settings before a write, the write, and its verification by reading back.

use std::time::Instant;

use pi18_proto::{AnyReply, DateTime};
use pi18_transport::SetOutcome;

use super::{
    machine::Change,
    stage::{Failure, Flow, Stage, Verdict},
};
use crate::{
    Settings,
    apply::{action::Trouble, options::later, reason::Cause, stray::StrayCause},
    model::settings::{alike, shown},
};

impl Change {
    /// Handles [`Stage::Inspect`]: checks that the unit has the expected settings, and that the write is still
    /// needed.
    pub(super) fn inspected(
        &mut self,
        reply: &AnyReply,
        host: Option<DateTime>,
        now: Instant,
    ) -> Flow {
        let all = shown(reply, host);
        let current = self.goal.of_group(&all);
        let is_done = current.satisfy(&self.goal.to) && !self.goal.always_write;
        if is_done && self.sending.attempts > 0 {
            // An earlier attempt shows late. It is verified like any other.
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
        if !current.satisfy(&self.goal.from)
            && !self.goal.always_write
            && let Some(verdict) = self.changed_meanwhile(&current, &all)
        {
            return self.conclude(verdict);
        }
        if let Err(why) = self.goal.check_allowed(&all) {
            let failed = self.failed(Cause::NotAllowed { why });
            return self.conclude(failed);
        }
        Flow::Continue(if self.target.by_number { Stage::ReadNumber } else { Stage::Announce })
    }

    /// Returns the verdict on a group that has neither its old nor its new values, or `None` if a part of the
    /// step is left to undo.
    fn changed_meanwhile(&mut self, current: &Settings, all: &Settings) -> Option<Verdict> {
        if self.goal.later_values.iter().any(|later| current.satisfy(later)) {
            return Some(Verdict::Proved);
        }
        if !self.goal.backward {
            return Some(self.foreign(current, &self.goal.from));
        }
        if !self.goal.keep_foreign(current) {
            return Some(Verdict::Proved);
        }
        let rule = self.goal.newly_broken(all)?;
        Some(self.failed(Cause::RuleBroken(rule)))
    }

    /// Handles [`Stage::Announce`].
    pub(super) fn announced(&mut self, stored: Result<(), String>) -> Flow {
        match stored {
            // An undo continues even if the journal cannot be written.
            Err(error) if !self.goal.backward => {
                Flow::Break(self.failed(Cause::NotRecorded { error }))
            }
            _ => Flow::Continue(Stage::Send),
        }
    }

    /// Handles [`Stage::Send`].
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
                self.sending.doubts.unidentified = true;
                self.sending.doubts.unchecked_number =
                    self.target.by_number.then_some(self.target.instance);
                outcome == SetOutcome::Gone
            }
            Err(trouble) => {
                self.sending.trouble = Some(trouble.text);
                if !trouble.gone {
                    // Nothing was sent, so there is nothing to wait for.
                    self.sending.deadline = Some(now);
                }
                trouble.gone
            }
        };
        if !gone {
            return Flow::Continue(Stage::Settle);
        }
        if self.waits.link.fails(now) {
            return Flow::Break(self.lose(Cause::Flapping));
        }
        Flow::Continue(Stage::Away)
    }

    /// Handles [`Stage::ReadBack`]. A verdict needs two equal readings in a row.
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
            let failed = self.failed(Cause::Unsteady);
            return self.conclude(failed);
        }
        let current = self.goal.of_group(&all);
        let may_verify = !(in_time && self.goal.outlast_earlier)
            && (!self.goal.always_write || self.sending.accepted);
        if current.satisfy(&self.goal.to) && may_verify {
            let off = self.goal.expected_after().filter(|expected| !all.satisfy(expected));
            let verdict = off.map_or(Verdict::Proved, |expected| self.foreign(&all, &expected));
            return self.conclude(verdict);
        }
        if in_time {
            return Flow::Continue(Stage::Settle);
        }
        if !current.satisfy(&self.goal.from) && !self.goal.always_write {
            let foreign = self.foreign(&current, &self.goal.to);
            return self.conclude(foreign);
        }
        self.old_value_shown()
    }

    /// Decides what to do about a unit that still shows the old values after the deadline.
    fn old_value_shown(&mut self) -> Flow {
        let refused = self.sending.answer == Some(SetOutcome::Refused);
        if refused && !self.sending.doubts.unrefused {
            // If the refusal was meant for another host, the unit would show the new values by now. If
            // the number of the unit changed, another unit may have carried out the command: the status
            // shows this.
            self.sending.doubts.may_be_done = false;
            self.sending.doubts.unidentified = false;
            return Flow::Continue(Stage::ReadStatus);
        }
        if !refused && !self.sending.accepted && self.sending.attempts < self.options.attempts {
            return Flow::Continue(Stage::Identify);
        }
        let unproved = self.unproved();
        self.conclude(unproved)
    }

    /// Returns the failure of a unit that still shows the old values after the deadline.
    fn unproved(&self) -> Verdict {
        let attempts = self.sending.attempts;
        let accepted = Some(SetOutcome::Accepted).filter(|_| self.sending.accepted);
        let why = match accepted.or(self.sending.answer) {
            Some(outcome) => Cause::NotShown { outcome, attempts, within: self.options.within },
            None => Cause::NotSent { attempts, error: self.sending.trouble.clone() },
        };
        let stray_cause = self.sending.accepted.then_some(StrayCause::NeverShown);
        Verdict::Failed(Failure { stray_cause, ..self.failure(why) })
    }
}
