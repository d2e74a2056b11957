//! Checks of which unit answers, and of the number that it has in the bank.

use std::time::Instant;

use pi18_proto::{AnyReply, Count, SerialNumber};

use super::{
    machine::Change,
    stage::{Failure, Flow, Stage, Verdict},
    target::stated_number,
};
use crate::{
    Settings,
    apply::{reason::Cause, stray::StrayCause},
};

impl Change {
    /// Handles [`Stage::Identify`].
    pub(super) fn identified(&mut self, reply: &AnyReply, now: Instant) -> Flow {
        match self.target.stranger(reply) {
            None => {
                self.sending.doubts.unidentified = false;
                Flow::Continue(Stage::Inspect)
            }
            Some(found) => self.another_unit(found, now),
        }
    }

    /// Handles [`Stage::ReadNumber`]. The numbers of a bank can change while its links stay open.
    pub(super) fn number_read(&mut self, reply: &AnyReply) -> Flow {
        if let Some(number) = self.changed_number(reply) {
            return self.renumbered(number);
        }
        self.sending.doubts.unchecked_number = None;
        let Some(instance) = stated_number(reply) else {
            return Flow::Break(self.failed(Cause::NoNumber));
        };
        if instance != self.target.instance {
            let mut unit = self.target.unit.clone();
            unit.status.parallel_instance = instance.get();
            self.target.update(unit, instance);
        }
        Flow::Continue(Stage::Announce)
    }

    /// Handles [`Stage::RecheckIdentity`].
    pub(super) fn identity_rechecked(&mut self, reply: &AnyReply, now: Instant) -> Flow {
        if let Some(found) = self.target.stranger(reply) {
            return self.another_unit(found, now);
        }
        self.sending.doubts.unidentified = false;
        let number_matters = match &self.pending {
            Some(Verdict::Failed(_)) => true,
            Some(Verdict::Proved) => !self.shows_its_only_write(),
            None => false,
        };
        if number_matters && self.sending.doubts.unchecked_number.is_some() {
            return Flow::Continue(Stage::RecheckNumber);
        }
        self.end()
    }

    /// Returns whether the unit went from the old values to the new ones after a single write, so that no
    /// other unit can have carried it out.
    fn shows_its_only_write(&self) -> bool {
        let shows = |all: &Settings| self.goal.of_group(all).satisfy(&self.goal.to);
        self.sending.attempts == 1
            && !self.goal.always_write
            && self.sending.last.as_ref().is_some_and(shows)
    }

    /// Handles a reply of another unit on the link.
    pub(super) fn another_unit(&mut self, found: SerialNumber, now: Instant) -> Flow {
        let pending = self.pending.take();
        if !self.sending.doubts.unidentified {
            // No command was sent since the right unit last identified itself.
            if self.waits.link.fails(now) {
                return Flow::Break(self.lose(Cause::OtherUnit { found }));
            }
            return Flow::Continue(Stage::Away);
        }
        let after = match pending {
            Some(Verdict::Failed(failure)) => Some(Box::new(failure.why)),
            _ => None,
        };
        let why = Cause::Swapped { found, after };
        let stray_cause = Some(StrayCause::AnotherUnit { found });
        Flow::Break(Verdict::Failed(Failure {
            may_be_done: true,
            stray_cause,
            ..self.failure(why)
        }))
    }

    /// Handles [`Stage::RecheckNumber`].
    pub(super) fn number_rechecked(&mut self, reply: &AnyReply) -> Flow {
        if let Some(number) = self.changed_number(reply) {
            return self.renumbered(number);
        }
        self.sending.doubts.unchecked_number = None;
        self.end()
    }

    /// Handles a unit that no longer has the number that the command named. Another unit may have carried out
    /// the command.
    fn renumbered(&mut self, now: Count) -> Flow {
        let after = match self.pending.take() {
            Some(Verdict::Failed(failure)) => Some(Box::new(failure.why)),
            _ => None,
        };
        let stray_cause = Some(StrayCause::Renumbered { now, found: None });
        self.pending = Some(Verdict::Failed(Failure {
            may_be_done: true,
            stray_cause,
            ..self.failure(Cause::Renumbered { found: None, after })
        }));
        Flow::Continue(Stage::TraceNumber)
    }

    /// Handles [`Stage::TraceNumber`]: notes the unit that now has the number in the command.
    pub(super) fn number_traced(&mut self, reply: &AnyReply) -> Flow {
        if let AnyReply::ParallelRating(rating) = reply
            && let Some(serial) = rating.serial_number()
            && let Some(Verdict::Failed(failure)) = &mut self.pending
            && let Some(StrayCause::Renumbered { found, .. }) = &mut failure.stray_cause
        {
            *found = Some(serial);
            if let Cause::Renumbered { found, .. } = &mut failure.why {
                *found = Some(serial);
            }
        }
        self.end()
    }
}
