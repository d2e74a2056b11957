//! The HTTP API, and the page for browsers.
//!
//! | route | answer |
//! |---|---|
//! | `/`, `/page/{file}` | the page for browsers |
//! | `/api/v1/bank` | the whole state of the first bank |
//! | `/api/v1/banks`, `/api/v1/banks/{bank}` | the list of banks, the state of one |
//! | `/api/v1/events` | changes as server-sent events with JSON merge patches |
//! | `/api/v1/history` | what was read in the past, as JSON or CSV |
//! | `/api/v1/settings` | settings that can be changed |
//! | `/metrics` | metrics for Prometheus |
//! | `/api/v1/openapi.json` | the description of all routes |
//! | `/healthz` | whether the bridge is alive |
//!
//! Programs on this machine read without a token. Anything else needs one of the [`Tokens`].

mod access;
mod app;
mod attempts;
mod connection;
mod counters;
mod digest;
mod document;
mod error;
mod feed;
mod guard;
mod openapi;
mod patch;
mod peer;
mod plan;
mod policy;
mod routes;
mod server;
mod session;
mod token;

use self::error::Refusal;
pub use self::{
    error::StartError,
    server::Server,
    token::{Scope, ScopeError, TokenError, TokenInfo, Tokens},
};

#[cfg(test)]
mod tests;
