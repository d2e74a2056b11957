//! Polling of battery packs: one thread per pack, which only reads.
//!
//! [`start_packs`] starts the threads. Below it, [`PackMachine`] decides without I/O and without a clock, and
//! [`PackPoller`] carries out what it decides on a [`PackPort`], which tests implement in virtual time. A pack has its own
//! port and its own thread, so that it never delays a unit or another pack.

mod event;
mod machine;
mod poller;
mod threads;

pub use self::{
    event::{PackEvent, PackEventKind, PackGap},
    machine::{PackMachine, PackStep},
    poller::{PackPoller, PackPort, PackWake},
    threads::{PackPollers, PackWakers, start_packs},
};
