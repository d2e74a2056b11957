//! USB HID through Linux hidraw: 8-byte reports without report numbers.
//!
//! Each write is 9 bytes: a zero for "no report number", 8 bytes of data, the last report padded
//! with zeros. Writing 8 bytes seems to work, but the kernel then takes a first byte of zero for the
//! report number and drops it.
//!
//! Source: measured on Linux 6.1 and 6.12 with `0665:5161` adapters made of uhid and `FunctionFS`. A
//! read from a device that is gone fails with `EIO`, a write with `ENODEV`; a write to one that does
//! not take it in fails with `ETIMEDOUT` after five seconds, whatever deadline was set.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rustix::{
    event::PollFlags,
    fs::{Mode, OFlags},
};

use crate::{Error, Link, lock, permission, poll};

/// An open hidraw node.
#[derive(Debug)]
pub struct Hidraw {
    node: File,
    name: String,
    pause: Duration,
}

impl Hidraw {
    /// Opens a node such as `/dev/hidraw0` and locks it.
    ///
    /// The first `open` of a USB device takes up to 60 ms and throws away what the device says
    /// meanwhile: keep it open.
    ///
    /// # Errors
    /// If it cannot be opened, or another program has locked it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = format!("hidraw:{}", path.display());
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let node = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|source| permission::explain(&name, path, source.into()))?;
        let node = File::from(node);
        lock::exclusive(&node, path, &name)?;
        Ok(Self { node, name, pause: Duration::ZERO })
    }

    /// Pauses that long between the reports of one request; some programs let 50 ms go by.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl Link for Hidraw {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        for (i, report) in reports(bytes).enumerate() {
            if i > 0 && !self.pause.is_zero() {
                self.pause(self.pause);
            }
            if Instant::now() > deadline {
                let late = io::Error::from(io::ErrorKind::TimedOut);
                return Err(Error::io(&*self.name, "writing", late));
            }
            // A report is written whole or not at all; `write_all` starts again after a signal.
            let written = self.node.write_all(&report);
            written.map_err(|source| Error::io(&*self.name, "writing", source))?;
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let ready = poll::wait(&self.node, PollFlags::IN, deadline)
            .map_err(|source| Error::io(&*self.name, "waiting", source))?;
        if ready.is_empty() {
            return Ok(());
        }
        // What was queued before an unplug is still read; then comes EIO.
        let mut report = [0; 64];
        for _ in 0..QUEUED {
            match self.node.read(&mut report) {
                Ok(0) => {
                    let gone = io::ErrorKind::UnexpectedEof.into();
                    return Err(Error::io(&*self.name, "reading", gone));
                }
                Ok(len) => buffer.extend_from_slice(report.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if !buffer.is_empty() => break,
                Err(source) => return Err(Error::io(&*self.name, "reading", source)),
            }
        }
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}

const REPORT: usize = 8;

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
        let node = File::from(OwnedFd::from(host));
        let link = Hidraw { node, name: "hidraw:test".to_owned(), pause: Duration::ZERO };
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
}
