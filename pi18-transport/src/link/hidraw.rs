//! USB HID through Linux hidraw: 8-byte reports without report numbers.
//!
//! Each write is 9 bytes: a zero for "no report number", 8 bytes of data, the last report padded
//! with zeros. Writing 8 bytes seems to work, but the kernel then takes a first byte of zero for the
//! report number and drops it.
//!
//! Source: measured on Linux 6.1 and 6.12 with `0665:5161` adapters made of uhid and `FunctionFS`. A
//! read from a device that is gone fails with `EIO`, a write with `ENODEV`, and poll tells a hang-up;
//! what was queued before is still read. A write to one that does not take it in fails with
//! `ETIMEDOUT` after five seconds, whatever deadline was set, with `EPIPE` if the device refuses it,
//! and with `EPROTO` if it is unplugged meanwhile: by itself none of these means that it is gone. The
//! last comes before the kernel knows that it is, and so does the hang-up that tells.

use std::{
    fs::File,
    io::{self, Read, Write},
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
    Error,
    error::ErrorKind,
    os::{errno::Meaning, lock, permission, poll},
    usb::adapter::{self, Interface},
};

/// An open hidraw node.
#[derive(Debug)]
pub struct Hidraw {
    /// None once the device is gone: a dead descriptor would keep its number from being used again.
    node: Option<File>,
    path: PathBuf,
    name: String,
    pause: Duration,
    /// When the last report came, unless it was looked since then for what is behind it.
    heard: Option<Instant>,
    /// How long behind the last report another one may come.
    interval: Duration,
    /// The kernel's name for this plugging.
    plugging: Option<String>,
    interface: Option<Interface>,
}

impl Hidraw {
    /// Opens a node such as `/dev/hidraw0` and locks it; one that another program has locked is
    /// waited for, two seconds at most.
    ///
    /// The first `open` of a USB device takes up to 60 ms and throws away what the device says
    /// meanwhile: keep it open.
    ///
    /// # Errors
    /// If it cannot be opened, or another program goes on using it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_within(path, lock::PATIENCE)
    }

    pub(crate) fn open_within(path: &Path, patience: Duration) -> Result<Self, Error> {
        let name = format!("hidraw:{}", path.display());
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let node = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|source| permission::explain(&name, path, source.into()))?;
        let device = adapter::device_of(&node);
        let node = File::from(node);
        lock::exclusive(&node, path, &name, patience)?;
        Ok(Self {
            node: Some(node),
            path: path.to_owned(),
            name,
            pause: Duration::ZERO,
            heard: None,
            interval: INTERVAL,
            plugging: device.as_deref().and_then(adapter::name_of),
            interface: device.as_deref().and_then(Interface::of),
        })
    }

    /// Pauses that long between the reports of one request; some programs let 50 ms go by.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The same for errors that are to name it otherwise.
    pub(crate) fn named(mut self, name: String) -> Self {
        self.name = name;
        self
    }

    /// The node.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kernel's name for this plugging, as in [`Adapter`](crate::Adapter).
    pub(crate) fn plugging(&self) -> Option<&str> {
        self.plugging.as_deref()
    }

    /// Lets other programs at it, though it stays open.
    pub(crate) fn unlock(&self) -> Result<(), Error> {
        let node = self.node.as_ref().ok_or_else(|| Error::gone(&*self.name))?;
        node.unlock().map_err(|source| Error::io(&*self.name, "unlocking", source))
    }

    /// Takes the lock again.
    pub(crate) fn lock(&self) -> Result<(), Error> {
        let node = self.node.as_ref().ok_or_else(|| Error::gone(&*self.name))?;
        lock::exclusive(node, &self.path, &self.name, lock::PATIENCE)
    }

    /// Does something with the node, and closes it if that shows that the device is gone.
    fn with<T>(
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
            // `EPIPE` (`Closed`) is a refused transfer here.
            Meaning::Closed | Meaning::Other => has_hung_up(node, Duration::ZERO),
        };
        if !is_gone {
            return Err(Error::new(&*self.name, ErrorKind::Io { action, source }));
        }
        self.node = None;
        Err(match self.interface.as_ref().and_then(Interface::taken_from_us) {
            Some(taken) => {
                let by = taken.to_string();
                Error::new(&*self.name, ErrorKind::Taken { by, source }).hint(taken.hint())
            }
            None => Error::new(&*self.name, ErrorKind::Disconnected(source)),
        })
    }
}

impl Link for Hidraw {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        for (i, report) in reports(bytes).enumerate() {
            if i > 0 && !self.pause.is_zero() {
                self.pause(self.pause);
            }
            self.with("writing", |node| {
                if Instant::now() > deadline {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                write(node, &report)
            })?;
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let looks = deadline <= Instant::now();
        // What lies in the adapter behind a reply is there, too, and may not wait for the next
        // question: that would take it for its answer.
        let next = self.heard.take().filter(|_| looks).map(|heard| heard + self.interval);
        let until = next.unwrap_or(deadline);
        let ready = self.with("waiting", |node| poll::wait(node, PollFlags::IN, until))?;
        if ready.is_empty() {
            return Ok(());
        }
        self.with("reading", |node| read(node, buffer))?;
        // Not again and again, if one never stops talking.
        self.heard = (!looks).then(Instant::now);
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A report is written whole or not at all.
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

/// Takes all reports that are queued, then tells what else there is.
fn read(node: &mut File, buffer: &mut BytesMut) -> io::Result<()> {
    let known = buffer.len();
    let mut report = [0; 64];
    for _ in 0..QUEUED {
        match node.read(&mut report) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => buffer.extend_from_slice(report.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What came before the unplug comes first.
            Err(_) if buffer.len() > known => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn has_hung_up(node: &File, within: Duration) -> bool {
    poll::wait(node, PollFlags::empty(), Instant::now() + within)
        .is_ok_and(|ready| ready.intersects(PollFlags::HUP | PollFlags::ERR))
}

/// How long after a cable was pulled its device may still be there: a hub is asked for news every
/// 256 ms at most (USB 2.0, 11.12.4).
const UNPLUG_DETECTION: Duration = Duration::from_millis(300);

const REPORT: usize = 8;

/// The adapter hands over a report every 12 ms; a little more.
const INTERVAL: Duration = Duration::from_millis(15);

/// Reports that the kernel keeps for a reader.
const QUEUED: usize = 63;

/// Reports as hidraw wants them written: a zero, then eight bytes.
fn reports(bytes: &[u8]) -> impl Iterator<Item = [u8; 1 + REPORT]> {
    bytes.chunks(REPORT).map(|chunk| {
        let mut report = [0; 1 + REPORT];
        for (to, from) in report.iter_mut().skip(1).zip(chunk) {
            *to = *from;
        }
        report
    })
}

#[cfg(test)]
mod tests {
    use std::os::{fd::OwnedFd, unix::net::UnixDatagram};

    use super::*;

    /// A socket that keeps each write apart stands for the node.
    fn pair() -> (UnixDatagram, Hidraw) {
        let (device, host) = UnixDatagram::pair().unwrap();
        host.set_nonblocking(true).unwrap();
        let link = Hidraw {
            node: Some(File::from(OwnedFd::from(host))),
            path: "/dev/test".into(),
            name: "hidraw:test".to_owned(),
            pause: Duration::ZERO,
            heard: None,
            interval: INTERVAL,
            plugging: None,
            interface: None,
        };
        (device, link)
    }

    #[test]
    fn writes_nine_bytes_a_report() {
        let (device, mut link) = pair();
        link.send(b"^P013ED20221218\xe1l\r", Instant::now() + Duration::from_secs(1)).unwrap();
        for wanted in [b"\x00^P013ED2", b"\x000221218\xe1", b"\x00l\r\0\0\0\0\0\0"] {
            let mut report = [0; 32];
            let len = device.recv(&mut report).unwrap();
            assert_eq!(&report[..len], wanted);
        }
    }

    #[test]
    fn a_zero_at_the_start_of_a_report_is_data() {
        let frame = b"^P013ED\x000000000\r";
        let data: Vec<u8> = reports(frame).flat_map(|report| report[1..].to_vec()).collect();
        assert_eq!(&data[..frame.len()], frame);
        assert!(reports(frame).all(|report| report[0] == 0));
    }

    #[test]
    fn takes_all_reports_that_wait() {
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
    fn a_look_at_what_is_there_finds_the_report_behind_the_last_one() {
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
}
