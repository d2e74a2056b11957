//! One write, from the check that it may still be sent to the verification that the right unit has the new
//! values.
//!
//! A [`Change`] (`machine`) is a state machine. It consists of the values to write (`goal`), the unit
//! (`target`), the attempts so far (`sending`), and the limits on waiting (`waits`).
//!
//! `drive` turns the current [`Stage`] into an action, and passes the result to one of three modules:
//!
//! - `identity` checks which unit answers, before the write and again before a verdict counts.
//! - `write` checks the settings, and verifies the write by reading them back.
//! - `recovery` handles links that fail, refusals, and waits for an idle window.
//!
//! Each returns the next stage, or ends the machine with a [`Verdict`].
//!
//! Without failures, a write goes through these stages:
//!
//! ```text
//! Identify -> Inspect -> [ReadNumber] -> Announce -> Send
//!          -> Settle -> ReadBack -> Settle -> ReadBack      two equal readings with the new values
//!          -> RecheckIdentity -> [RecheckNumber]            of the right unit
//!          -> Verdict::Proved
//! ```
//!
//! The stages in brackets are for commands that name a unit by its number in the bank. The answer to the
//! command proves nothing: it may be the answer to another host on the same bridge, and units accept
//! commands that they then ignore. The answer only decides whether the command is sent again if the unit
//! still shows the old values.
//!
//! [`Stage`]: stage::Stage

mod drive;
mod goal;
mod identity;
mod machine;
mod recovery;
mod sending;
mod stage;
mod target;
mod waits;
mod write;

pub(super) use goal::Goal;
pub(super) use machine::Change;
pub(super) use stage::{Failure, Verdict};
pub(super) use waits::Waits;
