//! The terminal: standard output, messages on standard error, progress, colours and signals.

mod commands;
mod failure;
mod messages;
mod output;
mod progress;
mod signals;
mod status;
mod style;

pub(crate) use commands::add_commands;
pub(crate) use failure::Failure;
#[cfg(feature = "watch")]
pub(crate) use messages::hold_notes;
pub(crate) use messages::{print_diagnostics, print_error, print_note};
pub(crate) use output::{Output, Stdout};
pub(crate) use progress::{Progress, is_silenced, silence};
#[cfg(any(feature = "bridge", feature = "watch"))]
pub(crate) use signals::catch_each_signal;
#[cfg(feature = "watch")]
pub(crate) use signals::catch_job_control;
pub(crate) use signals::catch_signals;
pub(crate) use status::Status;
pub(crate) use style::style;
