//! The socket through which other programs use the units while the bridge holds them.
//!
//! `pi18_transport::bridge` describes the messages. Each exchange of a client is a job on the link of its unit, so
//! it never mixes with the questions of the poller, which go on between the exchanges.

mod server;

pub use self::server::{LeaseParts, Server};
