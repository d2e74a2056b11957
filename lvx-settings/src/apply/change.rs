//! One write, from looking whether it is still wanted to the proof that it is done.

use std::time::{Duration, Instant};

use pi18_proto::{AnyReply, DateTime, ParallelInstance, Query};
use pi18_transport::SetOutcome;

use super::{Action, Apply, Command, Event, Options, Trouble, Write, explain, later};
use crate::{
    Battery, Group, Limits, Settings, Step, Unit, broken,
    group::shown,
    journal::{Direction, Record},
    plan::alike,
};

/// How a write ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The unit has the values: read twice alike.
    Proved,
    Failed {
        why: String,
        /// The unit may have the new values, or get them yet.
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
    unit: Unit,
    /// The unit as it was found behind a link that was opened again.
    found: Option<Unit>,
    battery: Option<Battery>,
    options: Options,
    state: Looking,
    attempts: u32,
    /// What the unit answered to the last write; `None` before the first.
    answer: Option<SetOutcome>,
    /// When the last write must be shown.
    deadline: Option<Instant>,
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
enum Looking {
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
        step: Step,
        expected: Option<Settings>,
        insist: bool,
    ) -> Option<Self> {
        let unit = apply.units.get(step.unit)?;
        Some(Self {
            at: (at, direction),
            step,
            group: step.group()?,
            instance: unit.instance()?,
            expected,
            insist,
            unit: unit.clone(),
            found: None,
            battery: apply.plan.battery,
            options: apply.options,
            state: Looking::Before,
            attempts: 0,
            answer: None,
            deadline: None,
            patience: None,
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

    /// Ends it if it only waits for the unit to be idle.
    pub(super) fn give_up(&self, why: String) -> Option<((usize, Direction), Verdict)> {
        (self.state == Looking::Idle).then(|| (self.at, failed(why, false)))
    }

    pub(super) fn next(&self) -> Action {
        let unit = self.step.unit;
        let (step, direction) = self.at;
        match self.state {
            Looking::Before | Looking::ReadBack => Action::Read { unit, query: self.group.query() },
            Looking::Announce => {
                Action::Record(Record::Writing { step, direction, attempt: self.attempts + 1 })
            }
            Looking::Send => Action::Write(Box::new(Write {
                unit,
                step,
                direction,
                to: self.step.to,
                command: Command { group: self.group, to: self.step.to, instance: self.instance },
            })),
            Looking::Settle | Looking::Away => Action::Pause(self.options.pause),
            Looking::Reopen => Action::Reopen { unit },
            Looking::Ask => Action::Read { unit, query: Query::GeneralStatus },
            Looking::Idle => Action::Pause(BETWEEN_LOOKS),
        }
    }

    /// Takes what came of the last action; tells when it is over.
    pub(super) fn handle(
        &mut self,
        event: Event,
        now: Instant,
    ) -> Option<((usize, Direction), Verdict)> {
        let after = match (self.state, event) {
            (Looking::Before, Event::Read(Ok((reply, host)))) => self.look(&reply, host),
            (Looking::Before | Looking::ReadBack | Looking::Ask, Event::Read(Err(trouble))) => {
                self.unreadable(trouble, now)
            }
            (Looking::Announce, Event::Stored(stored)) => self.announced(stored),
            (Looking::Send, Event::Written(written)) => Ok(self.sent(written, now)),
            (Looking::Settle, Event::Paused) => Ok(Looking::ReadBack),
            (Looking::ReadBack, Event::Read(Ok((reply, host)))) => {
                self.read_back(&shown(&reply, host), now)
            }
            (Looking::Away, Event::Paused) => Ok(Looking::Reopen),
            (Looking::Reopen, Event::Reopened(found)) => self.reopened(found, now),
            (Looking::Ask, Event::Read(Ok((reply, _)))) => self.asked(&reply, now),
            (Looking::Idle, Event::Paused) => Ok(Looking::Ask),
            (state, _) => Ok(state),
        };
        match after {
            Ok(state) => {
                self.state = state;
                None
            }
            Err(verdict) => Some((self.at, verdict)),
        }
    }

    /// Is it as it should be before the write, and does the write still make sense?
    fn look(&mut self, reply: &AnyReply, host: Option<DateTime>) -> Result<Looking, Verdict> {
        let all = shown(reply, host);
        let own = self.own(&all);
        if let Some(expected) = self.expected_now(false)
            && !alike(&all, &expected)
        {
            return Err(foreign(&all, &expected, false));
        }
        let is_there = own.satisfy(&self.step.to);
        if is_there && !self.insist {
            return Err(Verdict::Proved);
        }
        if !is_there && !own.satisfy(&self.step.from) {
            return Err(foreign(&own, &self.step.from, false));
        }
        self.may_be_sent(&all).map_err(|why| failed(why, false))?;
        Ok(Looking::Announce)
    }

    /// Whether the values can be written on the unit as it is.
    fn may_be_sent(&self, all: &Settings) -> Result<(), String> {
        let limits = Limits::of(&self.unit);
        for (setting, value) in self.step.to.iter() {
            limits.check(setting, value).map_err(|error| format!("{setting}: {error}"))?;
        }
        let battery = self.battery.as_ref();
        let before = broken(all, battery);
        let after = broken(&all.overlaid(&self.step.to), battery);
        let new = |rule: &&crate::Broken| before.iter().all(|known| known.rule != rule.rule);
        after.iter().find(new).map_or(Ok(()), |rule| Err(rule.to_string()))
    }

    fn announced(&mut self, stored: Result<(), String>) -> Result<Looking, Verdict> {
        match stored {
            // What is undone is undone without a journal if need be.
            Err(why) if self.at.1 == Direction::Forward => {
                Err(failed(format!("the journal cannot be written: {why}"), self.attempts > 0))
            }
            _ => Ok(Looking::Send),
        }
    }

    fn sent(&mut self, written: Result<SetOutcome, Trouble>, now: Instant) -> Looking {
        self.attempts += 1;
        self.deadline = Some(later(now, self.options.within));
        self.last = None;
        let gone = match written {
            Ok(outcome) => {
                // What was once accepted may be shown late, whatever became of a second try.
                if self.answer != Some(SetOutcome::Accepted) {
                    self.answer = Some(outcome);
                }
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
        if gone { Looking::Away } else { Looking::Settle }
    }

    /// One reading after a write.
    fn read_back(&mut self, all: &Settings, now: Instant) -> Result<Looking, Verdict> {
        let Some(last) = self.last.replace(*all) else { return Ok(Looking::Settle) };
        if !alike(&last, all) {
            let restless = |_: &Self| failed("its readings do not settle".to_owned(), true);
            return self.settle_or(now, restless);
        }
        let own = self.own(all);
        let is_sure = !self.insist || self.answer == Some(SetOutcome::Accepted);
        if own.satisfy(&self.step.to) && is_sure {
            return Err(match self.expected_now(true).filter(|expected| !alike(all, expected)) {
                Some(expected) => foreign(all, &expected, true),
                None => Verdict::Proved,
            });
        }
        if !own.satisfy(&self.step.from) && !self.insist {
            // What was written may still be on its way behind it.
            return self.settle_or(now, |change| foreign(&own, &change.step.to, false));
        }
        // Still as it was.
        if self.answer == Some(SetOutcome::Refused) {
            return Ok(Looking::Ask);
        }
        self.settle_or(now, Self::unproved).or_else(|verdict| {
            let again =
                self.answer != Some(SetOutcome::Accepted) && self.attempts < self.options.attempts;
            if again { Ok(Looking::Announce) } else { Err(verdict) }
        })
    }

    /// Reads again while there is time.
    fn settle_or(
        &self,
        now: Instant,
        verdict: impl FnOnce(&Self) -> Verdict,
    ) -> Result<Looking, Verdict> {
        if self.deadline.is_some_and(|deadline| now < deadline) {
            Ok(Looking::Settle)
        } else {
            Err(verdict(self))
        }
    }

    /// The time is over, and the unit shows the old values.
    fn unproved(&self) -> Verdict {
        let within = self.options.within.as_secs_f64();
        let told = match self.answer {
            Some(SetOutcome::Accepted) => format!(
                "it was accepted (^1), but the unit still shows the old value {within} s later"
            ),
            Some(SetOutcome::Garbled) => format!(
                "what came back says neither yes nor no, and the unit still shows the old value \
                 {within} s later ({} tries); is the cable sound?",
                self.attempts
            ),
            Some(SetOutcome::Silent | SetOutcome::Gone) => format!(
                "the unit did not answer, and still shows the old value {within} s later ({} tries)",
                self.attempts
            ),
            _ => format!(
                "it could not be sent ({} tries): {}",
                self.attempts,
                self.trouble.as_deref().unwrap_or("no reason is known")
            ),
        };
        failed(told, self.answer.is_some())
    }

    fn unreadable(&mut self, trouble: Trouble, now: Instant) -> Result<Looking, Verdict> {
        let gone = trouble.gone;
        let why = trouble.text.clone();
        self.trouble = Some(trouble.text);
        self.last = None;
        let deadline = *self.deadline.get_or_insert(later(now, self.options.within));
        if now >= deadline {
            return Err(self.lose(why));
        }
        Ok(match (gone, self.state) {
            (true, _) => Looking::Away,
            // A question is asked several times anyway; before a write nothing is lost by giving up.
            (false, Looking::Before) => return Err(failed(why, false)),
            (false, Looking::Ask) => Looking::Idle,
            (false, _) => Looking::Settle,
        })
    }

    /// The link may be there again; is it the same unit?
    fn reopened(
        &mut self,
        found: Result<Box<Unit>, String>,
        now: Instant,
    ) -> Result<Looking, Verdict> {
        let deadline = *self.deadline.get_or_insert(later(now, self.options.within));
        match found {
            Ok(unit) if unit.serial_number == self.unit.serial_number => {
                let Some(instance) = unit.instance() else {
                    return Err(self.lose("it has no number in its bank any more".to_owned()));
                };
                self.instance = instance;
                self.unit = *unit.clone();
                self.found = Some(*unit);
                // Before the first write it is looked at once more.
                let written = self.answer.is_some() || self.attempts > 0;
                Ok(if written { Looking::Settle } else { Looking::Before })
            }
            Ok(other) => Err(self.lose(format!("unit {} is there now", other.serial_number))),
            Err(_) if now < deadline => Ok(Looking::Away),
            Err(why) => Err(self.lose(why)),
        }
    }

    /// What the unit is doing, after it refused.
    fn asked(&mut self, reply: &AnyReply, now: Instant) -> Result<Looking, Verdict> {
        let AnyReply::GeneralStatus(status) = reply else { return Ok(Looking::Ask) };
        let charging = status.charge_current.0 > 0;
        let waiting_helps = self.group == Group::MaxChargingCurrent;
        if let Some(patience) = self.options.wait_idle.filter(|_| waiting_helps) {
            let until = *self.patience.get_or_insert(later(now, patience));
            if !charging && self.idle_tries < self.options.attempts {
                self.idle_tries += 1;
                self.answer = None;
                return Ok(Looking::Announce);
            }
            if charging && now < until {
                // A question that fails once in hours is asked again.
                self.deadline = Some(later(now, BETWEEN_LOOKS + self.options.within));
                return Ok(Looking::Idle);
            }
        }
        let state = self.last.unwrap_or_default();
        let why = explain::refusal(self.group, &self.step.to, &state, status, &self.unit);
        Err(failed(why, false))
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

    fn lose(&self, why: String) -> Verdict {
        let may_be_done = self.answer.is_some();
        let why = if may_be_done {
            format!("{why}; the last write may have been carried out")
        } else {
            why
        };
        Verdict::Failed { why, may_be_done, lost: true }
    }
}

/// Something is neither as it was nor as it should be. What somebody else put there stays.
fn foreign(found: &Settings, wanted: &Settings, is_done: bool) -> Verdict {
    let told: Vec<_> = found
        .differences(wanted)
        .map(|change| {
            let found = change.from.map_or("nothing".to_owned(), |value| value.to_string());
            format!("{} is {found}, wanted {}", change.setting, change.to)
        })
        .collect();
    let told = told.join(", ");
    failed(format!("another program, or the unit itself, changed it: {told}"), is_done)
}

fn failed(why: String, may_be_done: bool) -> Verdict {
    Verdict::Failed { why, may_be_done, lost: false }
}

/// While a unit charges.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
