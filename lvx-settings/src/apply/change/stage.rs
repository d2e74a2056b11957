//! The stages of a write, and the ways in which it can end.

use std::ops::ControlFlow;

use crate::apply::{reason::Cause, stray::StrayCause};

/// How a write ends.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::apply) enum Verdict {
    /// Readings show that the unit has the values, or that nothing of the step is left to undo.
    Proved,
    /// The write failed.
    Failed(Failure),
}

/// The reason why a write failed, and the state in which it may have left the units.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::apply) struct Failure {
    pub(in crate::apply) why: Cause,
    /// Whether the unit may have the new values, or show them later.
    pub(in crate::apply) may_be_done: bool,
    /// Whether the unit can no longer be reached.
    pub(in crate::apply) lost: bool,
    /// Reason why another unit may have received the command, if it may.
    pub(in crate::apply) stray_cause: Option<StrayCause>,
}

/// The next stage, or the verdict that ends the write.
pub(super) type Flow = ControlFlow<Verdict, Stage>;

/// The next thing to do for a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// Ask which unit answers, before anything else.
    Identify,
    /// Read the settings before the write.
    Inspect,
    /// Read the number of the unit in the bank, which the command names.
    ReadNumber,
    /// Record that the command is about to be sent.
    Announce,
    /// Send the command.
    Send,
    /// Wait before the settings are read again.
    Settle,
    /// Read the settings after the write.
    ReadBack,
    /// Ask again which unit answers, before a verdict counts.
    RecheckIdentity,
    /// Read the number of the unit in the bank again, before a verdict counts.
    RecheckNumber,
    /// The number of the unit changed: ask which unit now has the number that the command named.
    TraceNumber,
    /// The link fails: wait before it is opened again.
    Away,
    /// Open the link again.
    Reopen,
    /// The unit refused: read its status for the likely reason.
    ReadStatus,
    /// Wait for an idle window before the status is read again.
    WaitIdle,
}
