//! Polling: one thread per link, and the schedule of its questions.

mod event;
mod handle;

pub use self::{
    event::{Answered, Event, EventKind},
    handle::{Job, LinkGone, LinkHandle},
};
