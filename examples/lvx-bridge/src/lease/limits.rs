//! Limits on what one user may take: connections and frames.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The open connections of each user. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<BTreeMap<u32, usize>>>);

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    connections: Connections,
    user: u32,
}

impl Connections {
    /// Counts a connection of a user; `None` if there are too many.
    pub(super) fn admit(&self, user: u32) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = counts.values().sum();
        let own = counts.get(&user).copied().unwrap_or_default();
        if total >= MAX_CONNECTIONS || own >= MAX_PER_USER {
            return None;
        }
        counts.insert(user, own + 1);
        Some(Counted { connections: self.clone(), user })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.user);
            }
        }
    }
}

/// The frames of one connection within the present minute.
#[derive(Debug, Default)]
pub(super) struct FrameRate {
    since: Option<Instant>,
    count: u32,
}

impl FrameRate {
    /// Counts a frame. Returns whether it may be sent.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= MINUTE;
        if self.since.is_none_or(is_over) {
            (self.since, self.count) = (Some(now), 0);
        }
        self.count += 1;
        self.count <= MAX_FRAMES
    }
}

const MINUTE: Duration = Duration::from_mins(1);

/// Maximum number of connections of all users. The tool needs one for each unit that a command uses.
const MAX_CONNECTIONS: usize = 64;

/// Maximum number of connections of one user.
const MAX_PER_USER: usize = 24;

/// Maximum number of frames of a connection in a minute. Over USB, a unit answers about 300.
const MAX_FRAMES: u32 = 1_200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_per_user_and_in_all() {
        let connections = Connections::default();
        let mut open: Vec<_> = (0..MAX_PER_USER).map(|_| connections.admit(1000)).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(connections.admit(1000).is_none());
        open.extend((0..MAX_PER_USER).map(|_| connections.admit(1001)));
        let left = MAX_CONNECTIONS - 2 * MAX_PER_USER;
        open.extend((0..left).map(|_| connections.admit(1002)));
        assert!(open.iter().all(Option::is_some));
        assert!(connections.admit(1003).is_none());
        drop(open);
        assert!(connections.0.lock().unwrap().is_empty());
        assert!(connections.admit(1000).is_some());
    }

    #[test]
    fn frames_are_limited_per_minute() {
        let (start, mut rate) = (Instant::now(), FrameRate::default());
        assert!((0..MAX_FRAMES).all(|_| rate.admit(start)));
        assert!(!rate.admit(start + Duration::from_secs(59)));
        assert!(rate.admit(start + MINUTE));
    }
}
