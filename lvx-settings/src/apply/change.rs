//! One write, from the check that it is still expected to the proof that the right unit has it.
//!
//! `identity` asks which unit answers, before the write and before any verdict about it; `write` looks
//! at the settings, sends, and reads back; `recovery` handles links in trouble, refusals and idle
//! windows. Each returns the next [`Stage`], or breaks with the [`Verdict`].

use std::{ops::ControlFlow, time::Instant};

use pi18_proto::Query;

use super::{
    Action, Apply, Astray, Command, Correction, Event, Options, Write, corrections::Reason,
    course::Task, explain,
};
use crate::{
    Settings, Step, Unit,
    apply::journal::{Record, RunDirection},
};

mod goal;
mod identity;
mod recovery;
mod write;

use goal::Goal;
use identity::Target;
use recovery::Recovery;
use write::Sending;

/// How a write ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The unit has the values, or nothing of the step is left to undo.
    Proved,
    Failed(Failure),
}

/// Why a write failed, and what may be true of the unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) why: String,
    /// The unit may have the new values, or show them later.
    pub(super) may_be_done: bool,
    /// The unit cannot be reached any more.
    pub(super) lost: bool,
    /// Why another unit may have got the command.
    pub(super) astray: Option<Astray>,
}

/// The next stage, or the end.
type Flow = ControlFlow<Verdict, Stage>;

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Ask which unit answers, before anything else.
    Identify,
    /// Read the settings before the write.
    Inspect,
    /// Read the unit's own number in the bank, where the command names it.
    Number,
    Announce,
    Send,
    /// Wait before the next reading.
    Settle,
    ReadBack,
    /// Ask which unit answers, before a verdict is believed.
    Attest,
    /// Read whether the unit's number changed since the write, before a verdict is believed.
    AttestNumber,
    /// The number changed: ask which unit has the one that the command named.
    Trace,
    /// The link is in trouble: wait, and open it again.
    Away,
    Reopen,
    /// The unit refused: ask whether it charges.
    Ask,
    /// Wait before asking again.
    Idle,
}

/// One group of settings of one unit on its way from some values to others.
#[derive(Debug)]
pub(super) struct Change {
    task: Task,
    goal: Goal,
    target: Target,
    sending: Sending,
    recovery: Recovery,
    options: Options,
    stage: Stage,
    /// The verdict that holds if the right unit answers.
    pending: Option<Verdict>,
}

impl Change {
    /// A step of the plan, done or undone; `None` if it cannot be sent at all.
    pub(super) fn step(
        apply: &Apply,
        at: usize,
        direction: RunDirection,
        expected: Option<Settings>,
    ) -> Option<Self> {
        let steps = &apply.plan.steps;
        let step = *steps.get(at)?;
        let group = step.group()?;
        let of_group = |other: &&Step| other.unit == step.unit && other.group() == Some(group);
        let goal = match direction {
            RunDirection::Forward => {
                let later = steps.iter().skip(at + 1).filter(of_group);
                // A write of an earlier run that still shows late would pass for a proof.
                let in_doubt = apply.resumed.is_some() && apply.unproved.contains(&at);
                Goal {
                    from: step.from.overlaid(&apply.ahead_in(step.unit, group)),
                    expected,
                    insist: in_doubt,
                    outlast: in_doubt,
                    beyond: later.map(|step| step.to).collect(),
                    ..Goal::of(&step)?
                }
            }
            RunDirection::Backward => {
                let earlier = steps.iter().take(at).filter(of_group);
                let in_doubt = apply.unproved.contains(&at);
                Goal {
                    backward: true,
                    insist: in_doubt || apply.plan.brings_voltages(&step),
                    outlast: in_doubt,
                    beyond: earlier.map(|step| step.from).collect(),
                    ..Goal::of(&step.reversed())?
                }
            }
        };
        Self::new(apply, Task::Step { step: at, direction }, step.unit, goal)
    }

    /// Gives a unit the settings that it should have, whatever it shows.
    pub(super) fn correction(apply: &Apply, correction: Correction) -> Option<Self> {
        let Correction { unit, to, .. } = correction;
        let step = Step { unit, from: to, to };
        let outlast = correction.reason == Reason::Stray;
        let goal = Goal { backward: true, insist: true, outlast, ..Goal::of(&step)? };
        Self::new(apply, Task::Correction(correction), unit, goal)
    }

    fn new(apply: &Apply, task: Task, index: usize, goal: Goal) -> Option<Self> {
        let unit = apply.units.get(index)?;
        let mut recovery = Recovery::new(&apply.options, apply.patience);
        recovery.may_wait_idle &= apply.interrupts == 0;
        recovery.hurried = apply.interrupts > 1;
        Some(Self {
            task,
            target: Target::new(index, unit, goal.group)?,
            goal: goal.within(apply.plan.units.get(index)?, apply.plan.battery),
            sending: Sending::default(),
            recovery,
            options: apply.options,
            stage: Stage::Identify,
            pending: None,
        })
    }

    pub(super) fn task(&self) -> Task {
        self.task
    }

    /// The unit's place in the plan.
    pub(super) fn unit(&self) -> usize {
        self.target.index
    }

    /// The unit as it was just found, if it is not as it was known.
    pub(super) fn found(&mut self) -> Option<Unit> {
        self.target.found.take()
    }

    /// The end of waiting for an idle window, once it has begun.
    pub(super) fn patience(&self) -> Option<Instant> {
        self.recovery.patience
    }

    /// The settings that were read last, if a write went out.
    pub(super) fn shown_after_write(&self) -> Option<Settings> {
        self.sending.last.filter(|_| self.sending.attempts > 0)
    }

    /// The last command, as it was sent.
    pub(super) fn command(&self) -> String {
        let command = self.command_to(self.sending.instance.unwrap_or(self.target.instance));
        command
            .at(None)
            .map_or_else(|| self.goal.group.mnemonic().to_owned(), |sent| sent.to_string())
    }

    fn command_to(&self, instance: pi18_proto::ParallelInstance) -> Command {
        Command { group: self.goal.group, to: self.goal.to, instance }
    }

    /// Ends what can be ended early; a wait for the link or for an idle window ends in any case.
    pub(super) fn interrupt(&mut self, why: &str) -> Option<Verdict> {
        self.recovery.hurried = true;
        self.recovery.may_wait_idle = false;
        match self.stage {
            Stage::Away | Stage::Reopen => Some(self.lose(why)),
            Stage::Attest | Stage::AttestNumber | Stage::Trace => None,
            _ if self.goal.backward && self.stage != Stage::Idle => None,
            _ if self.sending.doubts.unattested || self.sending.doubts.unnumbered.is_some() => {
                self.pending = Some(self.failed(why));
                self.stage = Stage::Attest;
                None
            }
            _ => Some(self.failed(why)),
        }
    }

    pub(super) fn next(&self) -> Action {
        let unit = self.target.index;
        match self.stage {
            Stage::Identify | Stage::Attest => Action::Read { unit, query: Query::Identity },
            Stage::Inspect | Stage::ReadBack => {
                Action::Read { unit, query: self.goal.group.query() }
            }
            Stage::Number | Stage::AttestNumber | Stage::Ask => {
                Action::Read { unit, query: Query::GeneralStatus }
            }
            Stage::Trace => {
                let sent = self.sending.instance.unwrap_or(self.target.instance);
                Action::Read { unit, query: Query::ParallelRating(sent) }
            }
            Stage::Announce => Action::Record(self.announcement()),
            Stage::Send => {
                let (step, direction) = self.task.place();
                let command = self.command_to(self.target.instance);
                Action::Write(Box::new(Write { unit, step, direction, to: self.goal.to, command }))
            }
            Stage::Settle | Stage::Away => Action::Pause(self.options.pause),
            Stage::Reopen => Action::Reopen { unit },
            Stage::Idle => Action::Pause(super::BETWEEN_LOOKS),
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

    /// Takes the result of the last action; returns the verdict once there is one.
    pub(super) fn handle(&mut self, event: Event, now: Instant) -> Option<Verdict> {
        if matches!(event, Event::Read(Ok(_))) {
            self.recovery.link.works(now);
        }
        let flow = match (self.stage, event) {
            (_, Event::Read(Err(trouble))) => self.unreadable(trouble, now),
            (Stage::Identify, Event::Read(Ok((reply, _)))) => self.identified(&reply, now),
            (Stage::Inspect, Event::Read(Ok((reply, host)))) => self.inspected(&reply, host, now),
            (Stage::Number, Event::Read(Ok((reply, _)))) => self.numbered(&reply),
            (Stage::Announce, Event::Stored(stored)) => self.announced(stored),
            (Stage::Send, Event::Written(written)) => self.sent(written, now),
            (Stage::Settle, Event::Paused) => Flow::Continue(Stage::ReadBack),
            (Stage::ReadBack, Event::Read(Ok((reply, host)))) => self.read_back(&reply, host, now),
            (Stage::Attest, Event::Read(Ok((reply, _)))) => self.attested(&reply, now),
            (Stage::AttestNumber, Event::Read(Ok((reply, _)))) => self.number_attested(&reply),
            (Stage::Trace, Event::Read(Ok((reply, _)))) => self.traced(&reply),
            (Stage::Away, Event::Paused) => Flow::Continue(Stage::Reopen),
            (Stage::Reopen, Event::Reopened { found, other }) => self.reopened(found, other, now),
            (Stage::Ask, Event::Read(Ok((reply, _)))) => self.asked(&reply, now),
            (Stage::Idle, Event::Paused) => Flow::Continue(Stage::Ask),
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

    /// A verdict from what was read: it holds if the right unit is still there.
    fn conclude(&mut self, verdict: Verdict) -> Flow {
        self.pending = Some(verdict);
        Flow::Continue(Stage::Attest)
    }

    fn failure(&self, why: impl Into<String>) -> Failure {
        Failure {
            why: why.into(),
            may_be_done: self.sending.doubts.may_be_done,
            lost: false,
            astray: None,
        }
    }

    fn failed(&self, why: impl Into<String>) -> Verdict {
        Verdict::Failed(self.failure(why))
    }

    /// Something is neither as it was nor as it should be.
    fn foreign(&self, found: &Settings, wanted: &Settings) -> Verdict {
        self.failed(explain::foreign(found, wanted))
    }
}
