//! A link to a virtual pack.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::SharedBank;
use crate::{Error, Link, error::Cause};

/// A link to one virtual pack, from [`SharedBank::pack_link`] or an address such as `sim:pack0`.
///
/// The pack answers Modbus RTU at address 64. It has one line: the bytes that one link receives do not reach another
/// link or server.
///
/// ```
/// use std::time::Duration;
///
/// use bytes::BytesMut;
/// use pi18_transport::{
///     Link,
///     sim::{Bank, BankConfig, SharedBank},
/// };
///
/// let bank = SharedBank::virtual_time(Bank::new(BankConfig::default())?);
/// let mut link = bank.pack_link(0);
/// // Reads the number of cells, register 36.
/// let deadline = link.now() + Duration::from_secs(1);
/// link.send(b"\x40\x03\x00\x24\x00\x01\xCB\x10", deadline)?;
/// let mut reply = BytesMut::new();
/// while reply.len() < 7 {
///     link.receive(&mut reply, deadline)?;
/// }
/// assert_eq!(&reply[..5], b"\x40\x03\x02\x00\x10");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PackLink {
    shared: SharedBank,
    pack: usize,
    name: String,
}

impl PackLink {
    pub(super) fn new(shared: SharedBank, pack: usize) -> Self {
        let now = shared.elapsed();
        shared.with(|bank| bank.open_pack(pack, now));
        Self { shared, pack, name: format!("sim:pack{pack}") }
    }

    /// Returns the bank to which the link leads.
    #[must_use]
    pub fn bank(&self) -> &SharedBank {
        &self.shared
    }

    /// Returns the time at which the next byte reaches the host.
    pub(in crate::sim) fn next_due(&self) -> Option<Instant> {
        let due = self.shared.lock().bank.pack_due(self.pack)?;
        self.shared.0.start.checked_add(due)
    }

    fn disconnected(&self) -> Error {
        let why = io::Error::new(io::ErrorKind::NotConnected, "the virtual cable is unplugged");
        Error::from_cause(&self.name, Cause::Disconnected(why))
    }
}

impl Link for PackLink {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let now = self.shared.now_of(&state);
        state.bank.send_to_pack(self.pack, bytes, now);
        let connected = state.bank.has_pack(self.pack);
        self.shared.notify_changed(&state);
        if connected { Ok(()) } else { Err(self.disconnected()) }
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let deadline = deadline.saturating_duration_since(self.shared.0.start);
        let before = buffer.len();
        loop {
            let mut state = self.shared.lock();
            let now = self.shared.now_of(&state);
            state.bank.receive_from_pack(self.pack, now, buffer);
            if buffer.len() > before {
                return Ok(());
            }
            if !state.bank.has_pack(self.pack) {
                return Err(self.disconnected());
            }
            if now >= deadline {
                return Ok(());
            }
            let due = state.bank.pack_due(self.pack).unwrap_or(deadline);
            self.shared.wait(state, NO_WIRE, due.min(deadline));
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn now(&self) -> Instant {
        self.shared.0.start + self.shared.elapsed()
    }

    fn pause(&mut self, time: Duration) {
        let state = self.shared.lock();
        if let Some(elapsed) = state.elapsed {
            self.shared.wait(state, NO_WIRE, elapsed.saturating_add(time));
        } else {
            drop(state);
            std::thread::sleep(time);
        }
    }

    fn starts_quiet(&self) -> bool {
        true
    }
}

impl fmt::Debug for PackLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackLink").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A number that no wire has: links to packs are not concurrent links.
const NO_WIRE: usize = usize::MAX;
