//! Carrying out a plan. Each write is recorded before it is sent, and verified by reading the settings back.
//! If a write fails, all writes are undone.
//!
//! [`Apply`] decides what to do next; it does no I/O and has no clock. [`run`] carries out its decisions over
//! the links of [`Units`], and stores the records with a [`Recorder`] such as a [`Journal`]. A run that was
//! interrupted is continued from its journal.
//!
//! | module | contents |
//! |---|---|
//! | `action`, `options`, `direction` | actions, events and options: the types around an [`Apply`] |
//! | `machine`, `state` | the [`Apply`] itself, and what it keeps track of |
//! | `preflight` | checks before the first write |
//! | `course` | order of the steps, their undo, and the report |
//! | `change`, `task` | one write, from its first check to its verification, and its purpose |
//! | `events` | `tracing` events of writes |
//! | `explain` | likely causes of a refusal |
//! | `objection`, `reason` | why a run may not begin, and why it failed |
//! | `link_budget` | time for which a link may fail |
//! | `stray` | commands that may have reached another unit |
//! | `verify` | last readings of all units |
//! | `report` | result of a run |
//! | `journal` | journal file and its records |
//! | `run` | the loop over real links, and its interfaces |

mod action;
mod change;
mod course;
mod direction;
mod events;
mod explain;
mod journal;
mod link_budget;
mod machine;
mod objection;
mod options;
mod preflight;
mod reason;
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
pub use objection::{Objection, ObjectionKind};
pub use options::Options;
pub use reason::{Cause, Reason, RefusalCause};
pub use report::{ApplyReport, Ending, SettingReport, SettingState, StrayReport, UnitReport};
pub use run::{Audit, Clock, Hooks, Recorder, Units, run};
pub use stray::{PendingCorrection, Stray, StrayCause};
