//! USB HID through Linux hidraw: reports of 8 bytes without report numbers.
//!
//! Each write is 9 bytes: a zero for "no report number", then 8 bytes of data; the last report is padded
//! with zeros. Writing 8 bytes seems to work, but the kernel then takes a leading zero byte for the
//! report number and drops it.
//!
//! When a device is unplugged, a read fails with `EIO`, a write with `ENODEV`, and poll reports a
//! hang-up; reports that were queued before can still be read. Other failures of a write do not show
//! that the device is gone: `ETIMEDOUT` after five seconds (whatever the deadline is) if the device does
//! not accept data, `EPIPE` if it refuses the transfer, `EPROTO` if it is unplugged during the write.
//! The kernel reports `EPROTO` before the hang-up.
//!
//! Source: measured on Linux 6.1 and 6.12 with `0665:5161` adapters made of uhid and `FunctionFS`.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rustix::{
    event::PollFlags,
    fs::{Mode, OFlags},
};

use super::Link;
use crate::{
    Error, StopHandle,
    error::Cause,
    os::{errno::Meaning, lock, permission, poll},
    usb::interface::{Interface, device_of, name_of},
};

/// An open hidraw node: the USB adapter of an inverter.
///
/// Prefer the address `sn:…` or a [`Follower`](crate::Follower), which find a unit by its serial number:
/// after a replug, the same node may lead to another unit.
///
/// ```no_run
/// use std::path::Path;
///
/// use pi18_proto::Mode;
/// use pi18_transport::{Client, Hidraw};
///
/// let mut unit = Client::new(Hidraw::open(Path::new("/dev/hidraw0"))?);
/// println!("{}", unit.read::<Mode>()?.working_mode);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Debug)]
pub struct Hidraw {
    /// `None` once the device is gone: an open descriptor would keep the node's number from being
    /// reused.
    node: Option<File>,
    path: PathBuf,
    name: String,
    pause: Duration,
    /// Arrival of the last report, unless the link was drained since then.
    last_report: Option<Instant>,
    /// Maximum time between two reports of one reply.
    interval: Duration,
    /// The kernel's name of the HID device, such as `0003:0665:5161.002D`.
    hid_device: Option<String>,
    interface: Option<Interface>,
    stop: Option<StopHandle>,
}

impl Hidraw {
    /// Opens a node such as `/dev/hidraw0` and locks it. Waits up to two seconds for another program to
    /// release its lock.
    ///
    /// The first open of a USB device takes up to 60 ms and discards what the device sends meanwhile, so
    /// keep the node open.
    ///
    /// # Errors
    /// If the node cannot be opened, or another program keeps it locked.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_within(path, lock::PATIENCE)
    }

    /// Opens and locks a node like [`open`](Self::open), but waits up to `patience` for the lock.
    pub(crate) fn open_within(path: &Path, patience: Duration) -> Result<Self, Error> {
        let name = format!("hidraw:{}", path.display());
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let node = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|source| permission::open_error(&name, path, source.into()))?;
        let device = device_of(&node);
        let node = File::from(node);
        lock::exclusive(&node, path, &name, patience)?;
        Ok(Self {
            node: Some(node),
            path: path.to_owned(),
            name,
            pause: Duration::ZERO,
            last_report: None,
            interval: MAX_REPORT_INTERVAL,
            hid_device: device.as_deref().and_then(name_of),
            interface: device.as_deref().and_then(Interface::of),
            stop: None,
        })
    }

    /// Sets the pause between the reports of one request; some programs use 50 ms.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets the name that errors use.
    pub(crate) fn named(mut self, name: String) -> Self {
        self.name = name;
        self
    }

    /// Returns the path of the node.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the kernel's name of the HID device, as in [`Adapter`](crate::Adapter).
    pub(crate) fn hid_device(&self) -> Option<&str> {
        self.hid_device.as_deref()
    }

    /// Releases the lock, so that other programs can use the node while it stays open.
    pub(crate) fn unlock(&self) -> Result<(), Error> {
        let node = self.node.as_ref().ok_or_else(|| Error::gone(&*self.name))?;
        node.unlock().map_err(|source| Error::io(&*self.name, "unlocking", source))
    }

    /// Locks the node again.
    pub(crate) fn lock(&self) -> Result<(), Error> {
        let node = self.node.as_ref().ok_or_else(|| Error::gone(&*self.name))?;
        lock::exclusive(node, &self.path, &self.name, lock::PATIENCE)
    }

    fn pause_between_reports(&self) -> Result<(), Error> {
        let Some(stop) = &self.stop else {
            std::thread::sleep(self.pause);
            return Ok(());
        };
        let mut left = self.pause;
        while !left.is_zero() {
            stop.check(&self.name)?;
            let part = left.min(StopHandle::INTERVAL);
            std::thread::sleep(part);
            left -= part;
        }
        Ok(())
    }

    /// Uses the node, and closes it if an error shows that the device is gone.
    fn with_node<T>(
        &mut self,
        action: &'static str,
        act: impl FnOnce(&mut File) -> io::Result<T>,
    ) -> Result<T, Error> {
        let node = self.node.as_mut().ok_or_else(|| Error::gone(&*self.name))?;
        let source = match act(node) {
            Ok(done) => return Ok(done),
            Err(source) => source,
        };
        let is_gone = match Meaning::of(&source) {
            Meaning::Gone => true,
            Meaning::Unanswered => has_hung_up(node, UNPLUG_DETECTION),
            // With hidraw, neither of these shows that the device is gone.
            Meaning::Closed | Meaning::Other => has_hung_up(node, Duration::ZERO),
        };
        if !is_gone {
            return Err(Error::from_cause(&*self.name, Cause::Io { action, source }));
        }
        self.node = None;
        Err(match self.interface.as_ref().and_then(Interface::taken) {
            Some(taken) => taken.error(&*self.name, source),
            None => Error::from_cause(&*self.name, Cause::Disconnected(source)),
        })
    }
}

impl Link for Hidraw {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        for (i, report) in reports(bytes).enumerate() {
            if i > 0 && !self.pause.is_zero() {
                self.pause_between_reports()?;
            }
            self.with_node("writing", |node| {
                if Instant::now() > deadline {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                write(node, &report)
            })?;
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let is_drain = deadline <= Instant::now();
        // The adapter may still hold bytes after the end of a reply. Draining before the next request
        // waits for them once; otherwise they would be taken for its reply.
        let next_report =
            self.last_report.take().filter(|_| is_drain).map(|last| last + self.interval);
        let until = next_report.unwrap_or(deadline);
        let ready = self.with_node("waiting", |node| poll::wait(node, PollFlags::IN, until))?;
        if ready.is_empty() {
            return Ok(());
        }
        self.with_node("reading", |node| read(node, buffer))?;
        // Not set while draining: a device that never stops sending would be drained for ever.
        self.last_report = (!is_drain).then(Instant::now);
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn stopped_by(&mut self, handle: &StopHandle) {
        self.stop = Some(handle.clone());
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.node.as_ref().map(AsFd::as_fd)
    }
}

/// Writes one report. The kernel takes it as a whole or not at all.
fn write(node: &mut File, report: &[u8]) -> io::Result<()> {
    loop {
        match node.write(report) {
            Ok(written) if written == report.len() => return Ok(()),
            Ok(_) => return Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads all queued reports. Returns an error only if there was none.
fn read(node: &mut File, buffer: &mut BytesMut) -> io::Result<()> {
    let len_before = buffer.len();
    let mut report = [0; 64];
    for _ in 0..MAX_QUEUED {
        match node.read(&mut report) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => buffer.extend_from_slice(report.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // First return the reports that arrived before the device was unplugged.
            Err(_) if buffer.len() > len_before => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns whether poll reports that the device is gone.
fn has_hung_up(node: &File, within: Duration) -> bool {
    poll::wait(node, PollFlags::empty(), Instant::now() + within)
        .is_ok_and(|ready| ready.intersects(PollFlags::HUP | PollFlags::ERR))
}

/// Splits bytes into reports as hidraw expects them: a zero, then eight bytes.
fn reports(bytes: &[u8]) -> impl Iterator<Item = [u8; 1 + REPORT_LENGTH]> {
    bytes.chunks(REPORT_LENGTH).map(|chunk| {
        let mut report = [0; 1 + REPORT_LENGTH];
        for (to, from) in report.iter_mut().skip(1).zip(chunk) {
            *to = *from;
        }
        report
    })
}

/// Maximum time until the kernel notices that a cable was unplugged: it polls a hub at least every
/// 256 ms (USB 2.0, 11.12.4).
const UNPLUG_DETECTION: Duration = Duration::from_millis(300);

/// Length of a report, in bytes.
const REPORT_LENGTH: usize = 8;

/// Maximum time between two reports of one reply: the adapter sends one every 12 ms; the rest is a margin.
pub(crate) const MAX_REPORT_INTERVAL: Duration = Duration::from_millis(15);

/// Number of reports that the kernel queues for a reader.
const MAX_QUEUED: usize = 63;

#[cfg(test)]
pub(super) mod tests {
    use std::os::{fd::OwnedFd, unix::net::UnixDatagram};

    use super::*;

    /// Returns a link with a datagram socket as its node, and the device's end of the socket.
    pub(crate) fn pair() -> (UnixDatagram, Hidraw) {
        let (device, host) = UnixDatagram::pair().unwrap();
        host.set_nonblocking(true).unwrap();
        let link = Hidraw {
            node: Some(File::from(OwnedFd::from(host))),
            path: "/dev/test".into(),
            name: "hidraw:test".to_owned(),
            pause: Duration::ZERO,
            last_report: None,
            interval: MAX_REPORT_INTERVAL,
            hid_device: None,
            interface: None,
            stop: None,
        };
        (device, link)
    }

    #[test]
    fn request_is_written_as_reports_of_nine_bytes() {
        let (device, mut link) = pair();
        link.send(b"^P013ED20221218\xe1l\r", Instant::now() + Duration::from_secs(1)).unwrap();
        for expected in [b"\x00^P013ED2", b"\x000221218\xe1", b"\x00l\r\0\0\0\0\0\0"] {
            let mut report = [0; 32];
            let len = device.recv(&mut report).unwrap();
            assert_eq!(&report[..len], expected);
        }
    }

    #[test]
    fn zero_at_the_start_of_a_report_is_sent_as_data() {
        let frame = b"^P013ED\x000000000\r";
        let data: Vec<u8> = reports(frame).flat_map(|report| report[1..].to_vec()).collect();
        assert_eq!(&data[..frame.len()], frame);
        assert!(reports(frame).all(|report| report[0] == 0));
    }

    #[test]
    fn receive_takes_all_queued_reports() {
        let (device, mut link) = pair();
        device.send(b"^D00505\xD9").unwrap();
        device.send(b"\x9F\r\0\0\0\0\0\0").unwrap();
        let mut buffer = BytesMut::new();
        link.receive(&mut buffer, Instant::now()).unwrap();
        assert_eq!(&buffer[..], b"^D00505\xD9\x9F\r\0\0\0\0\0\0");
        buffer.clear();
        link.receive(&mut buffer, Instant::now()).unwrap();
        assert!(buffer.is_empty());
    }

    #[test]
    fn drain_after_a_reply_waits_for_one_more_report() {
        let (device, mut link) = pair();
        link.interval = Duration::from_mins(1);
        device.send(b"^D00505\xD9").unwrap();
        let mut buffer = BytesMut::new();
        link.receive(&mut buffer, Instant::now() + Duration::from_secs(1)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| device.send(b"\x9F\r\0\0\0\0\0\0").unwrap());
            link.receive(&mut buffer, Instant::now()).unwrap();
        });
        assert_eq!(&buffer[..], b"^D00505\xD9\x9F\r\0\0\0\0\0\0");
    }
    #[test]
    fn lent_descriptor_is_readable_while_a_report_is_queued() {
        let (device, mut link) = pair();
        let is_readable = |link: &Hidraw| {
            let descriptor = link.as_fd().unwrap();
            !poll::wait(&descriptor, PollFlags::IN, Instant::now()).unwrap().is_empty()
        };
        assert!(!is_readable(&link));
        device.send(b"^D00505\xD9").unwrap();
        assert!(is_readable(&link));
        link.receive(&mut BytesMut::new(), Instant::now()).unwrap();
        assert!(!is_readable(&link));
        link.node = None;
        assert!(link.as_fd().is_none());
    }
}
