//! The async client: the tests of the blocking client, cancelled requests, and many units on one thread.
#![cfg(all(feature = "tokio", feature = "sim"))]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and the helpers of the line are for all tests"
)]

mod cancel;
mod driven;
mod links;
mod streams;

// The tests of the blocking client, with the async client as `crate::Client`.
#[path = "../client/dialogue.rs"]
mod dialogue;
#[path = "../client/exchanges.rs"]
mod exchanges;
#[path = "../client/raw.rs"]
mod raw;
#[path = "../client/requests.rs"]
mod requests;
#[path = "../client/shared_line.rs"]
mod shared_line;

use driven::{Client, line};
