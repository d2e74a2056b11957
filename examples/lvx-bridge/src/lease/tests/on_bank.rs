//! A client of the socket in the virtual time of the bank.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use pi18_transport::{
    Error, Link,
    bridge::Bridge,
    bytes::BytesMut,
    sim::{SharedBank, SimLink},
};

/// A link through the real socket, whose deadlines are times of the bank. While the bridge carries out an exchange, the
/// clock of the bank moves by itself.
pub(super) struct OnBank {
    bridge: Bridge,
    clock: SimLink,
    /// Whether an answer of the bridge is to come.
    is_open: bool,
}

impl OnBank {
    /// Opens a unit of the bridge.
    pub(super) fn open(unit: &str, socket: &Path, bank: &SharedBank) -> Result<Self, Error> {
        let bridge = Bridge::open(unit, socket, Duration::from_secs(2))?;
        Ok(Self { bridge, clock: bank.link(0), is_open: false })
    }
}

impl Link for OnBank {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        self.bridge.send(bytes, Instant::now() + GUARD)?;
        self.is_open = true;
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let (before, start) = (buffer.len(), Instant::now());
        let is_waiting = self.is_open && deadline > self.now();
        self.bridge.receive(buffer, if is_waiting { start + GUARD } else { start })?;
        if buffer.len() > before || !is_waiting && deadline <= self.now() {
            return Ok(());
        }
        assert!(start.elapsed() < GUARD, "the bridge hangs");
        self.is_open = false;
        self.clock.pause(deadline.saturating_duration_since(self.clock.now()));
        Ok(())
    }

    fn name(&self) -> &str {
        self.bridge.name()
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn pause(&mut self, time: Duration) {
        self.clock.pause(time);
    }

    fn reopen(&mut self, _deadline: Instant) -> Result<bool, Error> {
        self.bridge.reopen(Instant::now() + GUARD)
    }

    fn is_shared(&self) -> bool {
        self.bridge.is_shared()
    }
}

/// Longest wait for the bridge, in real time.
const GUARD: Duration = Duration::from_secs(30);
