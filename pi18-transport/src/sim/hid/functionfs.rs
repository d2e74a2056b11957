//! A HID device that this process implements on the USB device port of this machine.
//!
//! A write to the endpoint blocks until the host fetches the report, and the host fetches reports only while
//! one of its programs has the node open. Therefore a separate thread writes the reports, from the queue in
//! [`outbox`].

mod event;
mod outbox;

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    fs::{Mode, OFlags},
};

use self::{
    event::{EVENT_LENGTH, Event, Request},
    outbox::Outbox,
};
use crate::{Error, error::Cause, os::poll, sim::report::Report};

/// A virtual HID device behind a mounted `FunctionFS`, the file system through which a program on Linux
/// implements a USB device (a "gadget"). It has one endpoint to the host; output reports arrive on the
/// control pipe, as with the adapter that is built into the inverters.
///
/// The host sees it while its gadget is bound to a USB device controller: that of a machine such as a
/// Raspberry Pi Zero, or that of the module `dummy_hcd`, whose host is this machine itself. The gadget can
/// be unbound and bound again. Vendor, product and names are properties of the gadget.
///
/// The owner has to call [`output`](Self::output) continuously, even while the host configures the device,
/// because it answers the requests of the host.
///
/// When the device is dropped, the kernel unbinds the gadget. If a report is waiting for the host, the kernel
/// does so only when the host fetches the report or the process ends, unless the gadget is unbound by hand.
///
/// ```no_run
/// use std::{path::Path, time::Duration};
///
/// use pi18_transport::sim::FunctionFsDevice;
///
/// let device = FunctionFsDevice::create(Path::new("/dev/ffs0"))?;
/// while let Some(report) = device.output(Duration::from_secs(60))? {
///     println!("{report:?}");
///     device.input(b"(NAKss\r\0");
/// }
/// # Ok::<(), pi18_transport::Error>(())
/// ```
pub struct FunctionFsDevice {
    control: File,
    outbox: Arc<Outbox>,
    place: String,
}

impl FunctionFsDevice {
    /// Writes the descriptors of the device to a mounted `FunctionFS`. Afterwards the gadget can be bound.
    ///
    /// # Errors
    /// If the folder is not a mounted `FunctionFS`, if another program serves it, or if this user may not
    /// open it.
    pub fn create(mount: &Path) -> Result<Self, Error> {
        let place = mount.display().to_string();
        let open = |name, flags| {
            let file = rustix::fs::open(mount.join(name), flags | OFlags::CLOEXEC, Mode::empty());
            file.map(File::from).map_err(|source| explain(&place, source.into()))
        };
        let control = open("ep0", OFlags::RDWR | OFlags::NONBLOCK)?;
        for described in [event::descriptors(), event::strings()] {
            let written = (&control).write_all(&described);
            written.map_err(|source| {
                Error::io(&place, "describing the device", source).with_hint(IN_USE)
            })?;
        }
        // A write fails at once if there is no host, but blocks if the host does not fetch reports.
        let endpoint = open("ep1", OFlags::RDWR | OFlags::NONBLOCK)?;
        let outbox = Arc::new(Outbox::new());
        let sender = Arc::clone(&outbox);
        let thread = thread::Builder::new().name(format!("send {place}"));
        // The thread is not joined, because it may wait for the host indefinitely.
        thread
            .spawn(move || sender.send_to(endpoint))
            .map_err(|source| Error::io(&place, "starting a thread", source))?;
        Ok(Self { control, outbox, place })
    }

    /// Queues a report. It is lost if no host has configured the device, if 64 reports are queued already,
    /// or if the host disappears before it fetches the report.
    pub fn input(&self, report: &Report) {
        self.outbox.put(*report);
    }

    /// Waits until the host has fetched every report. Returns `false` if that takes longer than `timeout`.
    #[must_use]
    pub fn flush(&self, timeout: Duration) -> bool {
        self.outbox.wait_until_empty(timeout)
    }

    /// Waits for the next output report of the host, usually of eight bytes. Returns `None` if no report
    /// arrives in time. With a timeout of zero, it only checks once.
    ///
    /// # Errors
    /// If the `FunctionFS` cannot be read.
    pub fn output(&self, timeout: Duration) -> Result<Option<Vec<u8>>, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            let ready = poll::wait(&self.control, PollFlags::IN, deadline)
                .map_err(|source| Error::io(&self.place, "waiting", source))?;
            if ready.is_empty() {
                return Ok(None);
            }
            let mut event = [0; EVENT_LENGTH];
            let read = match (&self.control).read(&mut event) {
                Ok(read) => read,
                Err(error) if is_transient(&error) => {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                    thread::sleep(RETRY_DELAY);
                    continue;
                }
                Err(source) => return Err(Error::io(&self.place, "reading", source)),
            };
            match Event::read(event.get(..read).unwrap_or_default()) {
                Event::Enabled => self.outbox.enable(true),
                Event::Disabled => self.outbox.enable(false),
                Event::Request(request) => {
                    // An error means that the host has abandoned the request; the host repeats it.
                    if let Ok(Some(report)) = self.answer(request) {
                        return Ok(Some(report));
                    }
                }
                Event::Other => {}
            }
        }
    }

    /// Answers a request of the host, and returns the output report if the request is one. A read or write in
    /// the wrong direction refuses ("stalls") the request, and fails.
    fn answer(&self, request: Request) -> io::Result<Option<Vec<u8>>> {
        let mut control = &self.control;
        match request {
            Request::Descriptor { bytes, max } => {
                let _ = control.write(bytes.get(..max).unwrap_or(bytes))?;
            }
            Request::Output { length } => {
                let mut report = vec![0; length.min(MAX_REPORT_LENGTH)];
                let read = control.read(&mut report)?;
                report.truncate(read);
                return Ok(Some(report));
            }
            Request::Idle | Request::RefusedIn => {
                let _ = control.read(&mut [])?;
            }
            Request::RefusedOut => {
                let _ = control.write(&[])?;
            }
        }
        Ok(None)
    }
}

impl AsFd for FunctionFsDevice {
    /// Returns the file that becomes readable when [`output`](FunctionFsDevice::output) has to be called.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }
}

impl Drop for FunctionFsDevice {
    fn drop(&mut self) {
        self.outbox.close();
    }
}

impl fmt::Debug for FunctionFsDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionFsDevice").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Returns whether an error of a read is transient: no event yet, a signal, a request that the host has
/// withdrawn (`EIDRM`), or a gadget that is being unbound before a request is answered (`ESHUTDOWN`).
fn is_transient(error: &io::Error) -> bool {
    use rustix::io::Errno;

    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || [Errno::IDRM, Errno::SHUTDOWN]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Time before a read is repeated after a transient error.
const RETRY_DELAY: Duration = Duration::from_millis(1);

/// Returns the error that the `FunctionFS` cannot be opened, with a hint.
fn explain(place: &str, source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "run this as root (`sudo`), or mount it with `-o uid=` and your user ID"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "expected a mounted FunctionFS: `sudo mount -t functionfs NAME DIR`, where NAME is from \
             the gadget's function `ffs.NAME`"
        }
        _ => IN_USE,
    };
    Error::from_cause(place, Cause::Open(source)).with_hint(hint)
}

const IN_USE: &str = "if another program serves it, end that program";

/// Largest number of bytes that are read from an output report.
const MAX_REPORT_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_mount_error_names_the_mount_command() {
        let error = FunctionFsDevice::create(Path::new("/no/such/folder")).unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(
            format!("{error:#}"),
            "/no/such/folder: cannot be opened: No such file or directory (os error 2); expected a \
             mounted FunctionFS: `sudo mount -t functionfs NAME DIR`, where NAME is from the \
             gadget's function `ffs.NAME`"
        );
    }
}
