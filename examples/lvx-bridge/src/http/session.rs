//! Sessions of browsers that logged in with a token.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{digest::Digest, token::Verified};
use crate::Now;

/// The sessions. They end with the process.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<Session>>);

#[derive(Debug)]
struct Session {
    /// Hash of the text in the cookie.
    id: Digest,
    /// Hash of the token. It changes when the token is rotated.
    token: Digest,
    started: Instant,
    used: Instant,
}

impl Sessions {
    /// Begins a session: `id` is the hash of the text in the cookie. The session that was used least recently ends if
    /// there are too many.
    pub(super) fn begin(&self, id: Digest, token: &Verified, now: Now) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| session.is_alive(now.instant));
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions.iter().enumerate().min_by_key(|(_, session)| session.used);
            if let Some((place, _)) = oldest {
                sessions.swap_remove(place);
            }
        }
        sessions.push(Session { id, token: token.id, started: now.instant, used: now.instant });
    }

    /// Returns the token of a session, and notes that the session is used.
    pub(super) fn token(&self, id: &Digest, now: Now) -> Option<Digest> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| session.is_alive(now.instant));
        let session = sessions.iter_mut().find(|session| session.id == *id)?;
        session.used = now.instant;
        Some(session.token)
    }

    /// Ends a session.
    pub(super) fn end(&self, id: &Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|session| session.id != *id);
    }
}

impl Session {
    fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.started) < MAX_AGE
            && now.saturating_duration_since(self.used) < MAX_IDLE
    }
}

/// Greatest number of sessions.
const MAX_SESSIONS: usize = 64;
/// Time after which a session ends.
pub(super) const MAX_AGE: Duration = Duration::from_hours(30 * 24);
/// Time without a request after which a session ends.
const MAX_IDLE: Duration = Duration::from_hours(3 * 24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::token::Scope;

    fn verified() -> Verified {
        let name = "page".parse().unwrap();
        Verified { name, scope: Scope::Read, id: Digest::of("token"), expires: None }
    }

    fn after(now: Now, time: Duration) -> Now {
        Now { instant: now.instant + time, wall: now.wall + time }
    }

    #[test]
    fn session_ends_when_unused_or_old() {
        let (sessions, id, start) = (Sessions::default(), Digest::of("cookie"), Now::system());
        sessions.begin(id, &verified(), start);
        let mut now = start;
        for _ in 0..10 {
            now = after(now, Duration::from_hours(71));
            assert!(sessions.token(&id, now).is_some());
        }
        assert!(sessions.token(&id, after(start, MAX_AGE)).is_none());

        sessions.begin(id, &verified(), start);
        assert!(sessions.token(&id, after(start, MAX_IDLE)).is_none());
    }

    #[test]
    fn ended_session_is_unknown() {
        let (sessions, id, now) = (Sessions::default(), Digest::of("cookie"), Now::system());
        sessions.begin(id, &verified(), now);
        assert_eq!(sessions.token(&id, now), Some(verified().id));
        sessions.end(&id);
        assert_eq!(sessions.token(&id, now), None);
    }

    #[test]
    fn number_of_sessions_is_bounded_and_the_least_used_ends() {
        let (sessions, start) = (Sessions::default(), Now::system());
        for number in 0..=u64::try_from(MAX_SESSIONS).unwrap() {
            let now = after(start, Duration::from_secs(number));
            sessions.begin(Digest::of(&number.to_string()), &verified(), now);
        }
        let now = after(start, Duration::from_secs(100));
        assert_eq!(sessions.token(&Digest::of("0"), now), None);
        assert!(sessions.token(&Digest::of("1"), now).is_some());
    }
}
