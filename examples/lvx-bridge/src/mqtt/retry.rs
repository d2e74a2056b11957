//! When the next attempt to connect is made, and what is logged. No I/O, no clock.

use std::time::Duration;

use super::{
    backoff::Backoff,
    connection::{Cause, Failure},
};

/// Longest pause between attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Longest pause if a person has to do something first.
const MAX_LASTING_PAUSE: Duration = Duration::from_mins(1);

/// Time after which a connection was a success, so that the next attempt comes soon.
const LONG: Duration = Duration::from_secs(10);

/// First and longest pause after another client took the session. Each attempt takes the session back, so that two
/// clients with the same id would end each other's connection for ever.
const TAKEN_OVER_PAUSES: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));

/// Time after which a connection shows that there is no other client: longer than that one would have waited.
const UNDISTURBED: Duration = Duration::from_hours(2);

/// Number of connections that a broker ends without a reason, one after the other, before another client is suspected.
/// A broker that is restarted refuses connections in between.
const MAX_CLOSED: u32 = 3;

/// Decides when the next attempt is made, and what is logged: each reason once.
#[derive(Debug)]
pub(super) struct Retry {
    backoff: Backoff,
    /// Connections that the broker ended without a reason, one after the other.
    closed: u32,
    /// Pauses after another client took the session; `None` if no one did lately.
    taken_over: Option<Backoff>,
    /// Reason that was logged last, since the last connection that lasted.
    logged: Option<String>,
    /// Whether the next connection is logged.
    is_news: bool,
}

/// What follows a connection that ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Next {
    /// Time until the next attempt.
    pub(super) pause: Duration,
    /// What is logged.
    pub(super) message: Option<String>,
}

impl Retry {
    pub(super) fn new() -> Self {
        Self {
            backoff: Backoff::new(Backoff::FIRST),
            closed: 0,
            taken_over: None,
            logged: None,
            is_news: true,
        }
    }

    /// Notes that the broker accepted the connection. Returns whether that has to be logged.
    pub(super) fn connected(&mut self) -> bool {
        std::mem::take(&mut self.is_news)
    }

    /// Notes that an attempt failed, or that a connection ended after it had lasted this time. `random` is between 0
    /// and 1.
    pub(super) fn failed(
        &mut self,
        failure: &Failure,
        lasted: Option<Duration>,
        random: f64,
    ) -> Next {
        let has_lasted = |least| lasted.is_some_and(|lasted| lasted >= least);
        if has_lasted(UNDISTURBED) {
            (self.taken_over, self.closed) = (None, 0);
        }
        self.closed =
            if failure.cause == Cause::Closed { self.closed.saturating_add(1) } else { 0 };
        let is_suspected =
            self.closed > 0 && (self.taken_over.is_some() || self.closed >= MAX_CLOSED);
        if is_suspected || failure.cause == Cause::TakenOver {
            let is_first = self.taken_over.is_none();
            let text = if is_suspected { failure.repeated() } else { failure.text.clone() };
            let (first, max) = TAKEN_OVER_PAUSES;
            let backoff = self.taken_over.get_or_insert_with(|| Backoff::new(first));
            return Next { pause: backoff.pause(max, random), message: is_first.then_some(text) };
        }
        let max = match failure.cause {
            Cause::Lasting => MAX_LASTING_PAUSE,
            Cause::Transient | Cause::Closed | Cause::TakenOver => MAX_PAUSE,
        };
        if has_lasted(LONG) {
            self.logged = None;
            if failure.cause != Cause::Lasting {
                self.backoff = Backoff::new(Backoff::FIRST);
            }
        }
        let is_new = self.logged.as_ref() != Some(&failure.text);
        if is_new {
            self.logged = Some(failure.text.clone());
            self.is_news = true;
        }
        let message = is_new.then(|| failure.text.clone());
        Next { pause: self.backoff.pause(max, random), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(cause: Cause) -> Failure {
        Failure { text: format!("{cause:?}"), cause }
    }

    #[test]
    fn reason_is_logged_once_until_a_connection_lasts() {
        let mut retry = Retry::new();
        let transient = failure(Cause::Transient);
        let mut is_logged = |lasted: Option<Duration>, cause| {
            let accepted = lasted.is_some() && retry.connected();
            (accepted, retry.failed(&failure(cause), lasted, 1.0).message.is_some())
        };
        let short = Some(Duration::from_secs(1));
        assert_eq!(is_logged(None, Cause::Transient), (false, true));
        assert_eq!(is_logged(None, Cause::Transient), (false, false));
        assert_eq!(is_logged(None, Cause::Lasting), (false, true));
        assert_eq!(is_logged(short, Cause::Transient), (true, true));
        assert_eq!(is_logged(short, Cause::Transient), (true, false));
        assert_eq!(is_logged(short, Cause::Transient), (false, false));
        assert_eq!(is_logged(Some(LONG), Cause::Transient), (false, true));
        assert_eq!(retry.failed(&transient, None, 1.0).message, None);
    }

    #[test]
    fn pause_is_short_after_a_connection_and_long_if_a_person_has_to_do_something() {
        let mut retry = Retry::new();
        let lasting = failure(Cause::Lasting);
        let pauses: Vec<_> = (0..9).map(|_| retry.failed(&lasting, None, 1.0).pause).collect();
        assert_eq!(pauses[0], Duration::from_millis(500));
        assert_eq!(pauses[8], Duration::from_mins(1));
        let transient = failure(Cause::Transient);
        assert_eq!(retry.failed(&transient, None, 1.0).pause, Duration::from_secs(5));
        let next = retry.failed(&transient, Some(LONG), 1.0);
        assert_eq!(next.pause, Duration::from_millis(500));
    }

    /// Lets two bridges with the same client id run for a day. Returns how often each lost the session, and what it
    /// logged.
    fn fight(cause: Cause, seed: u64) -> [(usize, Vec<String>); 2] {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut retries = [Retry::new(), Retry::new()];
        let mut results = [(0, Vec::new()), (0, Vec::new())];
        // The second one starts an hour later.
        let mut attempts = [Some(Duration::ZERO), Some(Duration::from_hours(1))];
        let mut holder: Option<(usize, Duration)> = None;
        while let Some((at, bridge)) =
            (0..2).filter_map(|bridge| Some((attempts[bridge]?, bridge))).min()
            && at < Duration::from_hours(24)
        {
            attempts[bridge] = None;
            if retries[bridge].connected() {
                results[bridge].1.push("connected".to_owned());
            }
            if let Some((other, since)) = holder.replace((bridge, at)) {
                let next = retries[other].failed(
                    &failure(cause),
                    Some(at.saturating_sub(since)),
                    random.f64(),
                );
                attempts[other] = Some(at + next.pause);
                results[other].0 += 1;
                results[other].1.extend(next.message);
            }
        }
        results
    }

    #[test]
    fn bridges_with_the_same_client_id_do_not_fight() {
        for seed in 0..20 {
            for (lost, logged) in fight(Cause::TakenOver, seed) {
                assert!(lost <= 48, "{lost} in a day");
                assert_eq!(logged, ["connected", "TakenOver"]);
            }
        }
    }

    /// Some brokers do not send the reason: mosquitto 2.0.11 does not.
    #[test]
    fn bridges_with_the_same_client_id_do_not_fight_if_the_broker_names_no_reason() {
        let clear = failure(Cause::Closed).repeated();
        for seed in 0..20 {
            for (lost, logged) in fight(Cause::Closed, seed) {
                assert!(lost <= 48, "{lost} in a day");
                let times = |text: &str| logged.iter().filter(|line| *line == text).count();
                assert_eq!(times(&clear), 1, "{logged:?}");
                assert!(logged.len() <= 5, "{logged:?}");
            }
        }
    }

    #[test]
    fn broker_that_is_restarted_often_is_not_taken_for_another_client() {
        let mut retry = Retry::new();
        for _ in 0..20 {
            let closed = retry.failed(&failure(Cause::Closed), Some(LONG), 1.0);
            assert_eq!(closed.pause, Duration::from_millis(500));
            assert!(retry.failed(&failure(Cause::Transient), None, 1.0).pause <= MAX_PAUSE);
        }
    }

    #[test]
    fn client_that_took_the_session_and_went_is_forgotten() {
        let mut retry = Retry::new();
        let taken_over = failure(Cause::TakenOver);
        let minutes = |next: Next| (next.pause.as_secs() / 60, next.message.is_some());
        assert_eq!(minutes(retry.failed(&taken_over, Some(LONG), 1.0)), (1, true));
        assert_eq!(minutes(retry.failed(&taken_over, Some(LONG), 1.0)), (2, false));
        retry.failed(&failure(Cause::Transient), Some(UNDISTURBED), 1.0);
        assert_eq!(minutes(retry.failed(&taken_over, Some(LONG), 1.0)), (1, true));
    }
}
