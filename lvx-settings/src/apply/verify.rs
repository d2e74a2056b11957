//! The last look: what every unit really has now, read until two rounds of readings are alike, and
//! from the unit with the right serial number.

use std::time::Instant;

use pi18_proto::{AnyReply, Query, SerialNumber};

use super::{Action, Event, Options, link_budget::LinkBudget};
use crate::{Plan, PlannedUnit, Setting, Settings, model::group::shown, plan::alike};

/// What a unit showed in the end; an error if it could not be read.
pub(super) type Shown = Result<Settings, String>;

/// Reads all settings of each unit.
#[derive(Debug)]
pub(super) struct Verify {
    units: Vec<Reading>,
    /// The unit that is read now.
    at: usize,
    options: Options,
    /// Somebody interrupted: no link is waited for.
    hurried: bool,
}

/// The readings of one unit.
#[derive(Debug)]
struct Reading {
    serial_number: SerialNumber,
    queries: Vec<Query>,
    stage: Stage,
    /// What this round has shown so far.
    now: Settings,
    /// What the round before showed.
    last: Option<Settings>,
    rounds: u32,
    link: LinkBudget,
    shown: Option<Shown>,
}

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Ask which unit answers.
    Identify,
    /// Ask one of the queries.
    Read(usize),
    /// Wait before the next round.
    Pause,
    /// Ask once more which unit answers, after two rounds that are alike.
    Attest,
    /// A query was not answered: wait before asking it again.
    Retry(usize),
    /// The link is in trouble: wait, and open it again.
    Away,
    Reopen,
}

impl Verify {
    /// A unit that was given up is tried once more.
    pub(super) fn new(plan: &Plan, options: &Options) -> Self {
        let units = plan.units.iter().map(|planned| Reading::new(planned, options)).collect();
        Self { units, at: 0, options: *options, hurried: false }
    }

    /// From now on no link is waited for.
    pub(super) fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Returns `None` once all was read.
    pub(super) fn next(&mut self) -> Option<Action> {
        while self.units.get(self.at)?.shown.is_some() {
            self.at += 1;
        }
        let unit = self.at;
        let reading = self.units.get(unit)?;
        Some(match reading.stage {
            Stage::Identify | Stage::Attest => Action::Read { unit, query: Query::Identity },
            Stage::Read(at) => {
                let query = reading.queries.get(at).copied().unwrap_or(Query::RatedInformation);
                Action::Read { unit, query }
            }
            Stage::Pause | Stage::Retry(_) | Stage::Away => Action::Pause(self.options.pause),
            Stage::Reopen => Action::Reopen { unit },
        })
    }

    pub(super) fn handle(&mut self, event: Event, now: Instant) {
        let hurried = self.hurried;
        if let Some(reading) = self.units.get_mut(self.at) {
            reading.handle(event, now, hurried);
        }
    }

    /// Returns what was read.
    pub(super) fn take(&mut self) -> Vec<Shown> {
        let unread = || Err("it was not read".to_owned());
        self.units.drain(..).map(|reading| reading.shown.unwrap_or_else(unread)).collect()
    }
}

impl Reading {
    fn new(planned: &PlannedUnit, options: &Options) -> Self {
        let mut queries = Vec::new();
        let has = planned.unit.settings();
        for setting in Setting::ALL.iter().filter(|setting| has.get(**setting).is_some()) {
            // The clock moves: it is read only if it is to be set.
            let wanted = *setting != Setting::Clock || planned.wanted.clock.is_some();
            if wanted && !queries.contains(&setting.query()) {
                queries.push(setting.query());
            }
        }
        Self {
            serial_number: planned.unit.serial_number,
            queries,
            stage: Stage::Identify,
            now: Settings::default(),
            last: None,
            rounds: 0,
            link: LinkBudget::new(options.away),
            shown: None,
        }
    }

    fn handle(&mut self, event: Event, now: Instant, hurried: bool) {
        if matches!(event, Event::Read(Ok(_))) {
            self.link.works(now);
        }
        self.stage = match (self.stage, event) {
            (Stage::Identify | Stage::Attest, Event::Read(Ok((reply, _)))) => {
                self.identified(&reply, now, hurried)
            }
            (Stage::Read(at), Event::Read(Ok((reply, host)))) => {
                self.now = self.now.overlaid(&shown(&reply, host));
                self.read(at)
            }
            (Stage::Pause, Event::Paused) => Stage::Read(0),
            (Stage::Retry(at), Event::Paused) => Stage::Read(at),
            (Stage::Away, Event::Paused) => Stage::Reopen,
            (stage, Event::Read(Err(trouble))) => {
                let again = match stage {
                    _ if trouble.gone => Stage::Away,
                    Stage::Read(at) => Stage::Retry(at),
                    _ => stage,
                };
                let again = if trouble.gone && hurried { Stage::Reopen } else { again };
                // Even in a hurry a device that is gone is opened once.
                self.try_again(again, trouble.text, now, hurried && !trouble.gone)
            }
            (Stage::Reopen, Event::Reopened { found, .. }) => {
                self.begin_again();
                match found {
                    Ok(unit) if unit.serial_number == self.serial_number => {
                        self.link.works(now);
                        Stage::Identify
                    }
                    Ok(other) => {
                        let why = format!("unit {} is there now", other.serial_number);
                        self.try_again(Stage::Away, why, now, hurried)
                    }
                    Err(why) => self.try_again(Stage::Away, why, now, hurried),
                }
            }
            (stage, _) => stage,
        };
    }

    /// The unit's identity, before the first reading or after the last one.
    fn identified(&mut self, reply: &AnyReply, now: Instant, hurried: bool) -> Stage {
        let found = match reply {
            AnyReply::Identity(identity) => identity.serial_number,
            _ => self.serial_number,
        };
        if found != self.serial_number {
            self.begin_again();
            let why = format!("unit {found} is there now");
            let again = if hurried { Stage::Reopen } else { Stage::Away };
            return self.try_again(again, why, now, false);
        }
        if self.stage == Stage::Attest {
            self.shown = self.last.take().map(Ok);
        }
        Stage::Read(0)
    }

    /// One query was answered.
    fn read(&mut self, at: usize) -> Stage {
        if at + 1 < self.queries.len() {
            return Stage::Read(at + 1);
        }
        let now = std::mem::take(&mut self.now);
        let twice = self.last.replace(now).is_some_and(|last| alike(&last, &now));
        self.rounds += 1;
        if twice {
            return Stage::Attest;
        }
        if self.rounds > MAX_ROUNDS {
            self.shown = Some(Err("its readings do not settle".to_owned()));
        }
        Stage::Pause
    }

    fn begin_again(&mut self) {
        (self.now, self.last) = (Settings::default(), None);
    }

    /// A link in trouble is tried again while there is time.
    fn try_again(&mut self, stage: Stage, why: String, now: Instant, at_once: bool) -> Stage {
        if self.link.fails(now) || at_once {
            self.shown = Some(Err(why));
        }
        stage
    }
}

/// A unit whose settings change so often is being set by somebody else.
const MAX_ROUNDS: u32 = 8;
