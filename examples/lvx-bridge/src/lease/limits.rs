//! Limits on what one user may take: connections, frames, turns on a link, and time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What each user takes at present. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Users(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Maximum number of frames of a user in a minute.
    max_frames: u32,
    users: Mutex<BTreeMap<u32, User>>,
    /// A turn has ended.
    freed: Condvar,
}

#[derive(Debug, Default)]
struct User {
    connections: usize,
    rate: FrameRate,
    /// Links on which the user has a turn.
    turns: BTreeSet<usize>,
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    users: Users,
    user: u32,
}

/// The turn of a user on a link, until it is dropped. A user has one at a time on each link, so that the queue of a
/// poller does not grow with the number of connections.
#[derive(Debug)]
#[must_use = "the turn ends when this is dropped"]
pub(super) struct Turn {
    users: Users,
    user: u32,
    link: usize,
}

impl Users {
    /// Admits this number of frames of each user in a minute.
    pub(super) fn new(max_frames: u32) -> Self {
        Self(Arc::new(Shared { max_frames, users: Mutex::default(), freed: Condvar::new() }))
    }

    /// Counts a connection of a user; `None` if there are too many.
    pub(super) fn admit(&self, user: u32, now: Instant) -> Option<Counted> {
        let mut users = self.lock();
        // The frames of a user count in the next connection, too.
        users.retain(|_, user| user.connections > 0 || !user.rate.is_over(now));
        let total: usize = users.values().map(|user| user.connections).sum();
        let own = users.entry(user).or_default();
        if total >= MAX_CONNECTIONS || own.connections >= MAX_PER_USER {
            return None;
        }
        own.connections += 1;
        Some(Counted { users: self.clone(), user })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, User>> {
        self.0.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Counts a frame. Returns whether it may be sent.
    pub(super) fn admit_frame(&self, now: Instant) -> bool {
        let max = self.users.0.max_frames;
        self.users.lock().get_mut(&self.user).is_some_and(|user| user.rate.admit(max, now))
    }

    /// Waits until no other connection of the user has a turn on a link; `None` if that takes longer than `patience`.
    pub(super) fn turn(&self, link: usize, patience: Duration) -> Option<Turn> {
        let is_taken = |users: &mut BTreeMap<u32, User>| {
            users.get(&self.user).is_some_and(|user| user.turns.contains(&link))
        };
        let waited = self.users.0.freed.wait_timeout_while(self.users.lock(), patience, is_taken);
        let (mut users, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_free = users.get_mut(&self.user)?.turns.insert(link);
        is_free.then(|| Turn { users: self.users.clone(), user: self.user, link })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(user) = self.users.lock().get_mut(&self.user) {
            user.connections = user.connections.saturating_sub(1);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(user) = self.users.lock().get_mut(&self.user) {
            user.turns.remove(&self.link);
        }
        self.users.0.freed.notify_all();
    }
}

/// The frames of one user within the present minute.
#[derive(Debug, Default)]
struct FrameRate {
    since: Option<Instant>,
    count: u32,
}

impl FrameRate {
    /// Counts a frame. Returns whether it may be sent.
    fn admit(&mut self, max: u32, now: Instant) -> bool {
        if self.is_over(now) {
            (self.since, self.count) = (Some(now), 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= max
    }

    /// Returns whether the minute is over.
    fn is_over(&self, now: Instant) -> bool {
        self.since.is_none_or(|since| now.saturating_duration_since(since) >= MINUTE)
    }
}

/// How long a connection waits for its client.
#[derive(Debug)]
pub(super) struct Patience {
    /// End of the last request.
    idle_since: Instant,
    /// Arrival of the first bytes of an incomplete request.
    line_since: Option<Instant>,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Self {
        Self { idle_since: now, line_since: None }
    }

    /// Notes that a request has been answered.
    pub(super) fn answered(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// Notes that bytes have arrived.
    pub(super) fn received(&mut self, now: Instant) {
        self.line_since.get_or_insert(now);
    }

    /// Returns the time that is left for the next request; `None` if the connection is closed. `lease` is the time at
    /// which write access was taken.
    pub(super) fn left(&self, now: Instant, lease: Option<Instant>) -> Option<Duration> {
        let idle = self.idle_since + if lease.is_some() { WRITE_IDLE } else { READ_IDLE };
        let line = self.line_since.map(|since| since + LINE_TIME);
        let lease = lease.map(|since| since + MAX_LEASE);
        let end = [line, lease].into_iter().flatten().fold(idle, Instant::min);
        Some(end.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }
}

/// Returns whether write access that was taken at `since` has ended.
pub(super) fn is_lease_over(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) >= MAX_LEASE
}

const MINUTE: Duration = Duration::from_mins(1);

/// Maximum number of connections of all users. The tool needs one for each unit that a command uses.
const MAX_CONNECTIONS: usize = 64;

/// Maximum number of connections of one user.
const MAX_PER_USER: usize = 24;

/// Maximum number of frames of a user in a minute. Over USB, a unit answers about 300, and a bank has ten.
pub(super) const MAX_FRAMES: u32 = 3_000;

/// Time after which an idle connection is closed.
const READ_IDLE: Duration = Duration::from_mins(10);

/// Time after which an idle connection with write access is closed.
const WRITE_IDLE: Duration = Duration::from_mins(2);

/// Longest time from the first byte of a request to its end.
const LINE_TIME: Duration = Duration::from_secs(10);

/// Longest time for which write access is kept.
const MAX_LEASE: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_per_user_and_in_all() {
        let (users, now) = (Users::new(MAX_FRAMES), Instant::now());
        let mut open: Vec<_> = (0..MAX_PER_USER).map(|_| users.admit(1000, now)).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(users.admit(1000, now).is_none());
        open.extend((0..MAX_PER_USER).map(|_| users.admit(1001, now)));
        let left = MAX_CONNECTIONS - 2 * MAX_PER_USER;
        open.extend((0..left).map(|_| users.admit(1002, now)));
        assert!(open.iter().all(Option::is_some));
        assert!(users.admit(1003, now).is_none());
        drop(open);
        assert!(users.admit(1000, now).is_some());
        // Nothing is kept of users who have gone.
        assert_eq!(users.lock().len(), 1);
    }

    #[test]
    fn frames_are_limited_per_minute_over_all_connections_of_a_user() {
        let (users, start) = (Users::new(MAX_FRAMES), Instant::now());
        let (first, other) = (users.admit(1, start).unwrap(), users.admit(2, start).unwrap());
        assert!((0..MAX_FRAMES).all(|_| first.admit_frame(start)));
        drop(first);
        let later = start + Duration::from_secs(59);
        let second = users.admit(1, later).unwrap();
        assert!(!second.admit_frame(later));
        assert!(other.admit_frame(later));
        assert!(second.admit_frame(start + MINUTE));
    }

    #[test]
    fn user_has_one_turn_at_a_time_on_each_link() {
        let (users, now) = (Users::new(MAX_FRAMES), Instant::now());
        let open = |user| users.admit(user, now).unwrap();
        let (first, second, other) = (open(1), open(1), open(2));
        let turn = first.turn(0, Duration::ZERO).unwrap();
        assert!(second.turn(0, Duration::ZERO).is_none());
        let _free =
            (second.turn(1, Duration::ZERO).unwrap(), other.turn(0, Duration::ZERO).unwrap());
        drop(turn);
        assert!(second.turn(0, Duration::ZERO).is_some());
    }

    #[test]
    fn connection_ends_after_silence_slow_lines_and_a_long_lease() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert_eq!(patience.left(start, None), Some(READ_IDLE));
        assert_eq!(patience.left(start, Some(start)), Some(WRITE_IDLE));
        assert_eq!(patience.left(start + WRITE_IDLE, Some(start)), None);
        // More bytes do not give a line more time.
        for seconds in 0..10 {
            patience.received(start + Duration::from_secs(seconds));
        }
        assert_eq!(patience.left(start + LINE_TIME, None), None);
        // Requests do not give a lease more time.
        let last = start + Duration::from_secs(30 * 60 - 1);
        patience.answered(last);
        assert_eq!(patience.left(last, Some(start)), Some(Duration::from_secs(1)));
        assert_eq!(patience.left(start + MAX_LEASE, Some(start)), None);
        assert!(is_lease_over(start, start + MAX_LEASE) && !is_lease_over(start, last));
    }
}
