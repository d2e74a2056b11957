//! RS-232: 2400 baud, 8 data bits, no parity, 1 stop bit, no flow control.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::{
    io::{self, Read, Write},
    path::Path,
    time::Instant,
};

use bytes::BytesMut;
use rustix::fs::{Mode, OFlags};
use serialport::{DataBits, FlowControl, Parity, SerialPort, StopBits};

use super::Link;
use crate::{
    Error,
    error::Cause,
    os::{lock, permission},
};

/// An open serial port.
///
/// ```no_run
/// use std::path::Path;
///
/// use pi18_proto::Mode;
/// use pi18_transport::{BAUD, Client, Serial};
///
/// let mut unit = Client::new(Serial::open(Path::new("/dev/ttyUSB0"), BAUD)?);
/// println!("{}", unit.read::<Mode>()?.working_mode);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
pub struct Serial {
    port: Box<dyn SerialPort>,
    name: String,
    /// The same port, opened once more to wait for bytes: `port` does not lend its descriptor.
    node: OwnedFd,
}

impl Serial {
    /// Opens a port such as `/dev/ttyUSB0` at [`BAUD`](crate::BAUD) or another speed, and locks it.
    ///
    /// # Errors
    /// If the port cannot be opened, is not a serial port, or is locked by another program.
    pub fn open(path: &Path, baud: u32) -> Result<Self, Error> {
        let name = format!("serial:{}", path.display());
        // Before the port is locked, because the lock also keeps this program out.
        let node = {
            let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            rustix::fs::open(path, flags, Mode::empty())
        };
        let opened = serialport::new(path.to_string_lossy(), baud)
            .data_bits(DataBits::Eight)
            .parity(Parity::None)
            .stop_bits(StopBits::One)
            .flow_control(FlowControl::None)
            .open();
        match opened {
            Ok(port) => Ok(Self {
                port,
                node: node.map_err(|error| permission::open_error(&name, path, error.into()))?,
                name,
            }),
            Err(error) if error.kind == serialport::ErrorKind::NoDevice && path.exists() => {
                Err(lock::busy(path, &name))
            }
            Err(error) => Err(permission::open_error(&name, path, error.into())),
        }
    }

    /// Returns the error of a port that is gone. Every failure of an open port except a timeout means that.
    fn gone(&self, source: io::Error) -> Error {
        Error::from_cause(&*self.name, Cause::Disconnected(source))
    }
}

impl Link for Serial {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let written = self
            .port
            .set_timeout(left)
            .map_err(io::Error::from)
            .and_then(|()| self.port.write_all(bytes));
        written.map_err(|source| match source.kind() {
            io::ErrorKind::TimedOut => Error::io(&*self.name, "writing", source),
            _ => self.gone(source),
        })
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let mut chunk = [0; 256];
        let left = deadline.saturating_duration_since(Instant::now());
        let read = self
            .port
            .set_timeout(left)
            .map_err(io::Error::from)
            .and_then(|()| self.port.read(&mut chunk));
        match read {
            Ok(0) => Err(self.gone(io::ErrorKind::UnexpectedEof.into())),
            Ok(len) => {
                buffer.extend_from_slice(chunk.get(..len).unwrap_or_default());
                Ok(())
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) =>
            {
                Ok(())
            }
            Err(source) => Err(self.gone(source)),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.node.as_fd())
    }
}

impl std::fmt::Debug for Serial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serial").field("name", &self.name).finish_non_exhaustive()
    }
}
