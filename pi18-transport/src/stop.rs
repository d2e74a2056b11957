//! Ends the waits of a client from another thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{Error, error::Cause};

/// Ends the current request or pause of a [`Client`](crate::Client), from another thread.
///
/// [`Client::stop_handle`](crate::Client::stop_handle) returns it, and
/// [`Client::stopped_by`](crate::Client::stopped_by) uses one handle for several clients. Clones stop the same
/// clients.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<AtomicBool>);

impl StopHandle {
    /// Ends the current call of the client within 50 ms, and every later one at once, until
    /// [`Client::resume`](crate::Client::resume).
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Returns whether the client was stopped and has not resumed.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Lets the client work again.
    pub(crate) fn reset(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Returns an error if the client was stopped.
    ///
    /// A [`Link`](crate::Link) calls it at least every 20 ms while it waits in
    /// [`send`](crate::Link::send) or [`reopen`](crate::Link::reopen). `place` is the name of the link.
    ///
    /// # Errors
    /// Of the kind [`Stopped`](crate::ErrorKind::Stopped), if the client was stopped.
    pub fn check(&self, place: &str) -> Result<(), Error> {
        if self.is_stopped() { Err(Error::from_cause(place, Cause::Stopped)) } else { Ok(()) }
    }

    /// The longest time for which a client or a link waits before it checks whether it was stopped.
    pub const INTERVAL: Duration = Duration::from_millis(20);
}
