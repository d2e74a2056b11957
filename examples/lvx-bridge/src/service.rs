//! All of it in one process: pollers, cores, outputs, files and signals.
//!
//! A bank has one thread per link and one thread for its core. The outputs are tasks on one thread; an output that
//! ends with an error does not end the others, and is started again. If another thread ends, the watchdog is no longer
//! notified, so that the service manager starts the bridge again. A [`Service`] runs until it is stopped, and then ends in order:
//! commands in progress are undone, the last state is published, files are saved.

mod bank;
mod error;
mod files;
mod heartbeat;
mod journal;
mod live;
mod locks;
mod outputs;
mod reload;
mod restart;
mod run;
mod saver;
mod session;
#[cfg(test)]
mod tests;
mod watched;

pub use self::{
    error::StartError,
    live::{Parts, Service},
    run::Signal,
};
#[doc(hidden)]
pub use self::{
    files::{BankFiles, Save},
    session::next as next_session,
};
