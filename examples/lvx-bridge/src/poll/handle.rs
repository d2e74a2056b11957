//! How other parts of the bridge use a link: as jobs, between two questions of the poller.

use std::{
    fmt,
    os::fd::BorrowedFd,
    sync::{Arc, Mutex, PoisonError},
};

use pi18_proto::SerialNumber;
use rustix::fs::{FileType, fstat};

use super::{
    queue::{Job, JobEffect, JobSender, LinkGone, Priority},
    traffic::Traffic,
};

/// The unit that answers on a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LinkUnit {
    /// Its serial number.
    pub serial: SerialNumber,
    /// Number of the device node that is open; `None` without a node, for example over TCP.
    pub node: Option<u64>,
}

/// Access to a link that a poller owns. Clones lead to the same link.
#[derive(Clone)]
pub struct LinkHandle {
    address: String,
    jobs: JobSender,
    unit: Arc<Mutex<Option<LinkUnit>>>,
    traffic: Traffic,
}

impl LinkHandle {
    /// Creates a handle. `unit` is the unit that answers on the link now, which the poller keeps up to date.
    #[must_use]
    pub fn new(address: String, jobs: JobSender, unit: Arc<Mutex<Option<LinkUnit>>>) -> Self {
        Self { address, jobs, unit, traffic: Traffic::default() }
    }

    /// Lets the handle return this traffic.
    #[must_use]
    pub fn with_traffic(self, traffic: Traffic) -> Self {
        Self { traffic, ..self }
    }

    /// Returns the last traffic of the link.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Returns the address of the link.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the unit that answers on the link now.
    #[must_use]
    pub fn unit(&self) -> Option<LinkUnit> {
        *self.unit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the serial number of the unit that answers on the link now.
    #[must_use]
    pub fn serial(&self) -> Option<SerialNumber> {
        self.unit().map(|unit| unit.serial)
    }

    /// Hands a job to the poller, which does it after all others that wait.
    ///
    /// # Errors
    /// If the poller has ended.
    pub fn run(&self, job: Job) -> Result<(), LinkGone> {
        self.run_with(Priority::Client, job)
    }

    /// Hands a job to the poller.
    ///
    /// # Errors
    /// If the poller has ended.
    pub fn run_with(&self, priority: Priority, job: Job) -> Result<(), LinkGone> {
        self.jobs.send(priority, job)
    }

    /// Lets the poller read the settings of its unit again, because another unit of the bank got a set command.
    pub fn set_elsewhere(&self) {
        // A poller that has ended reads nothing.
        let _ = self.run_with(Priority::Control, Box::new(|_| JobEffect::SetElsewhere));
    }
}

impl fmt::Debug for LinkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkHandle").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Returns the number of the device node that a descriptor leads to.
pub(super) fn node_of(fd: BorrowedFd<'_>) -> Option<u64> {
    let found = fstat(fd).ok()?;
    (FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice).then_some(found.st_rdev)
}
