//! The actions that an [`Apply`](super::Apply) asks its caller for, and the events that report their results.

use std::time::Duration;

use pi18_proto::{AnyReply, DateTime, ParallelInstance, Query, SerialNumber, SetCommand};
use pi18_transport::{ErrorKind, SetOutcome};

use super::{direction::RunDirection, journal::Record};
use crate::{Group, Settings, Unit};

/// An action that the caller of an [`Apply`](crate::Apply) has to carry out.
///
/// Each action except [`Done`](Self::Done) has an [`Event`] that reports its result. A program has to carry out
/// every action, so a new kind of action is a breaking change, and this enum is exhaustive. [`run`](crate::run())
/// carries out the actions over blocking links. A program can also carry them out itself, for example with an
/// asynchronous runtime:
///
/// ```
/// use lvx_settings::{
///     Action, Apply, Ending, Event, HostClock, Options, Permissions, Plan, Profile, Trouble, Unit,
/// };
/// use pi18_transport::Client;
///
/// let host = HostClock::system();
/// let mut client = Client::open("sim:0?frozen=on")?;
/// let units = vec![("sim:0".to_owned(), Unit::read(&mut client, &host)?)];
/// let profile = Profile::parse("night.yaml", "output_priority: solar_utility_battery\n")?;
/// let permissions = Permissions::default().with_part_of_bank();
/// let plan = Plan::for_profile(profile.profile(), units, &permissions)?;
///
/// let mut apply = Apply::new(plan, Options::default());
/// let report = loop {
///     let event = match apply.next_action() {
///         Action::Done => break apply.report().expect("the run has ended"),
///         Action::Survey { .. } => {
///             let unit = Unit::read(&mut client, &host);
///             Event::Surveyed(unit.map(Box::new).map_err(|error| error.to_string()))
///         }
///         // A real program writes both to a file, and syncs it to disk.
///         Action::Backup | Action::Record(_) => Event::Stored(Ok(())),
///         Action::Read { query, .. } => {
///             let reading = client.query(query).map_err(|error| Trouble::from(&error));
///             Event::Read(reading.map(|reading| (reading.reply, host.time(reading.at))))
///         }
///         Action::Write(write) => {
///             let command = write.command.at(host.time(client.now())).expect("a valid value");
///             Event::Written(client.set(command).map_err(|error| Trouble::from(&error)))
///         }
///         Action::Pause(time) => {
///             client.pause(time)?;
///             Event::Paused
///         }
///         Action::Reopen { .. } => {
///             Event::Reopened { found: Err("not supported".to_owned()), other: None }
///         }
///         Action::Confirmation(_) => Event::Confirmed(true),
///     };
///     apply.handle(event, client.now());
/// };
/// assert_eq!(report.ending, Ending::Applied);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "an action must be carried out, and its event passed to `Apply::handle`"]
pub enum Action {
    /// Read a whole [`Unit`]. The result is [`Event::Surveyed`].
    Survey {
        /// Index of the unit in the plan.
        unit: usize,
    },
    /// Save the current settings of the units before the first write, so that they survive a crash of the
    /// program. The result is [`Event::Stored`].
    Backup,
    /// Store a record so that it survives a crash of the program, before anything else is done. The result
    /// is [`Event::Stored`].
    Record(Record),
    /// Send a query to a unit. The result is [`Event::Read`].
    Read {
        /// Index of the unit in the plan.
        unit: usize,
        /// The query.
        query: Query,
    },
    /// Send a set command exactly once. The result is [`Event::Written`].
    Write(Box<Write>),
    /// Open the link to a unit again, because its device disappeared or another unit answers on it. The
    /// result is [`Event::Reopened`].
    Reopen {
        /// Index of the unit in the plan.
        unit: usize,
    },
    /// Wait. The result is [`Event::Paused`].
    Pause(Duration),
    /// Wait for a confirmation, but no longer than this time. The result is [`Event::Confirmed`].
    Confirmation(Duration),
    /// Stop: the report is complete.
    Done,
}

/// A set command to send.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Write {
    /// Index of the unit in the plan.
    pub unit: usize,
    /// Index of the step that the command belongs to.
    pub step: usize,
    /// Whether the command does the step or undoes it. Corrections count as undoing.
    pub direction: RunDirection,
    /// Settings of the group after the write.
    pub to: Settings,
    /// The command. Only a command that sets the clock depends on the time of this computer.
    pub command: Command,
}

/// A set command that is built when it is sent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Command {
    pub(super) group: Group,
    pub(super) to: Settings,
    pub(super) instance: ParallelInstance,
}

impl Command {
    /// Returns the command at this time of the computer, or `None` if no command sets these values.
    #[must_use]
    pub fn at(&self, host: Option<DateTime>) -> Option<SetCommand> {
        self.group.command(&self.to, self.instance, host)
    }
}

/// The result of an [`Action`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Result of [`Action::Survey`]: the unit, or the reason why it could not be read.
    Surveyed(Result<Box<Unit>, String>),
    /// Result of [`Action::Backup`] or [`Action::Record`]; an error if nothing was stored.
    Stored(Result<(), String>),
    /// Result of [`Action::Read`]: the reply, and this computer's time when it arrived.
    Read(Result<(AnyReply, Option<DateTime>), Trouble>),
    /// Result of [`Action::Write`]; an error only if the command was not sent.
    Written(Result<SetOutcome, Trouble>),
    /// Result of [`Action::Reopen`].
    Reopened {
        /// Unit that answers now, or the reason why the unit of the plan was not found.
        found: Result<Box<Unit>, String>,
        /// Serial number of another unit that answered on the link, before the right unit was looked for on
        /// another link.
        other: Option<SerialNumber>,
    },
    /// The time of [`Action::Pause`] has passed.
    Paused,
    /// Result of [`Action::Confirmation`]: whether the new settings were confirmed.
    Confirmed(bool),
}

/// The failure of a query or of a set command.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Trouble {
    /// Whether the device is gone, so that its link has to be opened again.
    pub gone: bool,
    /// Text of the error of the link.
    pub text: String,
}

impl Trouble {
    /// Returns a failure with this text. `gone` states whether the link has to be opened again.
    #[must_use]
    pub fn new(gone: bool, text: impl Into<String>) -> Self {
        Self { gone, text: text.into() }
    }
}

impl From<&pi18_transport::Error> for Trouble {
    fn from(error: &pi18_transport::Error) -> Self {
        // A link to another unit has to be opened again, too: the cables may have been swapped.
        let gone = error.is_disconnected() || error.kind() == ErrorKind::WrongUnit;
        Self { gone, text: format!("{error:#}") }
    }
}

/// Returns the name of an outcome in files.
pub(super) const fn outcome_name(outcome: SetOutcome) -> &'static str {
    match outcome {
        SetOutcome::Accepted => "accepted",
        SetOutcome::Refused => "refused",
        SetOutcome::Garbled => "garbled",
        SetOutcome::Silent => "silent",
        SetOutcome::Gone => "gone",
    }
}

#[cfg(test)]
mod tests {
    use pi18_transport::Error;

    use super::*;

    #[test]
    fn link_to_another_unit_is_opened_again() {
        let trouble = |kind| Trouble::from(&Error::new(kind, "sim:0", "no"));
        assert!(trouble(ErrorKind::Disconnected).gone && trouble(ErrorKind::WrongUnit).gone);
        assert!(!trouble(ErrorKind::Timeout).gone && !trouble(ErrorKind::Busy).gone);
    }
}
