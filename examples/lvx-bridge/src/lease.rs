//! The socket through which other programs use the units while the bridge holds them.
//!
//! [`pi18_transport::bridge`] describes the messages. Each exchange of a client is a job on the link of its unit, so
//! it never mixes with the questions of the poller, which go on between the exchanges.

mod connection;
pub(crate) mod exchange;
mod guard;
mod limits;
mod permission;
pub(crate) mod relay_link;
mod server;
mod socket;
mod units;

pub use self::server::{LeaseParts, Server};

#[cfg(test)]
#[allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a panic fails the test"
)]
pub(crate) mod testing;
#[cfg(test)]
#[allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::naive_bytecount,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a panic fails the test"
)]
mod tests;
