//! At the end: what every unit really has now, read until two readings are alike.

use std::time::Duration;

use pi18_proto::Query;

use super::{Action, Event, Options};
use crate::{Plan, Settings, group::shown, plan::alike};

/// What a unit showed in the end; an error if it could not be read.
pub(super) type Shown = Result<Settings, String>;

/// Reads of each unit all that the plan touches.
#[derive(Debug)]
pub(super) struct Verify {
    queries: Vec<Query>,
    units: Vec<Shown>,
    /// Which unit and which of the queries comes next.
    at: (usize, usize),
    last: Option<Settings>,
    tries: u32,
    paused: bool,
    pause: Duration,
}

impl Verify {
    pub(super) fn new(plan: &Plan, lost: &[Option<String>], options: &Options) -> Self {
        // The settings on which units must agree are always looked at.
        let mut queries = vec![Query::RatedInformation];
        for group in plan.steps.iter().filter_map(crate::Step::group) {
            if !queries.contains(&group.query()) {
                queries.push(group.query());
            }
        }
        let units =
            lost.iter().map(|why| why.clone().map_or(Ok(Settings::default()), Err)).collect();
        Self {
            queries,
            units,
            at: (0, 0),
            last: None,
            tries: 0,
            paused: false,
            pause: options.pause,
        }
    }

    /// `None` once all was read.
    pub(super) fn next(&mut self) -> Option<Action> {
        if self.paused {
            return Some(Action::Pause(self.pause));
        }
        loop {
            let (unit, query) = self.at;
            match (self.units.get(unit)?, self.queries.get(query)) {
                (Ok(_), Some(&query)) => return Some(Action::Read { unit, query }),
                _ => self.at = (unit + 1, 0),
            }
        }
    }

    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Paused => self.paused = false,
            Event::Read(Ok((reply, host))) => {
                let now = shown(&reply, host);
                let twice = self.last.replace(now).is_some_and(|last| alike(&last, &now));
                self.tries += 1;
                if twice {
                    self.keep(Ok(now));
                } else if self.tries > MOST_TRIES {
                    self.keep(Err("its readings do not settle".to_owned()));
                } else {
                    self.paused = true;
                }
            }
            Event::Read(Err(trouble)) => {
                self.last = None;
                self.tries += 1;
                if trouble.gone || self.tries > MOST_TRIES {
                    self.keep(Err(trouble.text));
                } else {
                    self.paused = true;
                }
            }
            _ => {}
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
        (self.last, self.tries) = (None, 0);
        self.at = (unit, query + 1);
    }
}

/// A unit whose settings change so often is being set by somebody else.
const MOST_TRIES: u32 = 8;
