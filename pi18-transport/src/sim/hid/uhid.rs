//! A HID device that this process is, through `/dev/uhid`.

mod event;

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    fs::{Mode, OFlags},
};

use self::event::{EVENT_LENGTH, Event};
use super::{identity::HidIdentity, node::hidraw_node};
use crate::{Error, error::ErrorKind, os::poll, sim::report::Report};

/// A HID device that does what its owner says, plugged in until it is dropped.
///
/// The kernel's HID core makes a real `/dev/hidraw` node for it, with the events that udev sees. It
/// is not below a USB device: sysfs has no `idVendor` for it, and a host's write never waits. The
/// kernel holds 31 events that were not taken and drops what comes after them.
///
/// ```no_run
/// use std::time::Duration;
///
/// use pi18_transport::sim::{HidIdentity, UhidDevice};
///
/// let device = UhidDevice::create(&HidIdentity::adapter("some-ups/input0"))?;
/// println!("{}", device.node(Duration::from_secs(5))?.display());
/// while let Some(report) = device.output(Duration::from_secs(60))? {
///     println!("{report:?}");
///     device.input(b"(NAKss\r\0")?;
/// }
/// # Ok::<(), pi18_transport::Error>(())
/// ```
pub struct UhidDevice {
    file: File,
    port: String,
}

impl UhidDevice {
    /// Plugs a device in. Its node is there a moment later: [`node`](Self::node).
    ///
    /// # Errors
    /// If a text of the identity is too long or has a control character in it, `/dev/uhid` is not
    /// there, or this user may not open it.
    pub fn create(identity: &HidIdentity) -> Result<Self, Error> {
        let texts = [&identity.name, &identity.port, &identity.unique];
        for (text, most) in texts.into_iter().zip(event::MAX_TEXT_LENGTHS) {
            if text.len() > most || text.contains(char::is_control) {
                let why = format!(
                    "expected at most {most} bytes without control characters, found {text:?}"
                );
                return Err(Error::new(&identity.port, ErrorKind::Address { why }));
            }
        }
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(UHID, flags, Mode::empty());
        let file = file.map_err(|source| explain(source.into()))?;
        let device = Self { file: File::from(file), port: identity.port.clone() };
        device.write(&event::create(identity))?;
        Ok(device)
    }

    /// The port it is plugged in at.
    #[must_use]
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Waits until it has its node; as [`hidraw_node`].
    ///
    /// # Errors
    /// If it has none by then.
    pub fn node(&self, within: Duration) -> Result<PathBuf, Error> {
        hidraw_node(&self.port, within)
    }

    /// Sends a report to whoever has the node open, at once; it is lost if nobody has.
    ///
    /// # Errors
    /// If the kernel does not take it.
    pub fn input(&self, report: &Report) -> Result<(), Error> {
        self.write(&event::input(*report))
    }

    /// The next report that the host wrote, without the zero that stands for "no number" before it:
    /// eight bytes from a host that keeps to the descriptor, any other number from one that does not.
    /// `None` if none comes in time; a time of zero looks once.
    ///
    /// The host's other requests are answered in here.
    ///
    /// # Errors
    /// If `/dev/uhid` cannot be read.
    pub fn output(&self, within: Duration) -> Result<Option<Vec<u8>>, Error> {
        let deadline = Instant::now() + within;
        loop {
            let ready = poll::wait(&self.file, PollFlags::IN, deadline)
                .map_err(|source| Error::io(&self.port, "waiting", source))?;
            if ready.is_empty() {
                return Ok(None);
            }
            let mut bytes = vec![0; EVENT_LENGTH];
            let read = match (&self.file).read(&mut bytes) {
                Ok(read) => read,
                Err(error) if is_passing(&error) => continue,
                Err(source) => return Err(Error::io(&self.port, "reading", source)),
            };
            let output = match Event::read(bytes.get(..read).unwrap_or_default()) {
                Event::Output(report) => Some(report),
                Event::Get { id } => {
                    self.write(&event::refuse_get(id))?;
                    None
                }
                Event::Set { id, output } => {
                    self.write(&event::answer_set(id, output.is_some()))?;
                    output
                }
                Event::Other => None,
            };
            if let Some(report) = output {
                return Ok(Some(without_number(report)));
            }
        }
    }

    fn write(&self, event: &[u8]) -> Result<(), Error> {
        // An event is written whole or not at all; `write_all` starts again after a signal.
        let written = (&self.file).write_all(event);
        written.map_err(|source| Error::io(&self.port, "writing", source))
    }
}

impl AsFd for UhidDevice {
    /// Readable when [`output`](UhidDevice::output) has something to do.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for UhidDevice {
    fn drop(&mut self) {
        // Closing it unplugs it as well.
        let _ = self.write(&event::destroy());
    }
}

impl fmt::Debug for UhidDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UhidDevice").field("port", &self.port).finish_non_exhaustive()
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn without_number(mut report: Vec<u8>) -> Vec<u8> {
    if report.first() == Some(&0) {
        report.remove(0);
    }
    report
}

fn explain(source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => ACCESS,
        _ => "`sudo modprobe uhid` loads what makes it",
    };
    Error::new(UHID, ErrorKind::Open(source)).hint(hint)
}

const UHID: &str = "/dev/uhid";

const ACCESS: &str = "run this as root (`sudo`); or add this rule as \
    /etc/udev/rules.d/70-uhid.rules, then `sudo udevadm control --reload` and \
    `sudo udevadm trigger /dev/uhid`: KERNEL==\"uhid\", GROUP=\"plugdev\", MODE=\"0660\"";

#[cfg(test)]
mod tests {
    use std::os::{fd::OwnedFd, unix::net::UnixDatagram};

    use super::*;

    /// A socket that keeps each write apart stands for `/dev/uhid`.
    fn pair() -> (UnixDatagram, UhidDevice) {
        let (kernel, device) = UnixDatagram::pair().unwrap();
        device.set_nonblocking(true).unwrap();
        let file = File::from(OwnedFd::from(device));
        (kernel, UhidDevice { file, port: "test/input0".to_owned() })
    }

    fn told(kernel: &UnixDatagram) -> Vec<u8> {
        let mut bytes = vec![0; EVENT_LENGTH];
        let length = kernel.recv(&mut bytes).unwrap();
        bytes.truncate(length);
        bytes
    }

    fn wrote(report: &[u8]) -> Vec<u8> {
        let mut event = vec![0; EVENT_LENGTH];
        event[..4].copy_from_slice(&6_u32.to_ne_bytes());
        event[4..4 + report.len()].copy_from_slice(report);
        let length = u16::try_from(report.len()).unwrap();
        event[4100..4102].copy_from_slice(&length.to_ne_bytes());
        event
    }

    #[test]
    fn takes_the_number_off_what_the_host_wrote() {
        let (kernel, device) = pair();
        assert_eq!(device.output(Duration::ZERO).unwrap(), None);
        kernel.send(&wrote(b"\0^P005PIq")).unwrap();
        kernel.send(&wrote(b"\0\0\0\0\0\0\0\0\0")).unwrap();
        kernel.send(&wrote(b"^P005PIq")).unwrap();
        let next = || device.output(Duration::from_secs(1)).unwrap().unwrap();
        assert_eq!(next(), b"^P005PIq");
        assert_eq!(next(), [0; 8]);
        assert_eq!(next(), b"^P005PIq");
    }

    #[test]
    fn lets_no_request_wait() {
        let (kernel, device) = pair();
        let mut asked = vec![0; EVENT_LENGTH];
        asked[..4].copy_from_slice(&9_u32.to_ne_bytes());
        asked[4] = 3;
        kernel.send(&asked).unwrap();
        assert_eq!(device.output(Duration::ZERO).unwrap(), None);
        assert_eq!(told(&kernel), event::refuse_get(u32::from_ne_bytes([3, 0, 0, 0])));
    }

    #[test]
    fn is_unplugged_when_it_is_dropped() {
        let (kernel, device) = pair();
        device.input(b"(NAKss\r\0").unwrap();
        assert_eq!(told(&kernel), event::input(*b"(NAKss\r\0"));
        drop(device);
        assert_eq!(told(&kernel), event::destroy());
    }

    #[test]
    fn says_what_to_do_where_it_cannot_be() {
        let missing = explain(io::Error::from_raw_os_error(2));
        assert!(missing.is_not_found());
        assert_eq!(
            missing.to_string(),
            "/dev/uhid: cannot be opened: No such file or directory (os error 2); \
             `sudo modprobe uhid` loads what makes it"
        );
        let refused = explain(io::Error::from_raw_os_error(13));
        assert!(refused.is_permission());
        assert!(refused.to_string().contains("; run this as root (`sudo`); or add this rule"));
        let error = UhidDevice::create(&HidIdentity::adapter("x".repeat(64))).unwrap_err();
        assert!(error.is_address());
        assert!(error.to_string().contains("expected at most 63 bytes"), "{error}");
    }
}
