//! Events for the subscribers of `tracing`. Without the feature of that name, these functions do nothing.

use std::time::Instant;

use crate::{
    Error,
    dialogue::{Exchange, Outcome},
};

/// Emits the event of an exchange that has ended: at level `warn` if it failed or damaged bytes arrived, at
/// `info` for a set command, and at `debug` for a query.
#[cfg(feature = "tracing")]
pub(crate) fn exchange_ended(
    place: &str,
    exchange: &Exchange,
    ended: &Result<Outcome, Error>,
    now: Instant,
) {
    macro_rules! emit {
        // The macro of `tracing` for a level.
        ($level:ident) => {
            tracing::$level!(
                place,
                request = %exchange.question(),
                outcome = outcome_text(ended),
                elapsed = ?now.saturating_duration_since(exchange.started()),
                tries = exchange.tries(),
                found = exchange.damage(),
                "exchange ended"
            )
        };
    }
    let is_success = matches!(
        ended,
        Ok(Outcome::Reply(_) | Outcome::Raw(_) | Outcome::Accepted | Outcome::Refused)
    );
    if !is_success || exchange.damage().is_some() {
        emit!(warn);
    } else if exchange.question().is_set() {
        emit!(info);
    } else {
        emit!(debug);
    }
}

/// Returns the outcome as one word.
#[cfg(feature = "tracing")]
fn outcome_text(ended: &Result<Outcome, Error>) -> &'static str {
    match ended {
        Ok(Outcome::Reply(_) | Outcome::Raw(_)) => "reply",
        Ok(Outcome::Accepted) => "accepted",
        Ok(Outcome::Refused) => "refused",
        Ok(Outcome::Garbled) => "garbled",
        Ok(Outcome::Silent) => "silent",
        Ok(Outcome::Failed(_)) => "failed",
        Err(error) if error.is_disconnected() => "disconnected",
        Err(_) => "link error",
    }
}

/// Emits the event of a link that was opened again, at level `info`.
#[cfg(feature = "tracing")]
pub(crate) fn reopened(place: &str) {
    tracing::info!(place, "link opened again");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn exchange_ended(
    _place: &str,
    _exchange: &Exchange,
    _ended: &Result<Outcome, Error>,
    _now: Instant,
) {
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn reopened(_place: &str) {}
