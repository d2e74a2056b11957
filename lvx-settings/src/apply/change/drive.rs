//! Turns the stage of a write into an action, and passes the result of the action to the code of the stage.

use std::time::Instant;

use pi18_proto::Query;

use super::{
    machine::Change,
    stage::{Flow, Stage, Verdict},
};
use crate::apply::{
    action::{Action, Event, Write},
    journal::Record,
    options::IDLE_CHECK_INTERVAL,
    reason::Cause,
    task::{Correction, Task},
};

impl Change {
    /// Returns the action of the current stage.
    pub(in crate::apply) fn next(&self) -> Action {
        let unit = self.target.index;
        match self.stage {
            Stage::Identify | Stage::RecheckIdentity => {
                Action::Read { unit, query: Query::Identity }
            }
            Stage::Inspect | Stage::ReadBack => {
                Action::Read { unit, query: self.goal.group.query() }
            }
            Stage::ReadNumber | Stage::RecheckNumber | Stage::ReadStatus => {
                Action::Read { unit, query: Query::GeneralStatus }
            }
            Stage::TraceNumber => {
                Action::Read { unit, query: Query::ParallelRating(self.sent_number()) }
            }
            Stage::Announce => Action::Record(self.announcement()),
            Stage::Send => {
                let (step, direction) = self.task.place();
                let command = self.command_to(self.target.instance);
                Action::Write(Box::new(Write { unit, step, direction, to: self.goal.to, command }))
            }
            Stage::Settle | Stage::Away => Action::Pause(self.options.pause),
            Stage::Reopen => Action::Reopen { unit },
            Stage::WaitIdle => Action::Pause(IDLE_CHECK_INTERVAL),
        }
    }

    fn announcement(&self) -> Record {
        let attempt = self.sending.attempts + 1;
        match self.task {
            Task::Step { step, direction } => Record::Writing { step, direction, attempt },
            Task::Correction(Correction { step, unit, .. }) => {
                Record::Correcting { step, unit, to: self.goal.to, attempt }
            }
        }
    }

    /// Takes the result of the last action. Returns the verdict if the write has ended.
    pub(in crate::apply) fn handle(&mut self, event: Event, now: Instant) -> Option<Verdict> {
        if matches!(event, Event::Read(Ok(_))) {
            self.waits.link.works(now);
        }
        let flow = match (self.stage, event) {
            (_, Event::Read(Err(trouble))) => self.unreadable(trouble, now),
            (Stage::Identify, Event::Read(Ok((reply, _)))) => self.identified(&reply, now),
            (Stage::Inspect, Event::Read(Ok((reply, host)))) => self.inspected(&reply, host, now),
            (Stage::ReadNumber, Event::Read(Ok((reply, _)))) => self.number_read(&reply),
            (Stage::Announce, Event::Stored(stored)) => self.announced(stored),
            (Stage::Send, Event::Written(written)) => self.sent(written, now),
            (Stage::Settle, Event::Paused) => Flow::Continue(Stage::ReadBack),
            (Stage::ReadBack, Event::Read(Ok((reply, host)))) => self.read_back(&reply, host, now),
            (Stage::RecheckIdentity, Event::Read(Ok((reply, _)))) => {
                self.identity_rechecked(&reply, now)
            }
            (Stage::RecheckNumber, Event::Read(Ok((reply, _)))) => self.number_rechecked(&reply),
            (Stage::TraceNumber, Event::Read(Ok((reply, _)))) => self.number_traced(&reply),
            (Stage::Away, Event::Paused) => Flow::Continue(Stage::Reopen),
            (Stage::Reopen, Event::Reopened { found, other }) => self.reopened(found, other, now),
            (Stage::ReadStatus, Event::Read(Ok((reply, _)))) => self.status_read(&reply, now),
            (Stage::WaitIdle, Event::Paused) => Flow::Continue(Stage::ReadStatus),
            (stage, _) => Flow::Continue(stage),
        };
        match flow {
            Flow::Continue(stage) => {
                self.stage = stage;
                None
            }
            Flow::Break(verdict) => Some(verdict),
        }
    }

    /// Ends the write early if that is possible.
    ///
    /// A wait for the link or for an idle window always ends. In any other stage, an undo continues. If a
    /// command was sent and the unit has not identified itself since, this is checked first.
    pub(in crate::apply) fn interrupt(&mut self) -> Option<Verdict> {
        self.waits.hurried = true;
        self.waits.may_wait_idle = false;
        let doubts = &self.sending.doubts;
        match self.stage {
            Stage::Away | Stage::Reopen => Some(self.lose(Cause::Interrupted)),
            Stage::RecheckIdentity | Stage::RecheckNumber | Stage::TraceNumber => None,
            _ if self.goal.backward && self.stage != Stage::WaitIdle => None,
            _ if doubts.unidentified || doubts.unchecked_number.is_some() => {
                self.pending = Some(self.failed(Cause::Interrupted));
                self.stage = Stage::RecheckIdentity;
                None
            }
            _ => Some(self.failed(Cause::Interrupted)),
        }
    }
}
