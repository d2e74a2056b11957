//! Which unit answers, and which number it has in the bank.

use std::time::Instant;

use pi18_proto::{AnyReply, Count, ParallelInstance, SerialNumber};

use super::{Change, Failure, Flow, Stage, Verdict};
use crate::{Group, Settings, Unit, apply::Astray};

/// The unit that a write is meant for.
#[derive(Debug)]
pub(super) struct Target {
    /// Its place in the plan.
    pub(super) index: usize,
    /// The unit as it was read last.
    pub(super) unit: Unit,
    /// Its number in the bank.
    pub(super) instance: ParallelInstance,
    /// Whether the command names the unit by this number.
    pub(super) by_number: bool,
    /// The unit as it was just found, if that differs from what is known.
    pub(super) found: Option<Unit>,
}

impl Target {
    pub(super) fn new(index: usize, unit: &Unit, group: Group) -> Option<Self> {
        Some(Self {
            index,
            unit: unit.clone(),
            instance: unit.instance()?,
            by_number: group.names_its_unit(),
            found: None,
        })
    }

    pub(super) fn serial_number(&self) -> SerialNumber {
        self.unit.serial_number
    }

    /// Takes the unit as it is now.
    pub(super) fn take(&mut self, unit: Unit, instance: ParallelInstance) {
        self.instance = instance;
        self.unit = unit.clone();
        self.found = Some(unit);
    }

    /// Which other unit answers, if it is another one.
    fn stranger(&self, reply: &AnyReply) -> Option<SerialNumber> {
        match reply {
            AnyReply::Identity(identity) => {
                Some(identity.serial_number).filter(|found| *found != self.serial_number())
            }
            _ => None,
        }
    }

    /// The number that a status reply states, if it is one of a bank.
    fn stated(reply: &AnyReply) -> Option<ParallelInstance> {
        match reply {
            AnyReply::GeneralStatus(status) => ParallelInstance::new(status.parallel_instance).ok(),
            _ => None,
        }
    }
}

impl Change {
    /// Before a write.
    pub(super) fn identified(&mut self, reply: &AnyReply, now: Instant) -> Flow {
        match self.target.stranger(reply) {
            None => {
                self.sending.doubts.unattested = false;
                Flow::Continue(Stage::Inspect)
            }
            Some(found) => self.another_unit(found, now),
        }
    }

    /// The numbers of a bank can change while its links stay open.
    pub(super) fn numbered(&mut self, reply: &AnyReply) -> Flow {
        if let Some(number) = self.other_number(reply) {
            return self.renumbered(number);
        }
        self.sending.doubts.unnumbered = None;
        let Some(instance) = Target::stated(reply) else {
            return Flow::Break(self.failed("it has no number in its bank any more"));
        };
        if instance != self.target.instance {
            let mut unit = self.target.unit.clone();
            unit.status.parallel_instance = instance.get();
            self.target.take(unit, instance);
        }
        Flow::Continue(Stage::Announce)
    }

    /// Before a verdict is believed.
    pub(super) fn attested(&mut self, reply: &AnyReply, now: Instant) -> Flow {
        if let Some(found) = self.target.stranger(reply) {
            return self.another_unit(found, now);
        }
        self.sending.doubts.unattested = false;
        let number_matters = match &self.pending {
            Some(Verdict::Failed(_)) => true,
            Some(Verdict::Proved) => !self.shows_the_only_write(),
            None => false,
        };
        if number_matters && self.sending.doubts.unnumbered.is_some() {
            return Flow::Continue(Stage::AttestNumber);
        }
        self.end()
    }

    /// Whether the unit went from the old values to the new ones after a single write: then no other
    /// unit carried it out.
    fn shows_the_only_write(&self) -> bool {
        let shows = |all: &Settings| self.goal.own(all).satisfy(&self.goal.to);
        self.sending.attempts == 1
            && !self.goal.insist
            && self.sending.last.as_ref().is_some_and(shows)
    }

    /// Another unit answers on the link.
    pub(super) fn another_unit(&mut self, found: SerialNumber, now: Instant) -> Flow {
        let pending = self.pending.take();
        if !self.sending.doubts.unattested {
            // Nothing went out since the right unit answered.
            if self.recovery.link.fails(now) {
                return Flow::Break(self.lose(&format!("unit {found} is there now")));
            }
            return Flow::Continue(Stage::Away);
        }
        let why = format!("unit {found} answers on its link now, and may have got the write");
        let why = match pending {
            Some(Verdict::Failed(failure)) => format!("{}; {why}", failure.why),
            _ => why,
        };
        let astray = Some(Astray::AnotherUnit { found });
        Flow::Break(Verdict::Failed(Failure { may_be_done: true, astray, ..self.failure(why) }))
    }

    /// Before a verdict on a write by number is believed.
    pub(super) fn number_attested(&mut self, reply: &AnyReply) -> Flow {
        if let Some(number) = self.other_number(reply) {
            return self.renumbered(number);
        }
        self.sending.doubts.unnumbered = None;
        self.end()
    }

    /// Returns the number that the unit states, if it is not the one that the last write named.
    pub(super) fn other_number(&self, reply: &AnyReply) -> Option<Count> {
        let sent = self.sending.doubts.unnumbered?;
        match reply {
            AnyReply::GeneralStatus(status) => {
                Some(status.parallel_instance).filter(|number| *number != sent.get())
            }
            _ => None,
        }
    }

    /// The unit no longer has the number that the write named: another one may have carried it out.
    fn renumbered(&mut self, now: Count) -> Flow {
        let failure = match self.pending.take() {
            Some(Verdict::Failed(failure)) => failure,
            _ => self.failure("it is not known which unit carried out the write"),
        };
        let astray = Some(Astray::Renumbered { now, found: None });
        self.pending = Some(Verdict::Failed(Failure { may_be_done: true, astray, ..failure }));
        Flow::Continue(Stage::Trace)
    }

    /// The unit that has the number of the command now.
    pub(super) fn traced(&mut self, reply: &AnyReply) -> Flow {
        if let AnyReply::ParallelRating(rating) = reply
            && let Some(serial) = rating.serial_number()
            && let Some(Verdict::Failed(failure)) = &mut self.pending
            && let Some(Astray::Renumbered { found, .. }) = &mut failure.astray
        {
            *found = Some(serial);
            failure.why = format!(
                "{}; the numbers of the bank changed meanwhile, and unit {serial} may have got the write",
                failure.why
            );
        }
        self.end()
    }

    /// Ends with the verdict that waited for the identity.
    pub(super) fn end(&mut self) -> Flow {
        match self.pending.take() {
            Some(verdict) => Flow::Break(verdict),
            None => Flow::Continue(Stage::Identify),
        }
    }
}
