//! Limits how often a client may show a wrong token.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::peer::network;

/// Wrong tokens of the last minute, per address.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Vec<Attempt>>);

#[derive(Debug)]
struct Attempt {
    network: Option<IpAddr>,
    failures: u32,
    last: Instant,
}

impl Attempts {
    /// Returns the time to wait if this address failed too often.
    pub(super) fn wait(&self, ip: Option<IpAddr>, now: Instant) -> Option<Duration> {
        let attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.iter().find(|attempt| attempt.network == network(ip))?;
        let age = now.saturating_duration_since(attempt.last);
        (attempt.failures >= MAX_FAILURES && age < WINDOW).then(|| WINDOW.saturating_sub(age))
    }

    /// Counts a wrong token.
    pub(super) fn failed(&self, ip: Option<IpAddr>, now: Instant) {
        let network = network(ip);
        let mut attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.retain(|attempt| now.saturating_duration_since(attempt.last) < WINDOW);
        if let Some(attempt) = attempts.iter_mut().find(|attempt| attempt.network == network) {
            attempt.failures = attempt.failures.saturating_add(1);
            attempt.last = now;
            return;
        }
        if attempts.len() >= MAX_ADDRESSES {
            let oldest = attempts.iter().enumerate().min_by_key(|(_, attempt)| attempt.last);
            if let Some((place, _)) = oldest {
                attempts.swap_remove(place);
            }
        }
        attempts.push(Attempt { network, failures: 1, last: now });
    }
}

/// Wrong tokens after which an address has to wait.
pub(super) const MAX_FAILURES: u32 = 5;
/// Time after the last wrong token until an address may try again.
pub(super) const WINDOW: Duration = Duration::from_mins(1);
/// Greatest number of addresses that are remembered.
const MAX_ADDRESSES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_waits_a_minute_after_five_failures() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let ip = Some(IpAddr::from([192, 0, 2, 1]));
        for _ in 0..MAX_FAILURES {
            assert_eq!(attempts.wait(ip, now), None);
            attempts.failed(ip, now);
        }
        assert_eq!(attempts.wait(ip, now), Some(WINDOW));
        assert_eq!(attempts.wait(Some(IpAddr::from([192, 0, 2, 2])), now), None);
        assert_eq!(attempts.wait(ip, now + WINDOW), None);
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for last in 0..MAX_FAILURES {
            attempts.failed(Some(format!("2001:db8::{last:x}").parse().unwrap()), now);
        }
        assert!(attempts.wait(Some("2001:db8::ffff".parse().unwrap()), now).is_some());
        assert!(attempts.wait(Some("2001:db8:0:1::1".parse().unwrap()), now).is_none());
    }

    #[test]
    fn number_of_addresses_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..1000_u32 {
            attempts.failed(Some(IpAddr::from(number.to_be_bytes())), now);
        }
        assert_eq!(attempts.0.lock().unwrap().len(), MAX_ADDRESSES);
    }
}
