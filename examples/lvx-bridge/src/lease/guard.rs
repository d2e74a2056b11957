//! Decides whether set commands are sent over the socket, and records them.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use pi18_proto::SerialNumber;
use serde::Serialize;

use crate::{
    Now,
    control::{AuditFile, OFF},
    storage::Storage,
};

/// What clients may write, and the record of it. All connections share it.
pub(super) struct WriteGuard {
    allows_writes: bool,
    allows_tcp_units: bool,
    storage: Arc<dyn Storage>,
    audit: Mutex<AuditFile>,
}

/// A line of the audit file.
#[derive(Debug, Serialize)]
struct Line<'a> {
    written: Timestamp,
    by: &'a str,
    unit: &'a str,
    serial_number: &'a str,
    frame: &'a str,
}

impl WriteGuard {
    /// Opens the audit file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn open(
        allows_writes: bool,
        allows_tcp_units: bool,
        storage: Arc<dyn Storage>,
    ) -> io::Result<Self> {
        let audit = Mutex::new(AuditFile::open(&*storage, AUDIT)?);
        Ok(Self { allows_writes, allows_tcp_units, storage, audit })
    }

    /// Checks that clients may write to a unit on a link with this address.
    ///
    /// # Errors
    /// Why they may not, and what accepts it.
    pub(super) fn check(&self, address: &str) -> Result<(), String> {
        if !self.allows_writes {
            return Err("the configuration of the bridge does not allow set commands over the \
                        socket (lease.allow_writes)"
                .to_owned());
        }
        // If the storage cannot be read, the file counts as present.
        if !matches!(self.storage.load(OFF), Ok(None)) {
            return Err(format!("writing was stopped by the file {OFF}; remove it to go on"));
        }
        if address.starts_with("tcp:") && !self.allows_tcp_units {
            return Err(
                "the unit is on tcp:, where everyone in the network can pretend to be it; \
                        control.allow_tcp_units accepts this"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Writes the line of a set command. When this returns, the line survives a crash.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub(super) fn record(
        &self,
        by: &str,
        unit: &str,
        serial: SerialNumber,
        frame: &str,
    ) -> io::Result<()> {
        let serial_number = serial.as_str();
        let line = Line { written: Now::system().wall, by, unit, serial_number, frame };
        let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        audit.add(&*self.storage, &line)
    }
}

impl fmt::Debug for WriteGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGuard")
            .field("allows_writes", &self.allows_writes)
            .finish_non_exhaustive()
    }
}

/// Name of the audit file.
const AUDIT: &str = "lease.audit";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn kill_switch_and_units_over_tcp_block_writes() {
        let storage = MemoryStorage::default();
        let open = |writes, tcp| WriteGuard::open(writes, tcp, Arc::new(storage.clone())).unwrap();
        assert_eq!(open(true, false).check("/dev/hidraw0"), Ok(()));
        assert!(open(false, true).check("/dev/hidraw0").is_err());
        let why = open(true, false).check("tcp:192.0.2.1:8888").unwrap_err();
        assert!(why.ends_with("control.allow_tcp_units accepts this"), "{why}");
        assert_eq!(open(true, true).check("tcp:192.0.2.1:8888"), Ok(()));
        storage.save(OFF, b"").unwrap();
        let why = open(true, true).check("/dev/hidraw0").unwrap_err();
        assert_eq!(why, "writing was stopped by the file control.off; remove it to go on");
    }
}
