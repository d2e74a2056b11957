//! One write, from the check that it may still be sent to the proof that the right unit has the new
//! values.
//!
//! A [`Change`] is a state machine. `drive` turns its [`Stage`] into an action, and passes the result
//! to one of three files: `identity` finds out which unit answers, before the write and again before
//! a verdict counts; `write` checks the settings, sends the command and reads it back; `recovery`
//! handles links that fail, refusals, and waiting for an idle window. Each returns the next stage, or
//! ends the machine with a [`Verdict`].
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
