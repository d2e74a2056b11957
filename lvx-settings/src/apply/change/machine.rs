//! The state of one write.

use std::time::Instant;

use pi18_proto::{Count, ParallelInstance};

use super::{
    goal::Goal,
    sending::Sending,
    stage::{Failure, Flow, Stage, Verdict},
    target::Target,
    waits::Waits,
};
use crate::{
    Settings, Unit,
    apply::{action::Command, options::Options, reason::Cause, task::Task},
};

/// A change of one group of settings of one unit.
#[derive(Debug)]
pub(in crate::apply) struct Change {
    pub(super) task: Task,
    pub(super) goal: Goal,
    pub(super) target: Target,
    pub(super) sending: Sending,
    pub(super) waits: Waits,
    pub(super) options: Options,
    pub(super) stage: Stage,
    /// Verdict that counts if the right unit still answers.
    pub(super) pending: Option<Verdict>,
}

impl Change {
    /// Returns a change of the unit with this index in the plan, or `None` if the unit has no number
    /// in its bank.
    pub(in crate::apply) fn new(
        task: Task,
        goal: Goal,
        (index, unit): (usize, &Unit),
        options: Options,
        waits: Waits,
    ) -> Option<Self> {
        Some(Self {
            task,
            target: Target::new(index, unit, goal.group)?,
            goal,
            sending: Sending::default(),
            waits,
            options,
            stage: Stage::Identify,
            pending: None,
        })
    }

    pub(in crate::apply) fn task(&self) -> Task {
        self.task
    }

    /// Returns the values of the group before and after the write.
    #[cfg(feature = "tracing")]
    pub(in crate::apply) fn values(&self) -> (Settings, Settings) {
        (self.goal.from, self.goal.to)
    }

    #[cfg(feature = "tracing")]
    pub(in crate::apply) fn serial_number(&self) -> pi18_proto::SerialNumber {
        self.target.serial_number()
    }

    /// Returns the index of the unit in the plan.
    pub(in crate::apply) fn unit(&self) -> usize {
        self.target.index
    }

    /// Takes the unit as it was last read, if it was read again since the last call.
    pub(in crate::apply) fn take_update(&mut self) -> Option<Unit> {
        self.target.update.take()
    }

    /// Returns the end of the wait for an idle window, or `None` if no wait has begun.
    pub(in crate::apply) fn idle_until(&self) -> Option<Instant> {
        self.waits.idle_until
    }

    /// Returns the settings that were last read, if they were read after a write.
    pub(in crate::apply) fn shown_after_write(&self) -> Option<Settings> {
        self.sending.last.filter(|_| self.sending.attempts > 0)
    }

    /// Returns the last command as it was sent, or its mnemonic if it depends on the time.
    pub(in crate::apply) fn command(&self) -> String {
        self.command_to(self.sent_number())
            .at(None)
            .map_or_else(|| self.goal.group.mnemonic().to_owned(), |sent| sent.to_string())
    }

    pub(super) fn command_to(&self, instance: ParallelInstance) -> Command {
        Command { group: self.goal.group, to: self.goal.to, instance }
    }

    /// Returns the number in the bank that the last command named, or the next one will name.
    pub(super) fn sent_number(&self) -> ParallelInstance {
        self.sending.instance.unwrap_or(self.target.instance)
    }

    /// Returns the number in a status reply, if it differs from the one that the last command named.
    pub(super) fn changed_number(&self, reply: &pi18_proto::AnyReply) -> Option<Count> {
        let sent = self.sending.doubts.unchecked_number?;
        match reply {
            pi18_proto::AnyReply::GeneralStatus(status) => {
                Some(status.parallel_instance).filter(|number| *number != sent.get())
            }
            _ => None,
        }
    }

    /// Keeps a verdict until it is checked that the readings came from the right unit.
    pub(super) fn conclude(&mut self, verdict: Verdict) -> Flow {
        self.pending = Some(verdict);
        Flow::Continue(Stage::RecheckIdentity)
    }

    /// Ends with the kept verdict. Without one, starts again with the identity.
    pub(super) fn end(&mut self) -> Flow {
        match self.pending.take() {
            Some(verdict) => Flow::Break(verdict),
            None => Flow::Continue(Stage::Identify),
        }
    }

    pub(super) fn failure(&self, why: Cause) -> Failure {
        let may_be_done = self.sending.doubts.may_be_done;
        Failure { why, may_be_done, lost: false, stray_cause: None }
    }

    pub(super) fn failed(&self, why: Cause) -> Verdict {
        Verdict::Failed(self.failure(why))
    }

    /// Fails because settings have values that this run did not write.
    pub(super) fn foreign(&self, found: &Settings, expected: &Settings) -> Verdict {
        self.failed(Cause::Changed(found.differences(expected).collect()))
    }

    /// Fails because the unit can no longer be reached.
    pub(super) fn lose(&self, why: Cause) -> Verdict {
        let in_doubt = self.sending.doubts.may_be_done;
        let why = if in_doubt { Cause::InDoubt(Box::new(why)) } else { why };
        Verdict::Failed(Failure { lost: true, ..self.failure(why) })
    }
}
