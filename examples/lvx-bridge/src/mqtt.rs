//! MQTT 5: topics, payloads, and the connection to the broker.
//!
//! | file | contents |
//! |---|---|
//! | `topic` | names of topics |
//! | `payload` | what is in a message; `schema/mqtt-*.json` describes it |
//! | `outbox`, `slot`, `discovery`, `change` | what is published when, without I/O and clock |
//! | `permission` | whether commands are taken at all |
//! | `command` | which commands are taken, without I/O and clock |
//! | `connection`, `retry`, `backoff` | the connection to the broker |
//! | `counts` | what the connection has done, for the metrics |
//! | `run` | all of it |

mod backoff;
#[cfg(test)]
mod broker;
mod change;
mod command;
mod connection;
#[cfg(test)]
mod cost;
mod counts;
mod discovery;
mod error;
mod message;
mod outbox;
#[cfg(test)]
mod pack_tests;
mod payload;
mod permission;
mod retained;
mod retry;
mod run;
mod slot;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod topic;

pub(crate) use self::counts::Meter;
pub use self::{counts::Counts, error::Error, run::run, topic::Topics};
#[doc(hidden)]
pub use self::{
    message::{Message, Undelivered},
    outbox::Outbox,
};
