//! The attempts to send the command of a write, and what is not known about them.

use std::time::Instant;

use pi18_proto::ParallelInstance;
use pi18_transport::SetOutcome;

use crate::Settings;

/// The attempts to send a command, and the readings after them.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// Number of attempts to send the command.
    pub(super) attempts: u32,
    /// Number in the bank that the last command named.
    pub(super) instance: Option<ParallelInstance>,
    /// Outcome of the last attempt; `None` before the first one.
    pub(super) answer: Option<SetOutcome>,
    /// Whether any attempt was accepted.
    pub(super) accepted: bool,
    pub(super) doubts: Doubts,
    /// Time by which the unit must show the new values.
    pub(super) deadline: Option<Instant>,
    /// Settings that were last read.
    pub(super) last: Option<Settings>,
    /// Last error of the link while sending.
    pub(super) trouble: Option<String>,
}

/// What is not known about the attempts.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Whether any attempt may have been carried out.
    pub(super) may_be_done: bool,
    /// Whether any attempt was not refused. The refusal of another attempt proves nothing about it.
    pub(super) unrefused: bool,
    /// Whether a command was sent since the right unit last identified itself.
    pub(super) unidentified: bool,
    /// Number in the bank that the last command named, until a reading shows that the unit still has it.
    pub(super) unchecked_number: Option<ParallelInstance>,
}
