//! At the end: what every unit really has now, read until two readings are alike.

use std::time::Instant;

use pi18_proto::{Query, SerialNumber};

use super::{Action, Event, Options, later};
use crate::{Plan, Settings, group::shown, plan::alike};

/// What a unit showed in the end; an error if it could not be read.
pub(super) type Shown = Result<Settings, String>;

/// Reads of each unit all that the plan touches.
#[derive(Debug)]
pub(super) struct Verify {
    queries: Vec<Query>,
    units: Vec<Shown>,
    serials: Vec<SerialNumber>,
    /// Which unit and which of the queries comes next.
    at: (usize, usize),
    last: Option<Settings>,
    tries: u32,
    stage: Stage,
    /// When a link that is in trouble is given up.
    until: Option<Instant>,
    options: Options,
}

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Read,
    /// Until it is read again.
    Pause,
    /// The link is gone: wait, and open it again.
    Away,
    Reopen,
}

impl Verify {
    /// A unit that was given up is tried once more.
    pub(super) fn new(plan: &Plan, options: &Options) -> Self {
        // The settings on which units must agree are always looked at.
        let mut queries = vec![Query::RatedInformation];
        for group in plan.steps.iter().filter_map(crate::Step::group) {
            if !queries.contains(&group.query()) {
                queries.push(group.query());
            }
        }
        Self {
            queries,
            units: plan.units.iter().map(|_| Ok(Settings::default())).collect(),
            serials: plan.units.iter().map(|planned| planned.unit.serial_number).collect(),
            at: (0, 0),
            last: None,
            tries: 0,
            stage: Stage::Read,
            until: None,
            options: *options,
        }
    }

    /// `None` once all was read.
    pub(super) fn next(&mut self) -> Option<Action> {
        loop {
            let (unit, query) = self.at;
            match (self.units.get(unit)?, self.queries.get(query)) {
                (Ok(_), Some(&query)) => {
                    return Some(match self.stage {
                        Stage::Read => Action::Read { unit, query },
                        Stage::Pause | Stage::Away => Action::Pause(self.options.pause),
                        Stage::Reopen => Action::Reopen { unit },
                    });
                }
                _ => self.at = (unit + 1, 0),
            }
        }
    }

    pub(super) fn handle(&mut self, event: Event, now: Instant) {
        match (self.stage, event) {
            (Stage::Pause, Event::Paused) => self.stage = Stage::Read,
            (Stage::Away, Event::Paused) => self.stage = Stage::Reopen,
            (Stage::Read, Event::Read(Ok((reply, host)))) => {
                self.until = None;
                self.shown(&shown(&reply, host));
            }
            (Stage::Read, Event::Read(Err(trouble))) => {
                let again = if trouble.gone { Stage::Away } else { Stage::Pause };
                self.try_again(again, trouble.text, now);
            }
            (Stage::Reopen, Event::Reopened(found)) => match found {
                Ok(unit) if self.serials.get(self.at.0) == Some(&unit.serial_number) => {
                    self.stage = Stage::Read;
                }
                Ok(other) => {
                    let why = format!("unit {} is there now", other.serial_number);
                    self.try_again(Stage::Away, why, now);
                }
                Err(why) => self.try_again(Stage::Away, why, now),
            },
            _ => {}
        }
    }

    fn shown(&mut self, now: &Settings) {
        let twice = self.last.replace(*now).is_some_and(|last| alike(&last, now));
        self.tries += 1;
        if twice {
            self.keep(Ok(*now));
        } else if self.tries > MOST_TRIES {
            self.keep(Err("its readings do not settle".to_owned()));
        } else {
            self.stage = Stage::Pause;
        }
    }

    /// A link in trouble is tried again while there is time.
    fn try_again(&mut self, stage: Stage, why: String, now: Instant) {
        self.last = None;
        let until = *self.until.get_or_insert(later(now, self.options.away));
        if now < until {
            self.stage = stage;
        } else {
            self.keep(Err(why));
        }
    }

    /// What was read, once it is over.
    pub(super) fn take(&mut self) -> Vec<Shown> {
        std::mem::take(&mut self.units)
    }

    fn keep(&mut self, read: Shown) {
        let (unit, query) = self.at;
        if let Some(known) = self.units.get_mut(unit) {
            *known = match (&known, read) {
                (Ok(known), Ok(more)) => Ok(known.overlaid(&more)),
                (_, Err(why)) => Err(why),
                (Err(why), _) => Err(why.clone()),
            };
        }
        (self.last, self.tries, self.until, self.stage) = (None, 0, None, Stage::Read);
        self.at = (unit, query + 1);
    }
}

/// A unit whose settings change so often is being set by somebody else.
const MOST_TRIES: u32 = 8;
