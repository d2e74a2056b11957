//! The timeouts of the probes of one adapter, and the delays between them. Both grow.

use std::time::Duration;

use crate::Error;

/// The next timeout and the next delay of the probes of one adapter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    timeout: Duration,
    max_timeout: Duration,
    delay: Duration,
}

impl Backoff {
    /// Creates the backoff for a client with this timeout: the first probe gets a quarter of it.
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout: timeout / 4, max_timeout: timeout / 2, delay: FIRST_DELAY }
    }

    /// Returns how long the next probe waits for a reply. The one after it waits twice as long, up to
    /// half of the client's timeout.
    pub(super) fn next_timeout(&mut self) -> Duration {
        let timeout = self.timeout;
        self.timeout = timeout.saturating_mul(2).min(self.max_timeout);
        timeout
    }

    /// Returns how long to wait after a failed probe.
    ///
    /// The delay doubles each time up to [`MAX_DELAY`]. After a transient error it grows slowly up to
    /// [`MAX_TRANSIENT_DELAY`]: when several programs probe an adapter at the same time, it is free
    /// again soon, and that moment must not be missed.
    pub(super) fn next_delay(&mut self, error: &Error) -> Duration {
        let is_transient = is_transient(error);
        let max = if is_transient { MAX_TRANSIENT_DELAY } else { MAX_DELAY };
        let delay = self.delay.min(max);
        self.delay = if is_transient { delay + FIRST_DELAY } else { delay * 2 }.min(max);
        delay
    }
}

/// Returns whether an error is likely to disappear soon: udev sets the group of a node shortly after
/// the node was created, and another program may be probing the adapter, too.
fn is_transient(error: &Error) -> bool {
    error.is_busy() || error.is_permission() || error.is_disconnected() || error.is_not_found()
}

/// Delay after the first failed probe.
const FIRST_DELAY: Duration = Duration::from_millis(50);

/// Maximum delay after a transient error.
const MAX_TRANSIENT_DELAY: Duration = Duration::from_secs(1);

/// Maximum delay after any other error.
pub(super) const MAX_DELAY: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause;

    #[test]
    fn delay_after_each_failure_doubles_up_to_the_maximum() {
        let mut backoff = Backoff::new(Duration::from_secs(2));
        let error = Error::from_cause("x", Cause::NotPi18 { found: "noise".to_owned() });
        let delays: Vec<_> = (0..14).map(|_| backoff.next_delay(&error)).collect();
        assert!(delays.windows(2).all(|two| two[1] == (two[0] * 2).min(MAX_DELAY)), "{delays:?}");
        assert_eq!((delays.first(), delays.last()), (Some(&FIRST_DELAY), Some(&MAX_DELAY)));
    }

    #[test]
    fn delay_after_transient_errors_stays_short() {
        let mut backoff = Backoff::new(Duration::from_secs(2));
        let error = Error::gone("x");
        let delays: Vec<_> = (0..30).map(|_| backoff.next_delay(&error)).collect();
        let grows = |two: &[Duration]| two[1] == (two[0] + FIRST_DELAY).min(MAX_TRANSIENT_DELAY);
        assert!(delays.windows(2).all(grows), "{delays:?}");
    }

    #[test]
    fn timeout_doubles_from_a_quarter_to_half_of_the_clients_timeout() {
        let mut backoff = Backoff::new(Duration::from_secs(2));
        let timeouts = [(); 3].map(|()| backoff.next_timeout().as_millis());
        assert_eq!(timeouts, [500, 1000, 1000]);
    }
}
