//! One write, from the check that it may still be sent to the proof that the right unit has the new
//! values.
//!
//! A [`Change`] is a state machine. `drive` turns its [`Stage`] into an action, and passes the result
//! to one of three files: `identity` finds out which unit answers, before the write and again before
//! a verdict counts; `write` checks the settings, sends the command and reads it back; `recovery`
//! handles links that fail, refusals, and waiting for an idle window. Each returns the next stage, or
//! ends the machine with a [`Verdict`].
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
//! The stages in brackets are for commands that name a unit by its number in the bank. An answer of the
//! unit to the command proves nothing, because it may be meant for another host on the same bridge, and
//! because units accept commands that they then ignore. An answer only decides whether a write that is
//! not shown is sent again.
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
