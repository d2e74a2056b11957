//! Carrying out a plan: every write is recorded, sent once, verified by reading back, and undone if a
//! later one fails.
//!
//! [`Apply`] decides what to do, without I/O and without a clock. [`run`] does it: over links
//! ([`Units`]) and with a [`Recorder`] such as the [`Journal`], from which a run that was interrupted
//! is continued.

mod action;
mod change;
mod course;
mod direction;
mod explain;
mod journal;
mod link_budget;
mod machine;
mod options;
mod preflight;
mod report;
mod run;
mod state;
mod stray;
mod task;
mod verify;

pub use action::{Action, Command, Event, Trouble, Write};
pub use direction::{ResumeMode, RunDirection};
pub use journal::{ApplyProgress, Journal, Past, Record};
pub use machine::Apply;
pub use options::Options;
pub use report::{ApplyReport, Ending, SettingReport, SettingState, StrayReport, UnitReport};
pub use run::{Audit, Clock, Recorder, Units, run};
pub use stray::{PendingCorrection, Stray, StrayCause};
