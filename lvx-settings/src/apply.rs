//! Carrying out a plan: every write announced, sent once, proved by reading back, and undone if
//! something goes wrong. A state machine without I/O and without a clock.
//!
//! The caller asks [`Apply::next_action`] what to do, does it, and tells what came of it with
//! [`Apply::handle`]. [`run`](crate::run) is such a caller.

use std::time::{Duration, Instant};

use pi18_proto::{AnyReply, DateTime, Query, SetCommand};
use pi18_transport::SetOutcome;
use serde::{Deserialize, Serialize};

use crate::{
    Plan, Settings, Unit,
    journal::{Direction, Record},
};

mod change;
mod explain;
mod preflight;
mod progress;
mod report;
mod stray;
mod verify;

pub use progress::Progress;
pub use report::{Ending, Report, SettingReport, State, UnitReport};
pub use stray::{Astray, Stray};

use change::{Change, Verdict};
use preflight::Preflight;
use verify::Verify;

/// How carefully, and how patiently.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Between a write and reading it back, and between two readings.
    pub pause: Duration,
    /// How long a unit may go on showing an old value. No unit is known that takes longer than a few
    /// seconds (assumed); a value that is still old after this counts as not taken, and is written
    /// back. Not less than two readings and the pauses between them take.
    pub within: Duration,
    /// How long a device that went away, or a unit that fell silent, is waited for.
    pub away: Duration,
    /// How often a write is sent at most if nothing proves that it arrived; at least once.
    pub attempts: u32,
    /// How long to wait in all for idle windows where a unit refuses because it charges. If the first
    /// of several units was set already, they differ meanwhile.
    pub wait_idle: Option<Duration>,
    /// Undo everything unless it is confirmed in this time. Only a program that is still there can:
    /// one that was killed leaves a journal that says so.
    pub confirm_within: Option<Duration>,
}

impl Default for Options {
    /// Half a second, 15 s, a minute, three attempts, no waiting, no confirmation.
    fn default() -> Self {
        Self {
            pause: Duration::from_millis(500),
            within: Duration::from_secs(15),
            away: Duration::from_mins(1),
            attempts: 3,
            wait_idle: None,
            confirm_within: None,
        }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read a unit wholly.
    Survey {
        /// Which unit.
        unit: usize,
    },
    /// Save the settings as they are before the first write, where they survive this program.
    Backup,
    /// Note this where it survives this program, before anything else is done.
    Record(Record),
    /// Ask a unit.
    Read {
        /// Which unit.
        unit: usize,
        /// What.
        query: Query,
    },
    /// Send a set command, once.
    Write(Box<Write>),
    /// Open the link to a unit anew: its device went away.
    Reopen {
        /// Which unit.
        unit: usize,
    },
    /// Let time go by.
    Pause(Duration),
    /// Wait until somebody confirms, at most so long.
    Confirmation(Duration),
    /// It is over.
    Done,
}

/// A set command on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Which unit.
    pub unit: usize,
    /// Which step of the plan.
    pub step: usize,
    /// Whether it does the step or undoes it.
    pub direction: Direction,
    /// What the settings should be afterwards.
    pub to: Settings,
    /// The command, of which only the clock needs this computer's time.
    pub command: Command,
}

/// How to make a set command at the moment it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    group: crate::Group,
    to: Settings,
    instance: pi18_proto::ParallelInstance,
}

impl Command {
    /// The command at this time of this computer; `None` if no unit takes the values.
    #[must_use]
    pub fn at(&self, host: Option<DateTime>) -> Option<SetCommand> {
        self.group.command(&self.to, self.instance, host)
    }
}

/// What came of an [`Action`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Of [`Action::Survey`].
    Surveyed(Result<Box<Unit>, String>),
    /// Of [`Action::Backup`] and [`Action::Record`].
    Stored(Result<(), String>),
    /// Of [`Action::Read`].
    Read(Result<(AnyReply, Option<DateTime>), Trouble>),
    /// Of [`Action::Write`]; an error if the command was not sent.
    Written(Result<SetOutcome, Trouble>),
    /// Of [`Action::Reopen`]: who is there now.
    Reopened(Result<Box<Unit>, String>),
    /// Of [`Action::Pause`].
    Paused,
    /// Of [`Action::Confirmation`].
    Confirmed(bool),
}

/// Why a unit could not be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    /// The device is gone.
    pub gone: bool,
    /// The link's error.
    pub text: String,
}

impl From<&pi18_transport::Error> for Trouble {
    fn from(error: &pi18_transport::Error) -> Self {
        Self { gone: error.is_disconnected(), text: error.to_string() }
    }
}

/// What to do about a run that did not end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Do the steps that are left.
    Finish,
    /// Undo those that were done.
    Undo,
}

/// A plan being carried out.
#[derive(Debug)]
pub struct Apply {
    plan: Plan,
    options: Options,
    phase: Phase,
    /// The units as preflight found them.
    units: Vec<Unit>,
    /// Units that cannot be reached any more, and why.
    lost: Vec<Option<String>>,
    /// What went wrong first.
    why: Option<String>,
    /// What else has to be told: what was left as it was although it should have been undone.
    remarks: Vec<String>,
    /// Steps whose write may have arrived although the unit does not show it.
    unproved: Vec<usize>,
    /// Units that may yet show another value than they do.
    doubts: Vec<usize>,
    /// When waiting for idle windows ends, once it has begun.
    patience: Option<Instant>,
    /// Somebody confirmed: nothing is undone any more.
    confirmed: bool,
    writes: u64,
    resumed: Option<(Progress, Way)>,
    interrupted: bool,
    report: Option<Report>,
}

#[derive(Debug)]
enum Phase {
    /// What was on its way when an earlier run ended gets the time to be shown.
    Rest,
    Preflight(Box<Preflight>),
    Backup,
    /// About to do this step.
    Do(usize),
    /// About to undo the newest of so many steps.
    Undo(usize),
    Step(Box<Change>),
    /// Something is recorded, and then it goes on there.
    Note(Record, Box<Phase>),
    Confirmation(Duration),
    Verify(Box<Verify>),
    Over,
}

impl Apply {
    /// Carries out a plan from its first step.
    #[must_use]
    pub fn new(plan: Plan, options: Options) -> Self {
        Self::start(plan, options, None)
    }

    /// Brings a plan to an end whose earlier run was left at `progress`.
    #[must_use]
    pub fn resume(plan: Plan, options: Options, progress: Progress, way: Way) -> Self {
        Self::start(plan, options, Some((progress, way)))
    }

    fn start(plan: Plan, options: Options, resumed: Option<(Progress, Way)>) -> Self {
        let count = plan.units.len();
        let earlier = resumed.as_ref().map(|(progress, _)| progress.clone()).unwrap_or_default();
        let preflight = Phase::Preflight(Box::new(Preflight::new(resumed.is_some())));
        Self {
            plan,
            options,
            phase: if earlier.in_flight { Phase::Rest } else { preflight },
            units: Vec::new(),
            lost: vec![None; count],
            why: None,
            remarks: Vec::new(),
            unproved: earlier.unproved,
            doubts: Vec::new(),
            patience: None,
            confirmed: false,
            writes: 0,
            resumed,
            interrupted: false,
            report: None,
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The units as they were found before the first write.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// How it ended, once it is over.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// Gives up before the next write, or while it waits for a unit to be idle; what was written is
    /// undone.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// What to do next.
    pub fn next_action(&mut self) -> Action {
        loop {
            if let Some(action) = self.action() {
                return action;
            }
        }
    }

    /// What the present phase wants to be done; `None` if it has just become another one.
    fn action(&mut self) -> Option<Action> {
        if self.interrupted
            && let Some(after) = self.given_up()
        {
            self.phase = after;
        }
        match &mut self.phase {
            Phase::Rest => Some(Action::Pause(self.options.within)),
            Phase::Preflight(preflight) => Some(preflight.next()),
            Phase::Backup => Some(Action::Backup),
            Phase::Note(record, _) => Some(Action::Record(record.clone())),
            Phase::Step(change) => Some(change.next()),
            Phase::Confirmation(time) => Some(Action::Confirmation(*time)),
            Phase::Over => Some(Action::Done),
            &mut Phase::Do(step) => {
                self.phase = self.doing(step);
                None
            }
            &mut Phase::Undo(done) => {
                self.phase = self.undoing(done);
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

    /// Tells what came of the last action. An event that does not belong to it changes nothing.
    pub fn handle(&mut self, event: Event, now: Instant) {
        let after = match (&mut self.phase, event) {
            (Phase::Rest, Event::Paused) => Some(Phase::Preflight(Box::new(Preflight::new(true)))),
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
            (Phase::Step(change), event) => {
                self.writes += u64::from(matches!(event, Event::Written(Ok(_))));
                let verdict = change.handle(event, now);
                self.patience = change.patience();
                // Behind a link that was opened again it may have another number in its bank.
                if let Some(unit) = change.found()
                    && let Some(known) = self.units.get_mut(change.unit())
                {
                    *known = unit;
                }
                verdict.map(|(step, verdict)| self.judged(step, verdict))
            }
            (Phase::Confirmation(_), Event::Confirmed(true)) => {
                self.confirmed = true;
                Some(note(Record::Confirmed, self.verify()))
            }
            (Phase::Confirmation(_), Event::Confirmed(false)) => {
                let why =
                    if self.interrupted { INTERRUPTED } else { "it was not confirmed in time" };
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

    /// Where it goes on after an interrupt, if nothing is on its way right now.
    fn given_up(&mut self) -> Option<Phase> {
        let why = INTERRUPTED.to_owned();
        match &self.phase {
            Phase::Rest | Phase::Preflight(_) | Phase::Backup => Some(self.refused(why)),
            Phase::Step(change) => {
                let (step, verdict) = change.give_up(why)?;
                Some(self.judged(step, verdict))
            }
            _ => None,
        }
    }

    /// Preflight is done.
    fn found(&mut self, found: Result<Vec<Unit>, String>) -> Phase {
        match found {
            Err(why) => return self.refused(why),
            Ok(units) => self.units = units,
        }
        let steps = self.plan.steps.len();
        match &self.resumed {
            None if steps == 0 => self.verify(),
            None => Phase::Backup,
            &Some((ref progress, way)) => {
                let after = match way {
                    // What is done already is seen to be.
                    Way::Finish => Phase::Do(0),
                    Way::Undo => {
                        self.why = Some("an earlier run was to be undone".to_owned());
                        Phase::Undo(progress.at_most.min(steps))
                    }
                };
                note(Record::Resumed { way }, after)
            }
        }
    }

    /// Begins a step, or goes on behind the last one.
    fn doing(&mut self, at: usize) -> Phase {
        if self.interrupted {
            return self.failed(INTERRUPTED.to_owned(), at);
        }
        let Some(step) = self.plan.steps.get(at) else {
            return note(Record::Applied, self.verify());
        };
        if let Some(Some(why)) = self.lost.get(step.unit) {
            let why = format!("{}: {why}", self.name(at));
            return self.failed(why, at);
        }
        // A run that was left behind takes the other settings as they are.
        let states = self.plan.settings_after(at);
        let expected = states.get(step.unit).copied().filter(|_| self.resumed.is_none());
        match Change::new(self, at, Direction::Forward, expected) {
            Some(change) => Phase::Step(Box::new(change)),
            None => self.failed(format!("{}: it cannot be sent", self.name(at)), at),
        }
    }

    /// Begins to undo the newest of so many steps.
    fn undoing(&mut self, done: usize) -> Phase {
        let Some((at, step)) =
            done.checked_sub(1).and_then(|at| Some((at, self.plan.steps.get(at)?)))
        else {
            return self.verify();
        };
        if let Some(Some(why)) = self.lost.get(step.unit) {
            let why = why.clone();
            return self.left(at, &why);
        }
        match Change::new(self, at, Direction::Backward, None) {
            Some(change) => Phase::Step(Box::new(change)),
            None => self.left(at, "it cannot be sent"),
        }
    }

    /// A step has ended, one way or the other.
    fn judged(&mut self, (step, direction): (usize, Direction), verdict: Verdict) -> Phase {
        if let Verdict::Failed { lost: true, .. } = &verdict
            && let Some(step) = self.plan.steps.get(step)
            && let Some(lost) = self.lost.get_mut(step.unit)
        {
            *lost = Some("it cannot be reached any more".to_owned());
        }
        if verdict == Verdict::Proved {
            self.unproved.retain(|unproved| *unproved != step);
        }
        let proved = Record::Proved { step, direction };
        match (direction, verdict) {
            (Direction::Forward, Verdict::Proved) => note(proved, Phase::Do(step + 1)),
            (Direction::Forward, Verdict::Failed { why, may_be_done, .. }) => {
                if may_be_done && !self.unproved.contains(&step) {
                    self.unproved.push(step);
                }
                let why = format!("{}: {why}", self.name(step));
                self.failed(why, step + usize::from(may_be_done))
            }
            (Direction::Backward, Verdict::Proved) => note(proved, Phase::Undo(step)),
            (Direction::Backward, Verdict::Failed { why, may_be_done, .. }) => {
                let doubtful = may_be_done || self.unproved.contains(&step);
                if let Some(step) = self.plan.steps.get(step).filter(|_| doubtful) {
                    self.doubts.push(step.unit);
                }
                self.left(step, &why)
            }
        }
    }

    /// Something went wrong: so many steps are undone, and what an earlier run had done.
    fn failed(&mut self, why: String, done: usize) -> Phase {
        let earlier = self.resumed.as_ref().map_or(0, |(progress, _)| progress.at_most);
        let done = done.max(earlier).min(self.plan.steps.len());
        let record = Record::Undoing { why: why.clone(), done, unproved: self.unproved.clone() };
        self.why.get_or_insert(why);
        note(record, Phase::Undo(done))
    }

    /// A step stays done although it should have been undone.
    fn left(&mut self, step: usize, why: &str) -> Phase {
        self.remark(format!("{}: could not be put back: {why}", self.name(step)));
        note(Record::Left { step }, Phase::Undo(step))
    }

    /// How a step is told: the unit, and the settings with what they were to become.
    fn name(&self, step: usize) -> String {
        let Some(step) = self.plan.steps.get(step) else { return String::new() };
        let serial = self.plan.units.get(step.unit).map(|planned| planned.unit.serial_number);
        let serial = serial.map_or(String::new(), |serial| serial.to_string());
        let values = step.to.iter().map(|(setting, value)| format!("{setting} {value}"));
        format!("{serial}: {}", values.collect::<Vec<_>>().join(", "))
    }

    /// Nothing was written, and nothing will be.
    fn refused(&mut self, why: String) -> Phase {
        self.why = Some(why);
        self.report = Some(Report::unwritten(self, &[]));
        Phase::Over
    }

    /// Something was recorded, or could not be. Without a journal nothing more is written, but what
    /// was written is undone.
    fn noted(&mut self, record: &Record, stored: Result<(), String>, after: Phase) -> Phase {
        let Err(why) = stored else { return after };
        let why = format!("the journal cannot be written: {why}");
        match record {
            Record::Proved { step, direction: Direction::Forward } => self.failed(why, step + 1),
            Record::Applied => self.failed(why, self.plan.steps.len()),
            _ => {
                self.remark(why);
                after
            }
        }
    }

    fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn verify(&self) -> Phase {
        Phase::Verify(Box::new(Verify::new(&self.plan, &self.options)))
    }

    /// All units were read a last time.
    fn verified(&mut self) -> Phase {
        let shown = match &mut self.phase {
            Phase::Verify(verify) => verify.take(),
            _ => Vec::new(),
        };
        let report = Report::new(self, &shown);
        let off = report.not_as_planned();
        if self.plan.steps.is_empty() {
            self.why = off;
            self.report = Some(Report::unwritten(self, &shown));
            return Phase::Over;
        }
        match (self.why.is_none() && !self.confirmed, off) {
            (true, Some(why)) => return self.failed(why, self.plan.steps.len()),
            (true, None) if self.resumed.is_none() => {
                if let Some(time) = self.options.confirm_within {
                    let seconds = time.as_secs();
                    return note(Record::Waiting { seconds }, Phase::Confirmation(time));
                }
            }
            _ => {}
        }
        let record = Record::Ended { ending: report.ending };
        self.report = Some(report);
        note(record, Phase::Over)
    }
}

const INTERRUPTED: &str = "it was interrupted";

/// Between two looks at a unit that charges.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// So much later; times that no clock reaches are far away.
pub(crate) fn later(now: Instant, time: Duration) -> Instant {
    let far = || now.checked_add(Duration::from_hours(24 * 365));
    now.checked_add(time).or_else(far).unwrap_or(now)
}

fn note(record: Record, after: Phase) -> Phase {
    Phase::Note(record, Box::new(after))
}
