//! One write, from looking whether it is still wanted to the proof that it is done.

use std::time::Instant;

use pi18_proto::{AnyReply, DateTime, ParallelInstance, Query};
use pi18_transport::SetOutcome;

use super::{Action, Apply, Command, Event, Options, Trouble, Write, explain, later};
use crate::{
    Group, Settings, Step, Unit,
    group::shown,
    journal::{Direction, Record},
    plan::{Bounds, alike},
};

/// How a write ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The unit has the values: read twice alike.
    Proved,
    Failed {
        why: String,
        /// The unit may have the new values, or show them yet.
        may_be_done: bool,
        /// The unit cannot be reached any more.
        lost: bool,
    },
}

/// One group of settings of one unit on its way from some values to others.
#[derive(Debug)]
pub(super) struct Change {
    at: (usize, Direction),
    step: Step,
    group: Group,
    instance: ParallelInstance,
    /// What the rest of the unit's settings should be; `None` if it is not known.
    expected: Option<Settings>,
    /// What the unit shows may be older than what it has: it is written in any case.
    insist: bool,
    /// What the group has behind this step, the same way on: then the step is done, too.
    beyond: Vec<Settings>,
    bounds: Bounds,
    unit: Unit,
    /// The unit as it was found behind a link that was opened again.
    found: Option<Unit>,
    options: Options,
    stage: Stage,
    attempts: u32,
    /// What the unit answered to the last write; `None` before the first.
    answer: Option<SetOutcome>,
    /// Some write was accepted.
    accepted: bool,
    /// Some write may have been carried out: it was not refused.
    doubtful: bool,
    /// When the last write must be shown.
    deadline: Option<Instant>,
    /// When the link is given up that is in trouble.
    link_until: Option<Instant>,
    /// When waiting for an idle window ends.
    patience: Option<Instant>,
    /// How often it was sent because the unit had become idle: one that refuses all the same has
    /// another reason.
    idle_tries: u32,
    /// What was shown last.
    last: Option<Settings>,
    /// The link's last trouble.
    trouble: Option<String>,
}

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Is it still the same unit?
    Who,
    /// Is it still as it was?
    Before,
    Announce,
    Send,
    /// Until it is read back.
    Settle,
    ReadBack,
    /// The link is gone: wait, and open it again.
    Away,
    Reopen,
    /// It was refused: is the unit charging?
    Ask,
    /// Until it is asked again.
    Idle,
}

impl Change {
    /// `None` if the step cannot be sent at all.
    pub(super) fn new(
        apply: &Apply,
        at: usize,
        direction: Direction,
        expected: Option<Settings>,
    ) -> Option<Self> {
        let steps = &apply.plan.steps;
        let step = steps.get(at)?;
        let group = step.group()?;
        let unit = apply.units.get(step.unit)?;
        let of_group = |other: &&Step| other.unit == step.unit && other.group() == Some(group);
        let (step, beyond) = match direction {
            Direction::Forward => {
                (*step, steps.iter().skip(at + 1).filter(of_group).map(|step| step.to).collect())
            }
            Direction::Backward => (
                step.reversed(),
                steps.iter().take(at).filter(of_group).map(|step| step.from).collect(),
            ),
        };
        Some(Self {
            at: (at, direction),
            group,
            instance: unit.instance()?,
            expected,
            insist: direction == Direction::Backward && apply.unproved.contains(&at),
            beyond,
            bounds: Bounds::of(apply.plan.units.get(step.unit)?, apply.plan.battery),
            step,
            unit: unit.clone(),
            found: None,
            options: apply.options,
            stage: Stage::Who,
            attempts: 0,
            answer: None,
            accepted: false,
            doubtful: false,
            deadline: None,
            link_until: None,
            patience: apply.patience,
            idle_tries: 0,
            last: None,
            trouble: None,
        })
    }

    /// Which unit it is about.
    pub(super) fn unit(&self) -> usize {
        self.step.unit
    }

    /// The unit as it was just found behind a link that was opened again.
    pub(super) fn found(&mut self) -> Option<Unit> {
        self.found.take()
    }

    /// When waiting for an idle window ends, once it has begun.
    pub(super) fn patience(&self) -> Option<Instant> {
        self.patience
    }

    /// Ends it if it only waits for the unit to be idle.
    pub(super) fn give_up(&self, why: String) -> Option<((usize, Direction), Verdict)> {
        (self.stage == Stage::Idle).then(|| (self.at, self.failed(why)))
    }

    pub(super) fn next(&self) -> Action {
        let unit = self.step.unit;
        let (step, direction) = self.at;
        match self.stage {
            Stage::Who => Action::Read { unit, query: Query::Identity },
            Stage::Before | Stage::ReadBack => Action::Read { unit, query: self.group.query() },
            Stage::Announce => {
                Action::Record(Record::Writing { step, direction, attempt: self.attempts + 1 })
            }
            Stage::Send => Action::Write(Box::new(Write {
                unit,
                step,
                direction,
                to: self.step.to,
                command: Command { group: self.group, to: self.step.to, instance: self.instance },
            })),
            Stage::Settle | Stage::Away => Action::Pause(self.options.pause),
            Stage::Reopen => Action::Reopen { unit },
            Stage::Ask => Action::Read { unit, query: Query::GeneralStatus },
            Stage::Idle => Action::Pause(super::BETWEEN_LOOKS),
        }
    }

    /// Takes what came of the last action; tells when it is over.
    pub(super) fn handle(
        &mut self,
        event: Event,
        now: Instant,
    ) -> Option<((usize, Direction), Verdict)> {
        if matches!(event, Event::Read(Ok(_))) {
            self.link_until = None;
        }
        let after = match (self.stage, event) {
            (_, Event::Read(Err(trouble))) => self.unreadable(trouble, now),
            (Stage::Who, Event::Read(Ok((reply, _)))) => Ok(self.is_same(&reply)),
            (Stage::Before, Event::Read(Ok((reply, host)))) => self.look(&reply, host),
            (Stage::Announce, Event::Stored(stored)) => self.announced(stored),
            (Stage::Send, Event::Written(written)) => Ok(self.sent(written, now)),
            (Stage::Settle, Event::Paused) => Ok(Stage::ReadBack),
            (Stage::ReadBack, Event::Read(Ok((reply, host)))) => {
                self.read_back(&shown(&reply, host), now)
            }
            (Stage::Away, Event::Paused) => Ok(Stage::Reopen),
            (Stage::Reopen, Event::Reopened(found)) => self.reopened(found, now),
            (Stage::Ask, Event::Read(Ok((reply, _)))) => self.asked(&reply, now),
            (Stage::Idle, Event::Paused) => Ok(Stage::Ask),
            (stage, _) => Ok(stage),
        };
        match after {
            Ok(stage) => {
                self.stage = stage;
                None
            }
            Err(verdict) => Some((self.at, verdict)),
        }
    }

    fn is_same(&self, reply: &AnyReply) -> Stage {
        match reply {
            AnyReply::Identity(identity) if identity.serial_number == self.unit.serial_number => {
                Stage::Before
            }
            _ => Stage::Away,
        }
    }

    /// Is it as it should be before the write, and does the write still make sense?
    fn look(&mut self, reply: &AnyReply, host: Option<DateTime>) -> Result<Stage, Verdict> {
        let all = shown(reply, host);
        let own = self.own(&all);
        if let Some(expected) = self.expected_now(false)
            && !alike(&all, &expected)
        {
            return Err(self.foreign(&all, &expected));
        }
        if own.satisfy(&self.step.to) && !self.insist {
            return Err(Verdict::Proved);
        }
        if !own.satisfy(&self.step.from) && !self.insist {
            let is_beyond = self.beyond.iter().any(|later| own.satisfy(later));
            return Err(if is_beyond {
                Verdict::Proved
            } else {
                self.foreign(&own, &self.step.from)
            });
        }
        self.bounds.allows(&all, &self.step.to).map_err(|why| self.failed(why))?;
        Ok(Stage::Announce)
    }

    fn announced(&mut self, stored: Result<(), String>) -> Result<Stage, Verdict> {
        match stored {
            // What is undone is undone without a journal if need be.
            Err(why) if self.at.1 == Direction::Forward => {
                Err(self.failed(format!("the journal cannot be written: {why}")))
            }
            _ => Ok(Stage::Send),
        }
    }

    fn sent(&mut self, written: Result<SetOutcome, Trouble>, now: Instant) -> Stage {
        self.attempts += 1;
        self.deadline = Some(later(now, self.options.within));
        self.last = None;
        let gone = match written {
            Ok(outcome) => {
                self.answer = Some(outcome);
                self.accepted |= outcome == SetOutcome::Accepted;
                self.doubtful |= outcome != SetOutcome::Refused;
                outcome == SetOutcome::Gone
            }
            Err(trouble) => {
                self.trouble = Some(trouble.text);
                if !trouble.gone {
                    // Nothing was sent, nothing has to be waited for.
                    self.deadline = Some(now);
                }
                trouble.gone
            }
        };
        if gone { Stage::Away } else { Stage::Settle }
    }

    /// One reading after a write.
    fn read_back(&mut self, all: &Settings, now: Instant) -> Result<Stage, Verdict> {
        let Some(last) = self.last.replace(*all) else { return Ok(Stage::Settle) };
        if !alike(&last, all) {
            return self
                .settle_or(now, |change| change.failed("its readings do not settle".to_owned()));
        }
        let own = self.own(all);
        if own.satisfy(&self.step.to) && (!self.insist || self.accepted) {
            return Err(match self.expected_now(true).filter(|expected| !alike(all, expected)) {
                Some(expected) => self.foreign(all, &expected),
                None => Verdict::Proved,
            });
        }
        if !own.satisfy(&self.step.from) && !self.insist {
            // What was written may still be on its way behind it.
            return self.settle_or(now, |change| change.foreign(&own, &change.step.to));
        }
        // Still as it was.
        if self.answer == Some(SetOutcome::Refused) && !self.doubtful {
            return Ok(Stage::Ask);
        }
        let again = self.answer != Some(SetOutcome::Refused)
            && !self.accepted
            && self.attempts < self.options.attempts;
        match self.settle_or(now, Self::unproved) {
            Err(_) if again => Ok(Stage::Who),
            after => after,
        }
    }

    /// Reads again while there is time.
    fn settle_or(
        &self,
        now: Instant,
        verdict: impl FnOnce(&Self) -> Verdict,
    ) -> Result<Stage, Verdict> {
        if self.deadline.is_some_and(|deadline| now < deadline) {
            Ok(Stage::Settle)
        } else {
            Err(verdict(self))
        }
    }

    /// The time is over, and the unit shows the old values.
    fn unproved(&self) -> Verdict {
        let within = self.options.within.as_secs_f64();
        let still = format!("the unit still shows the old value {within} s later");
        let tries = match self.attempts {
            1 => String::new(),
            tries => format!(" ({tries} tries)"),
        };
        self.failed(match self.answer {
            _ if self.accepted => format!("it was accepted (^1), but {still}"),
            Some(SetOutcome::Garbled) => format!(
                "what came back says neither yes nor no, and {still}{tries}; is the cable sound?"
            ),
            Some(SetOutcome::Refused) => {
                format!("a first try was not answered, a second one was refused (^0), and {still}")
            }
            Some(_) => format!("the unit did not answer, and {still}{tries}"),
            None => format!(
                "it could not be sent{tries}: {}",
                self.trouble.as_deref().unwrap_or("no reason is known")
            ),
        })
    }

    fn unreadable(&mut self, trouble: Trouble, now: Instant) -> Result<Stage, Verdict> {
        self.last = None;
        let until = *self.link_until.get_or_insert(later(now, self.options.away));
        let before_the_first =
            matches!(self.stage, Stage::Who | Stage::Before) && self.attempts == 0;
        if trouble.gone && now < until {
            return Ok(Stage::Away);
        }
        // A question is asked several times anyway; before a write nothing is lost by giving up.
        if before_the_first && !trouble.gone {
            return Err(self.failed(trouble.text));
        }
        if now >= until {
            return Err(self.lose(&trouble.text));
        }
        Ok(match self.stage {
            Stage::Ask => Stage::Idle,
            Stage::ReadBack => Stage::Settle,
            stage => stage,
        })
    }

    /// The link may be there again; is it the same unit?
    fn reopened(
        &mut self,
        found: Result<Box<Unit>, String>,
        now: Instant,
    ) -> Result<Stage, Verdict> {
        let until = *self.link_until.get_or_insert(later(now, self.options.away));
        let why = match found {
            Ok(unit) if unit.serial_number == self.unit.serial_number => {
                let Some(instance) = unit.instance() else {
                    return Err(self.lose("it has no number in its bank any more"));
                };
                // It may have another number in its bank after a restart.
                self.instance = instance;
                self.unit = *unit.clone();
                self.found = Some(*unit);
                self.link_until = None;
                self.deadline = Some(later(now, self.options.within));
                return Ok(if self.doubtful { Stage::Settle } else { Stage::Who });
            }
            // Devices change places when a hub is reset, and change back.
            Ok(other) => format!("unit {} is there now", other.serial_number),
            Err(why) => why,
        };
        if now < until { Ok(Stage::Away) } else { Err(self.lose(&why)) }
    }

    /// What the unit is doing, after it refused.
    fn asked(&mut self, reply: &AnyReply, now: Instant) -> Result<Stage, Verdict> {
        let AnyReply::GeneralStatus(status) = reply else {
            return Err(self.failed("the unit refused (^0)".to_owned()));
        };
        let charging = status.charge_current.0 > 0;
        let waiting_helps = self.group == Group::MaxChargingCurrent;
        if let Some(patience) = self.options.wait_idle.filter(|_| waiting_helps) {
            let until = *self.patience.get_or_insert(later(now, patience));
            if !charging && self.idle_tries < self.options.attempts {
                // Much may have happened meanwhile: it is looked at from the beginning.
                self.idle_tries += 1;
                self.answer = None;
                return Ok(Stage::Who);
            }
            if charging && now < until {
                return Ok(Stage::Idle);
            }
        }
        let state = self.last.unwrap_or_default();
        Err(self.failed(explain::refusal(self.group, &self.step.to, &state, status, &self.unit)))
    }

    fn own(&self, all: &Settings) -> Settings {
        all.only(|setting| setting.group() == self.group)
    }

    /// What the reply should show, before the write or after it.
    fn expected_now(&self, after: bool) -> Option<Settings> {
        let all = self.expected?;
        let all = if after { all.overlaid(&self.step.to) } else { all };
        Some(all.only(|setting| setting.query() == self.group.query()))
    }

    /// Something is neither as it was nor as it should be.
    fn foreign(&self, found: &Settings, wanted: &Settings) -> Verdict {
        let told: Vec<_> = found
            .differences(wanted)
            .map(|change| {
                let found = change.from.map_or("nothing".to_owned(), |value| value.to_string());
                format!("{} is {found}, wanted {}", change.setting, change.to)
            })
            .collect();
        let told = told.join(", ");
        self.failed(format!("another program, or the unit itself, changed it: {told}"))
    }

    fn failed(&self, why: String) -> Verdict {
        Verdict::Failed { why, may_be_done: self.doubtful, lost: false }
    }

    fn lose(&self, why: &str) -> Verdict {
        let doubt = if self.doubtful { "; the last write may have been carried out" } else { "" };
        Verdict::Failed { why: format!("{why}{doubt}"), may_be_done: self.doubtful, lost: true }
    }
}
