//! What all requests share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::http::StatusCode;
use serde_json::Value as Json;
use tokio::sync::watch;

use super::{Refusal, access::Gate, feed::Feed, plan::Plans, policy::Policy};
use crate::{Name, Now, history::Access};

/// What all requests share.
#[derive(Debug)]
pub(super) struct App {
    /// Rules for requests.
    pub(super) policy: Policy,
    /// Identifies clients.
    pub(super) gate: Gate,
    /// Banks, in the order of the configuration. There is at least one.
    pub(super) banks: Vec<Feed>,
    /// Becomes true when the server ends.
    pub(super) stop: watch::Receiver<bool>,
    /// Plans that were shown.
    pub(super) plans: Plans,
    /// Returns the description of the API.
    pub(super) openapi: fn() -> Json,
    /// Counters.
    pub(super) counts: Counts,
    /// History; `None` if it is off.
    pub(super) history: Option<Access>,
}

/// Returns the present time.
#[cfg(not(test))]
pub(super) fn now() -> Now {
    Now::system()
}

/// Returns the present time of the runtime, which tests advance.
#[cfg(test)]
pub(super) fn now() -> Now {
    static START: std::sync::LazyLock<Now> = std::sync::LazyLock::new(Now::system);
    let instant = tokio::time::Instant::now().into_std();
    Now { instant, wall: START.wall + instant.saturating_duration_since(START.instant) }
}

/// Counters of the server.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Requests that were answered, by the first digit of the status (1 to 5).
    pub(super) answered: [AtomicU64; 5],
    /// Connections that were accepted.
    pub(super) connections: AtomicU64,
    /// Connections that were closed at once, because there were too many.
    pub(super) rejected: AtomicU64,
    /// Event streams that are open.
    pub(super) streams: AtomicU64,
}

impl App {
    /// Returns a bank by its name, or the first one.
    pub(super) fn bank(&self, name: Option<&str>) -> Result<&Feed, Refusal> {
        let found = match name {
            None => self.banks.first(),
            Some(name) => {
                self.banks.iter().find(|feed| feed.handle.snapshot().bank.as_str() == name)
            }
        };
        found.ok_or_else(|| {
            let known: Vec<Name> =
                self.banks.iter().map(|feed| feed.handle.snapshot().bank.clone()).collect();
            let known: Vec<_> = known.iter().map(Name::as_str).collect();
            let text = format!("bank: expected one of {}", known.join(", "));
            Refusal::new(StatusCode::NOT_FOUND, text)
        })
    }
}

impl Counts {
    /// Counts an answer.
    pub(super) fn answer(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.answered.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The shared state as the routes take it.
pub(super) type Shared = Arc<App>;
