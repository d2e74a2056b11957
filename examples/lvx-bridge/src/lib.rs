//! Watches a bank of PI18 inverters day and night: the library behind `lvx bridge`.
//!
//! | module | contents |
//! |---|---|
//! | [`config`] | the configuration file |
//! | [`poll`] | one thread per link: which question is asked when, reconnects |
//! | [`state`] | the [`Snapshot`]: each value with its age, energy, totals |
//! | [`entity`] | the table of everything that is published about a unit or a bank |
//! | [`alert`] | findings that lasted become alerts; hooks |
//! | [`mqtt`] | MQTT 5: topics, payloads, connection |
//! | [`home_assistant`] | discovery payloads for Home Assistant |
//! | [`metrics`] | Prometheus metrics |
//! | [`history`] | what was read in the last years, in one file |
//! | [`http`] | the HTTP API, and the page for browsers |
//! | [`control`] | settings that may be changed while the bridge runs |
//! | [`lease`] | the socket through which other programs use the units |
//! | [`storage`] | files that survive a restart |
//! | [`verdict`] | the state of a bank in a few words |
//! | [`service`] | all of it in one process |
//!
//! Decisions are made without I/O and without a clock: schedule, state, alerts, payloads and control take the
//! time as an argument. Tests drive them in virtual time.

pub mod alert;
pub mod config;
pub mod control;
pub mod entity;
mod error;
mod handle;
pub mod history;
pub mod home_assistant;
pub mod http;
pub mod lease;
mod loopback;
pub mod metrics;
pub mod mqtt;
mod name;
mod page;
pub mod poll;
pub mod service;
pub mod state;
pub mod storage;
#[cfg(test)]
mod testing;
mod time;
pub mod verdict;

pub use error::RequestError;
pub use handle::{Handle, Request};
pub use name::{Name, NameError};
pub use state::Snapshot;
pub use time::Now;
pub(crate) use time::{SuspendWatch, Uptime};
