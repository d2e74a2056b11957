//! The queue of reports to the host, and the thread that writes them to the endpoint.

use std::{
    collections::VecDeque,
    io::Write,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::sim::report::Report;

/// The queue of reports that the host has not fetched.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    reports: VecDeque<Report>,
    /// Whether the thread is writing a report.
    sending: bool,
    /// Whether the host has configured the device.
    enabled: bool,
    thread: ThreadState,
}

/// State of the thread that writes to the endpoint.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum ThreadState {
    #[default]
    Running,
    /// The thread has to end.
    Stopping,
    /// The thread has closed the endpoint.
    Ended,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds a report, unless no host has configured the device or the queue is full.
    pub(crate) fn put(&self, report: Report) {
        self.change(|queue| {
            if queue.enabled && queue.reports.len() < MAX_REPORTS {
                queue.reports.push_back(report);
            }
        });
    }

    /// Records that the host has configured the device or disappeared, and drops all reports.
    pub(crate) fn enable(&self, enabled: bool) {
        self.change(|queue| {
            queue.enabled = enabled;
            queue.reports.clear();
        });
    }

    /// Waits until the host has fetched all reports. Returns `false` if that takes longer than `timeout`.
    pub(crate) fn wait_until_empty(&self, timeout: Duration) -> bool {
        let queue = self.wait(timeout, |queue| queue.reports.is_empty() && !queue.sending);
        queue.reports.is_empty() && !queue.sending
    }

    /// Stops the thread, and waits until it has closed the endpoint, for [`CLOSE_TIMEOUT`] at most.
    pub(crate) fn close(&self) {
        self.change(|queue| {
            queue.thread = ThreadState::Stopping;
            queue.reports.clear();
        });
        drop(self.wait(CLOSE_TIMEOUT, |queue| queue.thread == ThreadState::Ended));
    }

    /// Writes reports to the endpoint until the queue is closed: the body of the thread.
    pub(crate) fn send_to(&self, mut endpoint: impl Write) {
        while let Some(report) = self.next() {
            // Returns when the host has fetched the report, or with an error when the host disappears.
            let sent = endpoint.write_all(&report);
            self.change(|queue| {
                queue.sending = false;
                if sent.is_err() {
                    queue.reports.clear();
                }
            });
        }
        drop(endpoint);
        self.change(|queue| queue.thread = ThreadState::Ended);
    }

    /// Waits for the next report; `None` once the queue is closed.
    fn next(&self) -> Option<Report> {
        let mut queue = self.lock();
        loop {
            if queue.thread != ThreadState::Running {
                return None;
            }
            if let Some(report) = queue.reports.pop_front() {
                queue.sending = true;
                return Some(report);
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Changes the queue, and wakes all threads that wait for a change.
    fn change(&self, f: impl FnOnce(&mut Queue)) {
        f(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `done` is true for the queue, or until the timeout.
    fn wait(&self, timeout: Duration, done: impl Fn(&Queue) -> bool) -> MutexGuard<'_, Queue> {
        let deadline = Instant::now() + timeout;
        let mut queue = self.lock();
        while !done(&queue) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Largest number of queued reports.
const MAX_REPORTS: usize = 64;

/// Longest wait for the thread to close the endpoint. The thread needs less, unless a write is blocked.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Read},
        sync::Arc,
        thread,
    };

    use super::*;
    use crate::sim::report::REPORT_LENGTH;

    /// An endpoint whose write blocks until the host, at the other end of the channel, receives the report.
    struct Endpoint(std::sync::mpsc::SyncSender<Vec<u8>>);

    impl Write for Endpoint {
        fn write(&mut self, report: &[u8]) -> io::Result<usize> {
            let shut_down = |_| io::Error::from_raw_os_error(108);
            self.0.send(report.to_vec()).map(|()| report.len()).map_err(shut_down)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn reports_are_sent_only_while_a_host_is_present() {
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
    fn unfetched_reports_are_dropped_when_the_host_disappears() {
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
        assert!(
            !outbox.wait_until_empty(Duration::from_millis(1)),
            "expected a report that is not fetched yet"
        );
        outbox.enable(false);
        outbox.enable(true);
        outbox.put([2; REPORT_LENGTH]);
        // The report that is being written is not dropped: only the kernel can end a write.
        let rest: Vec<u8> = [host.recv().unwrap(), host.recv().unwrap()].concat();
        assert_eq!(rest, [[1; REPORT_LENGTH], [2; REPORT_LENGTH]].concat());
        drop(host);
        outbox.put([3; REPORT_LENGTH]);
        assert!(
            outbox.wait_until_empty(Duration::from_secs(5)),
            "expected a failed write to drop the report"
        );
        outbox.close();
        thread.join().unwrap();
    }
}
