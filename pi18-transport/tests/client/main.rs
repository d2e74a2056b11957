//! The client: its requests on a simulated line, and its exchanges with virtual units under faults.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and the helpers of the line are for all tests"
)]

mod dialogue;
#[cfg(feature = "sim")]
mod exchanges;
mod expecting;
mod line;
mod raw;
mod relay;
mod requests;
mod shared_line;
mod stop;

/// The client under test: each of the modules tests `crate::Client`.
use pi18_transport::Client;
