//! A unit on a pseudo-terminal.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    thread,
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use rustix::{fs::OFlags, io::Errno, pty::OpenptFlags, termios::OptionalActions};

use super::{CHUNK, Port, Served};
use crate::{Error, Link, sim::SharedBank};

/// Serves a unit on a new pseudo-terminal, which clients open like a serial port, one after another.
///
/// When the unit is disconnected, the terminal disappears. Use a bank in real time, because the server does
/// not advance a virtual clock.
///
/// # Errors
/// If the system has no free pseudo-terminal.
///
/// ```
/// use std::{
///     fs::File,
///     io::{Read, Write},
/// };
///
/// use pi18_transport::sim::{Bank, BankConfig, SharedBank, serve_pty};
///
/// let bank = SharedBank::real_time(Bank::new(BankConfig::default())?);
/// let served = serve_pty(&bank, 0)?;
/// let mut port = File::options().read(true).write(true).open(served.path())?;
/// port.write_all(b"^P005PIq\x8b\r")?;
/// let mut reply = [0; 10];
/// port.read_exact(&mut reply)?;
/// assert_eq!(&reply, b"^D00518;\x03\r");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn serve_pty(shared: &SharedBank, unit: usize) -> Result<Served, Error> {
    let link = shared.link(unit);
    let name = link.name().to_owned();
    let opened = Pty::open().and_then(|(path, pty)| Served::start(path, link, pty));
    opened.map_err(|error| Error::io(name, "serving it on a pty", error))
}

/// Serves a battery pack on a new pseudo-terminal, as [`serve_pty`] does a unit.
///
/// # Errors
/// If the system has no free pseudo-terminal.
pub fn serve_pack_pty(shared: &SharedBank, pack: usize) -> Result<Served, Error> {
    let link = shared.pack_link(pack);
    let name = link.name().to_owned();
    let opened = Pty::open().and_then(|(path, pty)| Served::start(path, link, pty));
    opened.map_err(|error| Error::io(name, "serving it on a pty", error))
}

struct Pty {
    master: OwnedFd,
    /// The client's end, kept open so that the terminal continues to exist when a client closes it.
    slave: OwnedFd,
}

impl Pty {
    fn open() -> io::Result<(String, Self)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let path = rustix::pty::ptsname(&master, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&path, flags, rustix::fs::Mode::empty())?;
        let mut mode = rustix::termios::tcgetattr(&slave)?;
        mode.make_raw();
        rustix::termios::tcsetattr(&slave, OptionalActions::Now, &mode)?;
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        let path = path.to_string_lossy().into_owned();
        Ok((path, Self { master, slave }))
    }
}

impl Port for Pty {
    fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.master.as_fd()].into_iter()
    }

    fn receive(&mut self, buffer: &mut BytesMut) -> bool {
        let mut chunk = [0; CHUNK];
        match rustix::io::read(&self.master, &mut chunk) {
            Ok(count) => {
                buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                // A killed client leaves the terminal in exclusive mode, which locks the next client out as
                // long as this end is open. Root is not locked out, so only tests as another user show the
                // effect.
                let _ = rustix::termios::ioctl_tiocnxcl(&self.slave);
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return false,
        }
        true
    }

    fn send(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Ok(count) = rustix::io::write(&self.master, rest)
            && count > 0
            && count < rest.len()
        {
            rest.advance(count);
        }
    }

    /// Waits until the client has read the last bytes, because closing the terminal would drop them.
    fn disconnect(&mut self) -> bool {
        let end = Instant::now() + LINGER;
        loop {
            // Written bytes reach the client's end with a short delay.
            thread::sleep(LINGER / 20);
            let unread = rustix::io::ioctl_fionread(&self.slave).unwrap_or(0);
            if unread == 0 || Instant::now() >= end {
                return false;
            }
        }
    }
}

/// Time that the client has to read the last bytes of a disconnected unit.
const LINGER: Duration = Duration::from_millis(100);
