//! What a driver does for an [`Apply`](super::Apply), and what it reports back.

use std::time::{Duration, Instant};

use pi18_proto::{AnyReply, DateTime, ParallelInstance, Query, SerialNumber, SetCommand};
use pi18_transport::SetOutcome;

use crate::{
    Group, Settings, Unit,
    apply::journal::{Record, RunDirection},
};

/// Pauses, deadlines and limits of a run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The pause between a write and its first reading, and between two readings.
    pub pause: Duration,
    /// How long a unit may show an old value after a write, or after a refusal: on a bridge that
    /// serves several hosts a refusal may belong to another one. No unit is known that takes longer
    /// than a few seconds (assumed). A value that is still old after this time counts as not written,
    /// and the step is undone. At least two readings are made, whatever they take.
    pub within: Duration,
    /// How long the link to a unit may be in trouble during one step, in all its interruptions
    /// together, before the unit is given up.
    pub away: Duration,
    /// How often a write is sent at most if nothing proves that it arrived; at least once.
    pub attempts: u32,
    /// How long to wait in all for idle windows where a unit refuses because it charges. If the first
    /// of several units was set already, they differ meanwhile.
    pub wait_idle: Option<Duration>,
    /// The time after which everything is undone without a confirmation. Only a program that still
    /// runs can undo it: one that was killed leaves a journal.
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
#[must_use = "an action has to be done, and its event handled"]
pub enum Action {
    /// Read all of a unit.
    Survey {
        /// The unit's place in the plan.
        unit: usize,
    },
    /// Save the settings as they are before the first write, where they survive this program.
    Backup,
    /// Note this where it survives this program, before anything else is done.
    Record(Record),
    /// Ask a unit.
    Read {
        /// The unit's place in the plan.
        unit: usize,
        /// The question.
        query: Query,
    },
    /// Send a set command, once.
    Write(Box<Write>),
    /// Open the link to a unit again: its device went away, or another unit answers there.
    Reopen {
        /// The unit's place in the plan.
        unit: usize,
    },
    /// Let time go by.
    Pause(Duration),
    /// Wait for a confirmation, at most for this time.
    Confirmation(Duration),
    /// Nothing: the report is complete.
    Done,
}

/// A set command on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The unit's place in the plan.
    pub unit: usize,
    /// The step of the plan that it belongs to.
    pub step: usize,
    /// Whether it does the step or undoes it. A correction of another unit counts as undoing.
    pub direction: RunDirection,
    /// The group's settings afterwards.
    pub to: Settings,
    /// The command; only that of the clock needs this computer's time.
    pub command: Command,
}

/// How to make a set command at the moment it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    pub(super) group: Group,
    pub(super) to: Settings,
    pub(super) instance: ParallelInstance,
}

impl Command {
    /// Returns the command at this time of this computer; `None` if no unit takes the values.
    #[must_use]
    pub fn at(&self, host: Option<DateTime>) -> Option<SetCommand> {
        self.group.command(&self.to, self.instance, host)
    }
}

/// The result of an [`Action`].
#[derive(Clone, Debug)]
pub enum Event {
    /// The result of [`Action::Survey`].
    Surveyed(Result<Box<Unit>, String>),
    /// The result of [`Action::Backup`] and [`Action::Record`].
    Stored(Result<(), String>),
    /// The result of [`Action::Read`].
    Read(Result<(AnyReply, Option<DateTime>), Trouble>),
    /// The result of [`Action::Write`]; an error if the command was not sent.
    Written(Result<SetOutcome, Trouble>),
    /// The result of [`Action::Reopen`].
    Reopened {
        /// The unit that answers now.
        found: Result<Box<Unit>, String>,
        /// Another unit that answered on the link before this one was looked for elsewhere.
        other: Option<SerialNumber>,
    },
    /// [`Action::Pause`] is over.
    Paused,
    /// The result of [`Action::Confirmation`].
    Confirmed(bool),
}

/// Why a unit could not be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    /// Whether the device is gone.
    pub gone: bool,
    /// The link's error.
    pub text: String,
}

impl From<&pi18_transport::Error> for Trouble {
    fn from(error: &pi18_transport::Error) -> Self {
        Self { gone: error.is_disconnected(), text: error.to_string() }
    }
}

/// Returns `now + time`, capped at one year on overflow.
pub(crate) fn later(now: Instant, time: Duration) -> Instant {
    let far = || now.checked_add(Duration::from_hours(24 * 365));
    now.checked_add(time).or_else(far).unwrap_or(now)
}
