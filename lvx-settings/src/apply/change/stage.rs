//! The stages of a write, and how it can end.

use std::ops::ControlFlow;

use crate::apply::stray::StrayCause;

/// How a write ends.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::apply) enum Verdict {
    /// The unit was shown to have the values, or nothing of the step is left to undo.
    Proved,
    /// The write failed.
    Failed(Failure),
}

/// Why a write failed, and what may be true of the unit.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::apply) struct Failure {
    pub(in crate::apply) why: String,
    /// Whether the unit may have the new values, or show them later.
    pub(in crate::apply) may_be_done: bool,
    /// Whether the unit can no longer be reached.
    pub(in crate::apply) lost: bool,
    /// Why another unit may have received the command.
    pub(in crate::apply) stray_cause: Option<StrayCause>,
}

/// The next stage, or the end.
pub(super) type Flow = ControlFlow<Verdict, Stage>;

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// Ask which unit answers, before anything else.
    Identify,
    /// Read the settings before the write.
    Inspect,
    /// Read the unit's number in the bank, if the command names the unit by it.
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
    /// Read again the unit's number in the bank, before a verdict counts.
    RecheckNumber,
    /// The unit's number changed: ask which unit has the one that the command named.
    TraceNumber,
    /// The link fails: wait before it is opened again.
    Away,
    /// Open the link again.
    Reopen,
    /// The unit refused: read its status, to find out why.
    ReadStatus,
    /// Wait for an idle window before the status is read again.
    WaitIdle,
}
