//! Reports on their way to the host, and the thread that hands them over.

use std::{
    collections::VecDeque,
    io::Write,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::sim::report::Report;

/// What waits for the host to fetch it.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    reports: VecDeque<Report>,
    /// One of them is being fetched.
    sending: bool,
    /// The host has the device configured.
    enabled: bool,
    sender: Sender,
}

/// How far the thread is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Sender {
    #[default]
    Sends,
    /// It is to end.
    Stops,
    /// It has let go of the endpoint.
    Ended,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new() }
    }

    /// Lost without a host, and if there are too many.
    pub(crate) fn put(&self, report: Report) {
        self.change(|state| {
            if state.enabled && state.reports.len() < MAX_REPORTS {
                state.reports.push_back(report);
            }
        });
    }

    /// The host came or went; what it has not fetched is thrown away both times.
    pub(crate) fn enable(&self, enabled: bool) {
        self.change(|state| {
            state.enabled = enabled;
            state.reports.clear();
        });
    }

    pub(crate) fn wait_until_empty(&self, within: Duration) -> bool {
        let state = self.wait(within, |state| state.reports.is_empty() && !state.sending);
        state.reports.is_empty() && !state.sending
    }

    /// Ends the thread, and gives it a moment for that.
    pub(crate) fn close(&self) {
        self.change(|state| {
            state.sender = Sender::Stops;
            state.reports.clear();
        });
        drop(self.wait(MOMENT, |state| state.sender == Sender::Ended));
    }

    /// Hands over one after another until it is closed.
    pub(crate) fn send_to(&self, mut endpoint: impl Write) {
        while let Some(report) = self.next() {
            // Returns when the host has fetched it, or with an error when the host has gone.
            let sent = endpoint.write_all(&report);
            self.change(|state| {
                state.sending = false;
                if sent.is_err() {
                    state.reports.clear();
                }
            });
        }
        drop(endpoint);
        self.change(|state| state.sender = Sender::Ended);
    }

    fn next(&self) -> Option<Report> {
        let mut state = self.lock();
        loop {
            if state.sender != Sender::Sends {
                return None;
            }
            if let Some(report) = state.reports.pop_front() {
                state.sending = true;
                return Some(report);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn change(&self, act: impl FnOnce(&mut Queue)) {
        act(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait(&self, within: Duration, done: impl Fn(&Queue) -> bool) -> MutexGuard<'_, Queue> {
        let deadline = Instant::now() + within;
        let mut state = self.lock();
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Most reports that wait.
const MAX_REPORTS: usize = 64;

/// What an endpoint that nobody uses takes to be closed, and more.
const MOMENT: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Read},
        sync::Arc,
        thread,
    };

    use super::*;
    use crate::sim::report::REPORT_LENGTH;

    /// An endpoint whose host fetches what is read at the other end; a write waits for that.
    struct Endpoint(std::sync::mpsc::SyncSender<Vec<u8>>);

    impl Write for Endpoint {
        fn write(&mut self, report: &[u8]) -> io::Result<usize> {
            let gone = |_| io::Error::from_raw_os_error(108);
            self.0.send(report.to_vec()).map(|()| report.len()).map_err(gone)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn hands_over_what_was_put_while_there_is_a_host() {
        let outbox = Arc::new(Outbox::new());
        let (mut host, endpoint) = io::pipe().unwrap();
        let sender = Arc::clone(&outbox);
        let thread = thread::spawn(move || sender.send_to(endpoint));
        outbox.put(*b"too soon");
        outbox.enable(true);
        outbox.put(*b"^D00505\xD9");
        outbox.put(*b"\x9F\r\0\0\0\0\0\0");
        assert!(outbox.wait_until_empty(Duration::from_secs(5)));
        outbox.enable(false);
        outbox.put(*b"too late");
        outbox.close();
        thread.join().unwrap();
        let mut fetched = Vec::new();
        host.read_to_end(&mut fetched).unwrap();
        assert_eq!(fetched, b"^D00505\xD9\x9F\r\0\0\0\0\0\0");
    }

    #[test]
    fn throws_away_what_a_host_that_goes_has_not_fetched() {
        let outbox = Arc::new(Outbox::new());
        let (endpoint, host) = std::sync::mpsc::sync_channel(0);
        let sender = Arc::clone(&outbox);
        let thread = thread::spawn(move || sender.send_to(Endpoint(endpoint)));
        outbox.enable(true);
        for _ in 0..2 * MAX_REPORTS {
            outbox.put([1; REPORT_LENGTH]);
        }
        assert!(outbox.lock().reports.len() <= MAX_REPORTS);
        assert_eq!(host.recv().unwrap(), [1; REPORT_LENGTH]);
        assert!(!outbox.wait_until_empty(Duration::from_millis(1)), "it has to be fetched");
        outbox.enable(false);
        outbox.enable(true);
        outbox.put([2; REPORT_LENGTH]);
        // One was under way; the kernel ends that write.
        let rest: Vec<u8> = [host.recv().unwrap(), host.recv().unwrap()].concat();
        assert_eq!(rest, [[1; REPORT_LENGTH], [2; REPORT_LENGTH]].concat());
        drop(host);
        outbox.put([3; REPORT_LENGTH]);
        assert!(outbox.wait_until_empty(Duration::from_secs(5)), "an error loses it");
        outbox.close();
        thread.join().unwrap();
    }
}
