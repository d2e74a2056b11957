//! Polling: one thread per link of a unit or pack, and the schedule of its questions.
//!
//! [`start`] starts the threads. Below it, [`Schedule`] and [`Machine`] decide without I/O and without a clock,
//! and [`Poller`] carries out what they decide on a [`Port`], which tests implement in virtual time.

mod backoff;
mod clock;
mod event;
mod group;
mod handle;
mod machine;
mod pack;
mod peers;
mod poller;
mod queue;
mod schedule;
mod threads;
mod traffic;

pub(crate) use self::clock::UnitClock;
pub use self::{
    event::{Answered, Event, EventKind},
    group::Group,
    handle::{LinkHandle, LinkUnit},
    machine::{Machine, Step},
    pack::{
        PackEvent, PackEventKind, PackGap, PackMachine, PackPoller, PackPollers, PackPort,
        PackStep, PackWake, PackWakers, start_packs,
    },
    peers::Peers,
    poller::{Poller, Port, Wake},
    queue::{Job, JobEffect, JobQueue, JobSender, LinkGone, Priority, job_queue},
    schedule::{Outcome, Schedule},
    threads::{Pollers, start},
    traffic::Traffic,
};
