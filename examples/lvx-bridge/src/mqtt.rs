//! MQTT 5: topics, payloads, and the connection to the broker.
//!
//! | file | contents |
//! |---|---|
//! | `topic` | names of topics |
//! | `payload` | what is in a message; `schema/mqtt-*.json` describes it |
//! | `outbox`, `slot`, `discovery`, `change` | what is published when, without I/O and clock |
//! | `permission` | whether commands are taken at all |
//! | `command` | which commands are taken, without I/O and clock |
//! | `connection`, `backoff` | the connection to the broker |
//! | `run` | all of it |

mod backoff;
#[cfg(test)]
mod broker;
mod change;
mod command;
mod connection;
mod discovery;
mod error;
mod message;
mod outbox;
mod payload;
mod permission;
mod retained;
mod run;
mod slot;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod topic;

pub use self::{error::Error, run::run, topic::Topics};
