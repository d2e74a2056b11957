//! A link that is opened again after it was disconnected.

use std::os::fd::BorrowedFd;
use std::{
    fmt,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::Link;
use crate::{Error, ErrorKind, StopHandle};

/// A link that is opened again before the next request after it was disconnected.
///
/// The call during which the link was disconnected fails, and nothing is sent again.
pub(crate) struct Reopening {
    open: Arc<Opener>,
    /// `None` while the link is closed.
    link: Option<Box<dyn Link + Send>>,
    /// Whether sending has shown that the link was disconnected. Bytes that arrived before can still be
    /// received.
    has_ended: bool,
    name: String,
    is_shared: bool,
    stop: Option<StopHandle>,
}

/// Opens the link within the given time.
type Opener = dyn Fn(Duration) -> Result<Box<dyn Link + Send>, Error> + Send + Sync;

impl Reopening {
    /// Opens a link with `open`, within its own time limit.
    pub(crate) fn new(
        open: impl Fn(Duration) -> Result<Box<dyn Link + Send>, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let link = open(Duration::MAX)?;
        let (name, is_shared) = (link.name().to_owned(), link.is_shared());
        let open = Arc::new(open);
        Ok(Self { open, link: Some(link), has_ended: false, name, is_shared, stop: None })
    }

    /// Opens the link once. If the client can be stopped, a thread opens it, because a connection attempt
    /// cannot be interrupted.
    fn open_within(&self, patience: Duration) -> Result<Box<dyn Link + Send>, Error> {
        let Some(stop) = &self.stop else { return (self.open)(patience) };
        let (tx, rx) = mpsc::sync_channel(1);
        let open = Arc::clone(&self.open);
        let thread = thread::Builder::new().name("reopen".to_owned());
        // If the client was stopped, the link is not needed.
        if thread.spawn(move || drop(tx.send(open(patience)))).is_err() {
            return (self.open)(patience);
        }
        loop {
            stop.check(&self.name)?;
            match rx.recv_timeout(StopHandle::INTERVAL) {
                Ok(opened) => return opened,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Error::gone(&*self.name)),
            }
        }
    }

    /// Waits between two attempts.
    fn wait(&self, time: Duration) -> Result<(), Error> {
        let Some(stop) = &self.stop else {
            thread::sleep(time);
            return Ok(());
        };
        let end = Instant::now() + time;
        loop {
            stop.check(&self.name)?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(StopHandle::INTERVAL));
        }
    }
}

impl Link for Reopening {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        let link = self.link.as_mut().ok_or_else(|| Error::gone(&*self.name))?;
        let result = link.send(bytes, deadline);
        self.has_ended |= result.as_ref().is_err_and(Error::is_disconnected);
        result
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let link = self.link.as_mut().ok_or_else(|| Error::gone(&*self.name))?;
        let result = link.receive(buffer, deadline);
        if self.has_ended || result.as_ref().is_err_and(Error::is_disconnected) {
            // An open descriptor would keep the number of a removed device from being used again.
            self.link = None;
        }
        result
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        if self.has_ended {
            self.link = None;
        }
        if self.link.is_some() {
            return Ok(false);
        }
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.open_within(left().max(MIN_PATIENCE)) {
                Ok(link) => {
                    (self.link, self.has_ended) = (Some(link), false);
                    return Ok(true);
                }
                Err(error) => error,
            };
            let is_final = matches!(error.kind(), ErrorKind::Address | ErrorKind::Stopped);
            if is_final || left().is_zero() {
                return Err(error);
            }
            self.wait(pause.min(left()))?;
            if left().is_zero() {
                return Err(error);
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    fn stopped_by(&mut self, handle: &StopHandle) {
        self.stop = Some(handle.clone());
    }

    /// Returns false: the other end may still answer the requests of an earlier connection.
    fn starts_quiet(&self) -> bool {
        false
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.as_ref().and_then(Link::as_fd)
    }
}

impl fmt::Debug for Reopening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reopening").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The pause after the first failed attempt; it doubles with each attempt.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);

pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The minimum time for one attempt.
pub(crate) const MIN_PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    /// A link that fails with this error when it is used.
    struct Broken(std::io::ErrorKind);

    impl Link for Broken {
        fn send(&mut self, _bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
            Err(Error::io("test", "writing", self.0.into()))
        }

        fn receive(&mut self, buffer: &mut BytesMut, _deadline: Instant) -> Result<(), Error> {
            buffer.extend_from_slice(b"in use");
            Ok(())
        }

        fn name(&self) -> &'static str {
            "test"
        }
    }

    fn reopening(kind: std::io::ErrorKind) -> (Reopening, Arc<AtomicU32>) {
        let opened = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&opened);
        let link = Reopening::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Broken(kind)))
        });
        (link.unwrap(), opened)
    }

    #[test]
    fn disconnected_link_is_opened_once_by_the_next_reopen() {
        let (mut link, opened) = reopening(std::io::ErrorKind::BrokenPipe);
        let now = Instant::now();
        assert!(!link.reopen(now).unwrap());
        assert!(link.send(b"", now).unwrap_err().is_disconnected());
        assert!(link.reopen(now).unwrap());
        assert!(!link.reopen(now).unwrap());
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn last_bytes_of_the_peer_can_be_received_after_sending_failed() {
        let (mut link, _) = reopening(std::io::ErrorKind::BrokenPipe);
        let now = Instant::now();
        assert!(link.send(b"", now).is_err());
        let mut buffer = BytesMut::new();
        link.receive(&mut buffer, now).unwrap();
        assert_eq!(&buffer[..], b"in use");
        assert!(link.receive(&mut buffer, now).unwrap_err().is_disconnected());
    }

    #[test]
    fn link_with_another_failure_stays_open() {
        let (mut link, opened) = reopening(std::io::ErrorKind::TimedOut);
        assert!(link.send(b"", Instant::now()).is_err());
        assert!(!link.reopen(Instant::now()).unwrap());
        assert_eq!(opened.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn link_that_cannot_be_opened_again_returns_the_error_of_the_last_attempt() {
        let is_first = Mutex::new(true);
        let mut link = Reopening::new(move |_| {
            if std::mem::take(&mut *is_first.lock().unwrap()) {
                return Ok(Box::new(Broken(std::io::ErrorKind::BrokenPipe)));
            }
            Err(Error::new(ErrorKind::Busy, "test", "is in use"))
        })
        .unwrap();
        assert!(link.send(b"", Instant::now()).is_err());
        let error = link.reopen(Instant::now() + FIRST_PAUSE * 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
    }

    #[test]
    fn opening_that_hangs_is_ended_by_the_stop_handle() {
        let (began_tx, began) = mpsc::channel();
        let opened = AtomicU32::new(0);
        let mut link = Reopening::new(move |_| {
            if opened.fetch_add(1, Ordering::Relaxed) > 0 {
                began_tx.send(()).unwrap();
                loop {
                    thread::park();
                }
            }
            Ok(Box::new(Broken(std::io::ErrorKind::BrokenPipe)))
        })
        .unwrap();
        let handle = StopHandle::default();
        link.stopped_by(&handle);
        assert!(link.send(b"", Instant::now()).is_err());
        thread::scope(|scope| {
            let handle = handle.clone();
            scope.spawn(move || {
                began.recv().unwrap();
                handle.stop();
            });
            let error = link.reopen(Instant::now() + Duration::from_mins(1)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Stopped);
        });
    }
}
