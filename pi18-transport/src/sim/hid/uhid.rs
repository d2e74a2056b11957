//! A HID device that this process implements through `/dev/uhid`.

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
use crate::{Error, ErrorKind, error::Cause, os::poll, sim::report::Report};

/// A virtual HID device through `/dev/uhid`, plugged in until it is dropped.
///
/// The owner sends and receives reports with [`input`](Self::input) and [`output`](Self::output). The
/// kernel creates a real `/dev/hidraw` node for the device, with the events that udev sees.
///
/// It differs from a USB device in three ways: sysfs has no `idVendor` for it, a host's write never blocks,
/// and the kernel queues 31 unread events for the owner and drops later ones.
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
    /// Creates a device, which plugs it in. Its [`node`](Self::node) appears a moment later.
    ///
    /// # Errors
    /// If a text of the identity is too long or contains a control character, if `/dev/uhid` does not exist,
    /// or if this user may not open it.
    pub fn create(identity: &HidIdentity) -> Result<Self, Error> {
        let texts = [&identity.name, &identity.port, &identity.serial];
        for (text, max) in texts.into_iter().zip(event::MAX_TEXT_LENGTHS) {
            if text.len() > max || text.contains(char::is_control) {
                let why = format!(
                    "expected at most {max} bytes without control characters, found {text:?}"
                );
                return Err(Error::new(ErrorKind::Address, &identity.port, why));
            }
        }
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(UHID, flags, Mode::empty());
        let file = file.map_err(|source| explain(source.into()))?;
        let device = Self { file: File::from(file), port: identity.port.clone() };
        device.write(&event::create(identity))?;
        Ok(device)
    }

    /// Returns the port at which the device is plugged in.
    #[must_use]
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Waits until the device has a node and returns its path, as [`hidraw_node`] does.
    ///
    /// # Errors
    /// If the device has no node before the timeout.
    pub fn node(&self, timeout: Duration) -> Result<PathBuf, Error> {
        hidraw_node(&self.port, timeout)
    }

    /// Sends a report to the programs that have the node open. It is lost if there are none.
    ///
    /// # Errors
    /// If the kernel does not accept the report.
    pub fn input(&self, report: &Report) -> Result<(), Error> {
        self.write(&event::input(*report))
    }

    /// Waits for the next report that the host writes, and returns it without the leading zero that
    /// means "no report number". Returns `None` if no report arrives in time. With a timeout of zero, it only
    /// checks once.
    ///
    /// The report has eight bytes if the host follows the descriptor. Other requests of the host are
    /// answered during the wait.
    ///
    /// # Errors
    /// If `/dev/uhid` cannot be read.
    pub fn output(&self, timeout: Duration) -> Result<Option<Vec<u8>>, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            let ready = poll::wait(&self.file, PollFlags::IN, deadline)
                .map_err(|source| Error::io(&self.port, "waiting", source))?;
            if ready.is_empty() {
                return Ok(None);
            }
            let mut bytes = vec![0; EVENT_LENGTH];
            let read = match (&self.file).read(&mut bytes) {
                Ok(read) => read,
                Err(error) if is_transient(&error) => continue,
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
        // The kernel accepts a whole event or nothing; `write_all` repeats the write after a signal.
        let written = (&self.file).write_all(event);
        written.map_err(|source| Error::io(&self.port, "writing", source))
    }
}

impl AsFd for UhidDevice {
    /// Returns the file that becomes readable when [`output`](UhidDevice::output) has to be called.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for UhidDevice {
    fn drop(&mut self) {
        // If this fails, closing the file unplugs the device.
        let _ = self.write(&event::destroy());
    }
}

impl fmt::Debug for UhidDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UhidDevice").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Returns whether an error of a read is transient: no event yet, or a signal.
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Returns a report without the leading report number 0.
fn without_number(mut report: Vec<u8>) -> Vec<u8> {
    if report.first() == Some(&0) {
        report.remove(0);
    }
    report
}

/// Returns the error that `/dev/uhid` cannot be opened, with a hint.
fn explain(source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => ACCESS,
        _ => "`sudo modprobe uhid` loads the module that creates it",
    };
    Error::from_cause(UHID, Cause::Open(source)).with_hint(hint)
}

const UHID: &str = "/dev/uhid";

const ACCESS: &str = "run this as root (`sudo`); or add this rule as \
    /etc/udev/rules.d/70-uhid.rules, then `sudo udevadm control --reload` and \
    `sudo udevadm trigger /dev/uhid`: KERNEL==\"uhid\", GROUP=\"plugdev\", MODE=\"0660\"";

#[cfg(test)]
mod tests {
    use std::os::{fd::OwnedFd, unix::net::UnixDatagram};

    use super::*;

    /// Returns a device with a socket instead of `/dev/uhid`, and the other end of the socket. It is a
    /// datagram socket, which keeps events apart.
    fn pair() -> (UnixDatagram, UhidDevice) {
        let (kernel, device) = UnixDatagram::pair().unwrap();
        device.set_nonblocking(true).unwrap();
        let file = File::from(OwnedFd::from(device));
        (kernel, UhidDevice { file, port: "test/input0".to_owned() })
    }

    /// Receives the next event that the device has written.
    fn event_to(kernel: &UnixDatagram) -> Vec<u8> {
        let mut bytes = vec![0; EVENT_LENGTH];
        let length = kernel.recv(&mut bytes).unwrap();
        bytes.truncate(length);
        bytes
    }

    /// Returns the event of a report that the host writes.
    fn output_event(report: &[u8]) -> Vec<u8> {
        let mut event = vec![0; EVENT_LENGTH];
        event[..4].copy_from_slice(&6_u32.to_ne_bytes());
        event[4..4 + report.len()].copy_from_slice(report);
        let length = u16::try_from(report.len()).unwrap();
        event[4100..4102].copy_from_slice(&length.to_ne_bytes());
        event
    }

    #[test]
    fn output_report_is_read_without_number() {
        let (kernel, device) = pair();
        assert_eq!(device.output(Duration::ZERO).unwrap(), None);
        kernel.send(&output_event(b"\0^P005PIq")).unwrap();
        kernel.send(&output_event(b"\0\0\0\0\0\0\0\0\0")).unwrap();
        kernel.send(&output_event(b"^P005PIq")).unwrap();
        let next = || device.output(Duration::from_secs(1)).unwrap().unwrap();
        assert_eq!(next(), b"^P005PIq");
        assert_eq!(next(), [0; 8]);
        assert_eq!(next(), b"^P005PIq");
    }

    #[test]
    fn get_report_request_is_refused_at_once() {
        let (kernel, device) = pair();
        let mut request = vec![0; EVENT_LENGTH];
        request[..4].copy_from_slice(&9_u32.to_ne_bytes());
        request[4] = 3;
        kernel.send(&request).unwrap();
        assert_eq!(device.output(Duration::ZERO).unwrap(), None);
        assert_eq!(event_to(&kernel), event::refuse_get(u32::from_ne_bytes([3, 0, 0, 0])));
    }

    #[test]
    fn dropped_device_is_unplugged() {
        let (kernel, device) = pair();
        device.input(b"(NAKss\r\0").unwrap();
        assert_eq!(event_to(&kernel), event::input(*b"(NAKss\r\0"));
        drop(device);
        assert_eq!(event_to(&kernel), event::destroy());
    }

    #[test]
    fn errors_of_create_name_the_next_step() {
        let missing = explain(io::Error::from_raw_os_error(2));
        assert!(missing.is_not_found());
        assert_eq!(
            format!("{missing:#}"),
            "/dev/uhid: cannot be opened: No such file or directory (os error 2); \
             `sudo modprobe uhid` loads the module that creates it"
        );
        let refused = explain(io::Error::from_raw_os_error(13));
        assert!(refused.is_permission());
        assert!(format!("{refused:#}").contains("; run this as root (`sudo`); or add this rule"));
        let error = UhidDevice::create(&HidIdentity::adapter("x".repeat(64))).unwrap_err();
        assert!(error.is_address());
        assert!(error.to_string().contains("expected at most 63 bytes"), "{error}");
    }
}
