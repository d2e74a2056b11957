//! Carrying out a plan: every write is announced, sent once, proved by reading back, and undone if
//! something goes wrong. A state machine without I/O and without a clock.
//!
//! The caller asks [`Apply::next_action`] what to do, does it, and reports the result with
//! [`Apply::handle`]. [`run`](crate::run) is such a caller.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{Plan, Settings, Unit};

mod action;
mod change;
mod corrections;
mod course;
mod explain;
mod journal;
mod link_budget;
mod preflight;
mod progress;
mod report;
mod run;
mod stray;
mod verify;

pub(crate) use action::later;
pub use action::{Action, Command, Event, Options, Trouble, Write};
pub use journal::{Journal, Past, Record, RunDirection};
pub use progress::ApplyProgress;
pub use report::{ApplyReport, Ending, SettingReport, SettingState, StrayReport, UnitReport};
pub use run::{Audit, Clock, Recorder, Units, run};
pub use stray::{Astray, Owed, Stray};

use change::Change;
use corrections::Correction;
use preflight::{Preflight, Purpose};
use verify::Verify;

/// How to continue a run that did not end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeMode {
    /// Do the steps that are left.
    Finish,
    /// Undo the steps that were done.
    Undo,
}

/// A plan being carried out.
#[derive(Debug)]
#[must_use = "nothing happens until its actions are done"]
pub struct Apply {
    plan: Plan,
    options: Options,
    phase: Phase,
    /// The units as preflight found them, or as they were found again.
    units: Vec<Unit>,
    /// Units that cannot be reached any more, and why.
    lost: Vec<Option<String>>,
    /// The first failure.
    why: Option<String>,
    /// What else the report says.
    remarks: Vec<String>,
    /// Steps whose write may have arrived although the unit does not show it.
    unproved: Vec<usize>,
    /// Steps that are still to be undone, the next one last.
    undo: Vec<usize>,
    /// Steps that could not be undone, and why.
    left: Vec<Left>,
    /// Units that were lost got a second chance.
    tried_again: bool,
    /// Steps whose undoing went astray and was repeated.
    repeated: Vec<usize>,
    /// Voltages that each unit has although a later step was to write them: a battery type brought
    /// others along than the plan says.
    ahead: Vec<Settings>,
    /// Writes beside the steps that are still to be sent.
    corrections: VecDeque<Correction>,
    /// Set commands that may have reached another unit, of this run and of earlier ones.
    strays: Vec<Stray>,
    /// Units that were given back what they had, by the step whose command had strayed.
    corrected: Vec<(usize, usize)>,
    /// Units, and the step in doubt, that may yet show another value than they do.
    doubts: Vec<(usize, usize)>,
    /// The end of waiting for idle windows, once it has begun.
    patience: Option<Instant>,
    /// Somebody confirmed: nothing is undone any more.
    confirmed: bool,
    writes: u64,
    resumed: Option<(ApplyProgress, ResumeMode)>,
    /// How often it was interrupted.
    interrupts: u32,
    /// The interrupts that had their effect.
    noticed: u32,
    report: Option<ApplyReport>,
}

/// A step that could not be undone.
#[derive(Debug)]
struct Left {
    step: usize,
    why: String,
    /// Its unit could not be reached.
    lost: bool,
}

#[derive(Debug)]
enum Phase {
    /// A write that was on its way when an earlier run ended gets the time to be shown.
    Rest,
    Preflight(Box<Preflight>),
    Backup,
    /// About to do this step.
    Do(usize),
    /// About to undo the next step.
    Undo,
    /// Corrections are made first.
    Correct(Box<Phase>),
    /// A write, and where it goes on after a correction.
    Step(Box<Change>, Option<Box<Phase>>),
    /// Something is recorded first.
    Note(Record, Box<Phase>),
    Confirmation(Duration),
    Verify(Box<Verify>),
    Over,
}

impl Apply {
    /// Carries out a plan from its first step.
    pub fn new(plan: Plan, options: Options) -> Self {
        Self::start(plan, options, None)
    }

    /// Brings a plan to an end whose earlier run was left at `progress`.
    pub fn resume(plan: Plan, options: Options, progress: ApplyProgress, mode: ResumeMode) -> Self {
        Self::start(plan, options, Some((progress, mode)))
    }

    fn start(plan: Plan, options: Options, resumed: Option<(ApplyProgress, ResumeMode)>) -> Self {
        let earlier = resumed.as_ref().map(|(progress, _)| progress.clone()).unwrap_or_default();
        let purpose = Purpose::of(resumed.as_ref().map(|(_, mode)| *mode));
        let preflight = Phase::Preflight(Box::new(Preflight::new(purpose)));
        Self {
            lost: vec![None; plan.units.len()],
            ahead: vec![Settings::default(); plan.units.len()],
            plan,
            options,
            phase: if earlier.in_flight { Phase::Rest } else { preflight },
            units: Vec::new(),
            why: None,
            remarks: Vec::new(),
            unproved: earlier.unproved,
            undo: Vec::new(),
            left: Vec::new(),
            tried_again: false,
            repeated: Vec::new(),
            corrections: VecDeque::new(),
            strays: earlier.strays,
            corrected: earlier.corrected,
            doubts: Vec::new(),
            patience: None,
            confirmed: false,
            writes: 0,
            resumed,
            interrupts: 0,
            noticed: 0,
            report: None,
        }
    }

    /// Returns the plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the units as they were found before the first write.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Returns how it ended, once it has.
    #[must_use]
    pub fn report(&self) -> Option<&ApplyReport> {
        self.report.as_ref()
    }

    /// Gives up what is being done, and undoes what was written. A further interrupt ends what the
    /// undoing waits for: a link, or an idle window.
    pub fn interrupt(&mut self) {
        self.interrupts = self.interrupts.saturating_add(1);
    }

    /// Returns what to do next.
    pub fn next_action(&mut self) -> Action {
        loop {
            if let Some(action) = self.action() {
                return action;
            }
        }
    }

    /// What the present phase wants to be done; `None` if it has just become another one.
    fn action(&mut self) -> Option<Action> {
        if self.interrupts > self.noticed {
            self.noticed = self.interrupts;
            if let Some(after) = self.given_up() {
                self.phase = after;
            }
        }
        match &mut self.phase {
            Phase::Rest => Some(Action::Pause(self.options.within)),
            Phase::Preflight(preflight) => Some(preflight.next()),
            Phase::Backup => Some(Action::Backup),
            Phase::Note(record, _) => Some(Action::Record(record.clone())),
            Phase::Step(change, _) => Some(change.next()),
            Phase::Confirmation(time) => Some(Action::Confirmation(*time)),
            Phase::Over => Some(Action::Done),
            &mut Phase::Do(step) => {
                self.phase = self.doing(step);
                None
            }
            Phase::Undo => {
                self.phase = self.undoing();
                None
            }
            Phase::Correct(after) => {
                let after = std::mem::replace(&mut **after, Phase::Over);
                self.phase = self.correcting(after);
                None
            }
            Phase::Verify(verify) => {
                let action = verify.next();
                if action.is_none() {
                    self.phase = self.verified();
                }
                action
            }
        }
    }

    /// Takes the result of the last action. An event that does not belong to it changes nothing.
    pub fn handle(&mut self, event: Event, now: Instant) {
        let after = match (&mut self.phase, event) {
            (Phase::Rest, Event::Paused) => {
                let purpose = Purpose::of(self.resumed.as_ref().map(|(_, mode)| *mode));
                Some(Phase::Preflight(Box::new(Preflight::new(purpose))))
            }
            (Phase::Preflight(preflight), event) => preflight
                .handle(event, &self.plan, &self.options, &mut self.patience, now)
                .map(|found| self.found(found)),
            (Phase::Backup, Event::Stored(stored)) => Some(match stored {
                Ok(()) => Phase::Do(0),
                Err(why) => self.refused(format!("the present settings cannot be saved: {why}")),
            }),
            (Phase::Note(record, after), Event::Stored(stored)) => {
                let record = record.clone();
                let after = std::mem::replace(&mut **after, Phase::Over);
                Some(self.noted(&record, stored, after))
            }
            (Phase::Step(change, _), event) => {
                self.writes += u64::from(matches!(event, Event::Written(Ok(_))));
                let verdict = change.handle(event, now);
                self.patience = change.patience();
                if let Some(unit) = change.found()
                    && let Some(known) = self.units.get_mut(change.unit())
                {
                    *known = unit;
                }
                verdict.map(|verdict| self.judged(verdict))
            }
            (Phase::Confirmation(_), Event::Confirmed(true)) => {
                self.confirmed = true;
                Some(note(Record::Confirmed, self.verify()))
            }
            (Phase::Confirmation(_), Event::Confirmed(false)) => {
                let why =
                    if self.interrupts > 0 { INTERRUPTED } else { "it was not confirmed in time" };
                Some(self.failed(why.to_owned(), self.plan.steps.len()))
            }
            (Phase::Verify(verify), event) => {
                verify.handle(event, now);
                None
            }
            _ => None,
        };
        if let Some(after) = after {
            self.phase = after;
        }
    }

    /// Where it goes on after an interrupt, if that ends the present phase.
    fn given_up(&mut self) -> Option<Phase> {
        match &mut self.phase {
            Phase::Rest | Phase::Preflight(_) | Phase::Backup => {
                Some(self.refused(INTERRUPTED.to_owned()))
            }
            Phase::Step(change, _) => {
                let verdict = change.interrupt(INTERRUPTED)?;
                Some(self.judged(verdict))
            }
            Phase::Verify(verify) => {
                verify.hurry();
                None
            }
            _ => None,
        }
    }
}

const INTERRUPTED: &str = "it was interrupted";

/// The pause between two looks at a unit that charges.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

fn note(record: Record, after: Phase) -> Phase {
    Phase::Note(record, Box::new(after))
}
