//! Control: settings that may be changed while the bridge runs.
//!
//! A [`Control`] is one thread per bank. It carries out one [`Command`] at a time, over the links that the pollers
//! own, and shows the progress in its [`ControlView`].

mod allow;
mod audit;
mod gate;
mod locks;
mod memory_runs;
mod operator;
mod present;
mod recorder;
mod runs;
#[cfg(test)]
#[allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a panic fails the test"
)]
mod tests;
mod thread;
mod unfinished;

use jiff::Timestamp;
use lvx_settings::{Setting, SettingValue};
use pi18_proto::SerialNumber;
use serde::Serialize;

pub use self::{
    allow::check_allowed,
    locks::{WriteLock, WriteLocks},
    memory_runs::MemoryRuns,
    runs::{OthersRun, Runs, StartedRun, UnfinishedRun},
    thread::{Control, ControlParts},
};
pub(crate) use self::{audit::AuditFile, operator::OFF};

/// A command to set one setting on all units of the bank.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Identifier, chosen by the sender. A command whose id was seen before is refused.
    pub id: String,
    /// Key of the setting, such as `output_priority`.
    pub key: String,
    /// The value that the sender saw, as text; `None` if it did not say.
    pub from: Option<String>,
    /// The value of each unit that the sender saw; `None` or no entry if it did not see one.
    pub seen: Vec<(SerialNumber, Option<String>)>,
    /// The new value, as text: one of the options.
    pub to: String,
    /// Who sent it: a token, a topic, a user.
    pub by: String,
    /// Time after which the command must not be carried out.
    pub expires: Option<Timestamp>,
}

/// Settings that can be changed, the command in progress, and the last results.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ControlView {
    /// Settings that `control.allow` names.
    pub items: Vec<ControlItem>,
    /// Command in progress.
    pub command: Option<CommandView>,
    /// Results of the last commands, the newest first.
    pub results: Vec<CommandView>,
    /// Problems that need a person, such as an unfinished run. Each becomes an alert with the rule `control`.
    pub problems: Vec<ControlProblem>,
}

/// A problem of control that needs a person.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ControlProblem {
    /// Identifier of the cause, such as `control/run/20261124-131029`.
    pub id: String,
    /// One sentence: what is wrong.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// What to do, in order.
    pub advice: Vec<String>,
    /// Serial numbers of the units.
    pub units: Vec<SerialNumber>,
}

/// A setting that can be changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlItem {
    /// The setting.
    #[serde(serialize_with = "key")]
    pub setting: Setting,
    /// Values that every unit accepts, as text.
    pub options: Vec<String>,
    /// Present value of each unit, as text; `None` if it is not known.
    pub values: Vec<(SerialNumber, Option<String>)>,
    /// The value that all units have; `None` if they differ, or one is not known.
    pub value: Option<String>,
    /// Why the setting cannot be changed now; `None` if it can.
    pub blocked: Option<String>,
}

/// A command and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommandView {
    /// Identifier of the command.
    pub id: String,
    /// Key of the setting.
    pub key: String,
    /// Value before, as text.
    pub from: Option<String>,
    /// Value that was asked for, as text.
    pub to: String,
    /// Who sent it.
    pub by: String,
    /// Time at which it was taken.
    pub at: Timestamp,
    /// How far it is.
    pub state: CommandState,
    /// Why it was refused or failed; `None` otherwise.
    pub why: Option<String>,
    /// What each unit has now, as text.
    pub units: Vec<(SerialNumber, String)>,
}

/// How far a command is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandState {
    /// It is carried out.
    Pending,
    /// All units have the new value, proved by reading it back.
    Proved,
    /// Nothing was written.
    Refused,
    /// It failed, and all units have the old value, proved by reading it back.
    Undone,
    /// It failed, and units have different values, or the value of a unit is not known.
    Mixed,
}

/// Returns the text of a value, as options and states show it.
#[must_use]
pub fn option_text(value: SettingValue) -> String {
    value.to_string()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde requires")]
fn key<S: serde::Serializer>(setting: &Setting, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(setting.key())
}
