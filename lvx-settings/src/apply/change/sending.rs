//! What was sent so far, and what is not known about it.

use std::time::Instant;

use pi18_proto::ParallelInstance;
use pi18_transport::SetOutcome;

use crate::Settings;

/// What was sent so far, and what came back.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// Number of attempts to send the command.
    pub(super) attempts: u32,
    /// Number in the bank that the last command named.
    pub(super) instance: Option<ParallelInstance>,
    /// Answer to the last write; `None` before the first one.
    pub(super) answer: Option<SetOutcome>,
    /// Whether any write was accepted.
    pub(super) accepted: bool,
    pub(super) doubts: Doubts,
    /// Time by which the unit must show the last write.
    pub(super) deadline: Option<Instant>,
    /// Settings that were last read.
    pub(super) last: Option<Settings>,
    /// Last error of the link while sending.
    pub(super) trouble: Option<String>,
}

/// What is not known about the writes that were sent.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Whether any write may have been carried out.
    pub(super) may_be_done: bool,
    /// Whether any write was not refused. A refusal of another write proves nothing about it.
    pub(super) unrefused: bool,
    /// Whether a write was sent since the right unit last answered.
    pub(super) unidentified: bool,
    /// Number in the bank that the last write named, until the unit is seen to still have it.
    pub(super) unchecked_number: Option<ParallelInstance>,
}
