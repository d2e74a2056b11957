//! The last readings: the settings that each unit has at the end of a run.
//!
//! A unit is read until two rounds of readings in a row are equal. Its serial number is checked before the
//! first round and after the last one.

use std::time::Instant;

use pi18_proto::{AnyReply, Query, SerialNumber};

use super::{
    action::{Action, Event},
    link_budget::LinkBudget,
    options::Options,
    reason::Cause,
};
use crate::{
    Plan, PlannedUnit, Setting, Settings,
    model::settings::{alike, shown},
};

/// The settings that a unit shows at the end, or the reason why it could not be read.
pub(super) type Shown = Result<Settings, Cause>;

/// Reads all settings of each unit.
#[derive(Debug)]
pub(super) struct Verify {
    units: Vec<UnitReadings>,
    /// Index of the unit that is being read.
    at: usize,
    options: Options,
    /// Whether an interrupt ended the waits for links.
    hurried: bool,
}

/// The readings of one unit.
#[derive(Debug)]
struct UnitReadings {
    serial_number: SerialNumber,
    queries: Vec<Query>,
    stage: Stage,
    /// Settings that were read in this round so far.
    now: Settings,
    /// Settings that were read in the previous round.
    last: Option<Settings>,
    rounds: u32,
    link: LinkBudget,
    shown: Option<Shown>,
}

/// The next thing to do for a unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Ask which unit answers.
    Identify,
    /// Send the query with this index.
    Read(usize),
    /// Wait before the next round.
    Pause,
    /// Ask again which unit answers, after two equal rounds.
    RecheckIdentity,
    /// Wait before an unanswered query is sent again.
    Retry(usize),
    /// The link fails: wait before it is opened again.
    Away,
    /// Open the link again.
    Reopen,
}

impl Verify {
    /// Returns the last readings of all units of a plan, including units that were lost during the run.
    pub(super) fn new(plan: &Plan, options: &Options) -> Self {
        let units = plan.units.iter().map(|planned| UnitReadings::new(planned, options)).collect();
        Self { units, at: 0, options: *options, hurried: false }
    }

    /// Ends all waits for links.
    pub(super) fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Returns the next action, or `None` if all units were read.
    pub(super) fn next(&mut self) -> Option<Action> {
        while self.units.get(self.at)?.shown.is_some() {
            self.at += 1;
        }
        let unit = self.at;
        let readings = self.units.get(unit)?;
        Some(match readings.stage {
            Stage::Identify | Stage::RecheckIdentity => {
                Action::Read { unit, query: Query::Identity }
            }
            Stage::Read(at) => {
                let query = readings.queries.get(at).copied().unwrap_or(Query::RatedInformation);
                Action::Read { unit, query }
            }
            Stage::Pause | Stage::Retry(_) | Stage::Away => Action::Pause(self.options.pause),
            Stage::Reopen => Action::Reopen { unit },
        })
    }

    /// Takes the result of the last action.
    pub(super) fn handle(&mut self, event: Event, now: Instant) {
        let hurried = self.hurried;
        if let Some(readings) = self.units.get_mut(self.at) {
            readings.handle(event, now, hurried);
        }
    }

    /// Returns the settings of the units, in the order of the plan.
    pub(super) fn into_shown(self) -> Vec<Shown> {
        let unread = || Err(Cause::NotRead);
        self.units.into_iter().map(|readings| readings.shown.unwrap_or_else(unread)).collect()
    }
}

impl UnitReadings {
    fn new(planned: &PlannedUnit, options: &Options) -> Self {
        let mut queries = Vec::new();
        let present = planned.unit.settings();
        for setting in Setting::ALL.iter().filter(|setting| present.get(**setting).is_some()) {
            // The clock moves, so it is read only if the plan sets it.
            let is_needed = *setting != Setting::Clock || planned.target.clock.is_some();
            if is_needed && !queries.contains(&setting.query()) {
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
            (Stage::Identify | Stage::RecheckIdentity, Event::Read(Ok((reply, _)))) => {
                self.identified(&reply, now, hurried)
            }
            (Stage::Read(at), Event::Read(Ok((reply, host)))) => {
                self.now = self.now.overlaid(&shown(&reply, host));
                self.query_answered(at)
            }
            (Stage::Pause, Event::Paused) => Stage::Read(0),
            (Stage::Retry(at), Event::Paused) => Stage::Read(at),
            (Stage::Away, Event::Paused) => Stage::Reopen,
            (stage, Event::Read(Err(trouble))) => {
                let next = match stage {
                    _ if trouble.gone && hurried => Stage::Reopen,
                    _ if trouble.gone => Stage::Away,
                    Stage::Read(at) => Stage::Retry(at),
                    _ => stage,
                };
                // Even after an interrupt, a device that disappeared is opened once.
                let why = Cause::Link { error: trouble.text };
                self.retry(next, why, now, hurried && !trouble.gone)
            }
            (Stage::Reopen, Event::Reopened { found, .. }) => {
                self.begin_again();
                match found {
                    Ok(unit) if unit.serial_number == self.serial_number => {
                        self.link.works(now);
                        Stage::Identify
                    }
                    Ok(other) => {
                        let why = Cause::OtherUnit { found: other.serial_number };
                        self.retry(Stage::Away, why, now, hurried)
                    }
                    Err(error) => self.retry(Stage::Away, Cause::Link { error }, now, hurried),
                }
            }
            (stage, _) => stage,
        };
    }

    /// Handles the identity, before the first round or after the last one.
    fn identified(&mut self, reply: &AnyReply, now: Instant, hurried: bool) -> Stage {
        let found = match reply {
            AnyReply::Identity(identity) => identity.serial_number,
            _ => self.serial_number,
        };
        if found != self.serial_number {
            self.begin_again();
            let next = if hurried { Stage::Reopen } else { Stage::Away };
            return self.retry(next, Cause::OtherUnit { found }, now, false);
        }
        if self.stage == Stage::RecheckIdentity {
            self.shown = self.last.take().map(Ok);
        }
        Stage::Read(0)
    }

    fn query_answered(&mut self, at: usize) -> Stage {
        if at + 1 < self.queries.len() {
            return Stage::Read(at + 1);
        }
        let now = std::mem::take(&mut self.now);
        let twice = self.last.replace(now).is_some_and(|last| alike(&last, &now));
        self.rounds += 1;
        if twice {
            return Stage::RecheckIdentity;
        }
        if self.rounds > MAX_ROUNDS {
            self.shown = Some(Err(Cause::Unsteady));
        }
        Stage::Pause
    }

    fn begin_again(&mut self) {
        (self.now, self.last) = (Settings::default(), None);
    }

    /// Returns `next` as the next stage of a link that fails. Gives the unit up if the time for its link is
    /// used up, or if `give_up` is set.
    fn retry(&mut self, next: Stage, why: Cause, now: Instant, give_up: bool) -> Stage {
        if self.link.fails(now) || give_up {
            self.shown = Some(Err(why));
        }
        next
    }
}

/// Maximum number of rounds. If the settings change more often, another program is setting them.
const MAX_ROUNDS: u32 = 8;
