//! A HID device that this process is, on the USB device port of this machine.
//!
//! A write to the endpoint ends once the host has fetched the report, which it does only while
//! somebody there has the node open. So a thread of its own does that, from a queue.

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
    event::{Asked, EVENT_LENGTH, Event},
    outbox::Outbox,
};
use crate::{Error, error::ErrorKind, os::poll, sim::report::Report};

/// A HID device behind a mounted `FunctionFS`, with one endpoint to the host; output reports come on
/// the control pipe, as with the adapter that is built into the inverters.
///
/// It is there for the host while the gadget is bound to a USB device controller: of a machine that
/// has one, such as a Raspberry Pi Zero, or of the module `dummy_hcd`, whose host is this machine
/// itself. The gadget can be unbound and bound again. Vendor, product and texts are the gadget's.
///
/// Whoever owns it has to call [`output`](Self::output) all the time, also to be plugged in: what the
/// host asks is answered in there.
///
/// When it is dropped, the kernel unbinds the gadget. If a report still waits for the host to fetch
/// it, that is only once the host does, the gadget is unbound by other means, or the process ends.
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
    /// Describes the device at a mounted `FunctionFS`; then the gadget can be bound.
    ///
    /// # Errors
    /// If the folder is not such a mount, another program serves it, or this user may not.
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
                Error::io(&place, "describing the device", source).hint(IN_USE)
            })?;
        }
        // Without waiting for a host that is not there; it waits for one that does not fetch.
        let endpoint = open("ep1", OFlags::RDWR | OFlags::NONBLOCK)?;
        let outbox = Arc::new(Outbox::new());
        let sender = Arc::clone(&outbox);
        let thread = thread::Builder::new().name(format!("send {place}"));
        // Not joined: it may wait for the host as long as that likes.
        thread
            .spawn(move || sender.send_to(endpoint))
            .map_err(|source| Error::io(&place, "starting a thread", source))?;
        Ok(Self { control, outbox, place })
    }

    /// Sends a report, in its turn. It is lost if no host has the device configured, if 64 wait
    /// already, or if the host goes before it has fetched it.
    pub fn input(&self, report: &Report) {
        self.outbox.put(*report);
    }

    /// Waits until the host has fetched every report; `false` if it has not by then.
    #[must_use]
    pub fn flush(&self, within: Duration) -> bool {
        self.outbox.wait_until_empty(within)
    }

    /// The next output report of the host, usually of eight bytes. `None` if none comes in time; a
    /// time of zero looks once.
    ///
    /// # Errors
    /// If the `FunctionFS` cannot be read.
    pub fn output(&self, within: Duration) -> Result<Option<Vec<u8>>, Error> {
        let deadline = Instant::now() + within;
        loop {
            let ready = poll::wait(&self.control, PollFlags::IN, deadline)
                .map_err(|source| Error::io(&self.place, "waiting", source))?;
            if ready.is_empty() {
                return Ok(None);
            }
            let mut event = [0; EVENT_LENGTH];
            let read = match (&self.control).read(&mut event) {
                Ok(read) => read,
                Err(error) if is_passing(&error) => {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                    thread::sleep(MOMENT);
                    continue;
                }
                Err(source) => return Err(Error::io(&self.place, "reading", source)),
            };
            match Event::read(event.get(..read).unwrap_or_default()) {
                Event::Enabled => self.outbox.enable(true),
                Event::Disabled => self.outbox.enable(false),
                Event::Asked(asked) => {
                    // A host that has given up its request by now asks again.
                    if let Ok(Some(report)) = self.answer(asked) {
                        return Ok(Some(report));
                    }
                }
                Event::Other => {}
            }
        }
    }

    /// A read or a write in the wrong direction refuses ("stalls"), and fails.
    fn answer(&self, asked: Asked) -> io::Result<Option<Vec<u8>>> {
        let mut control = &self.control;
        match asked {
            Asked::Descriptor { bytes, most } => {
                let _ = control.write(bytes.get(..most).unwrap_or(bytes))?;
            }
            Asked::Output { length } => {
                let mut report = vec![0; length.min(LONGEST)];
                let read = control.read(&mut report)?;
                report.truncate(read);
                return Ok(Some(report));
            }
            Asked::Idle | Asked::RefusedIn => {
                let _ = control.read(&mut [])?;
            }
            Asked::RefusedOut => {
                let _ = control.write(&[])?;
            }
        }
        Ok(None)
    }
}

impl AsFd for FunctionFsDevice {
    /// Readable when [`output`](FunctionFsDevice::output) has something to do.
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

/// A signal came, the host took its request back (`EIDRM`), or the gadget is just being unbound with
/// a request unanswered (`ESHUTDOWN`).
fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;

    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || [Errno::IDRM, Errno::SHUTDOWN]
            .iter()
            .any(|passing| error.raw_os_error() == Some(passing.raw_os_error()))
}

/// How long after that to look again.
const MOMENT: Duration = Duration::from_millis(1);

fn explain(place: &str, source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "run this as root (`sudo`), or mount it with `-o uid=` and your number"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "expected a mounted FunctionFS: `sudo mount -t functionfs NAME DIR`, where NAME is that of \
             the gadget's function `ffs.NAME`"
        }
        _ => IN_USE,
    };
    Error::new(place, ErrorKind::Open(source)).hint(hint)
}

const IN_USE: &str = "does another program serve it?";

/// Most bytes that are taken of a report.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_do_where_nothing_is_mounted() {
        let error = FunctionFsDevice::create(Path::new("/no/such/folder")).unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(
            error.to_string(),
            "/no/such/folder: cannot be opened: No such file or directory (os error 2); expected a \
             mounted FunctionFS: `sudo mount -t functionfs NAME DIR`, where NAME is that of the \
             gadget's function `ffs.NAME`"
        );
    }
}
