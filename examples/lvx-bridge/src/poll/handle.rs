//! How other parts of the bridge use a link: as jobs, between two questions of the poller.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use lvx_parallel::Gap;
use pi18_proto::SerialNumber;
use pi18_transport::Client;

/// Work on a link. The poller does it before its next question, or calls it with a gap if the link is closed.
pub type Job = Box<dyn FnOnce(Result<&mut Client, &Gap>) + Send>;

/// Access to a link that a poller owns. Clones lead to the same link.
#[derive(Clone)]
pub struct LinkHandle {
    address: String,
    jobs: mpsc::Sender<Job>,
    serial: Arc<Mutex<Option<SerialNumber>>>,
}

/// The poller of the link has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the poller of this link has ended")]
pub struct LinkGone;

impl LinkHandle {
    /// Creates a handle. `serial` is the unit that answers on the link now, which the poller keeps up to date.
    #[must_use]
    pub fn new(
        address: String,
        jobs: mpsc::Sender<Job>,
        serial: Arc<Mutex<Option<SerialNumber>>>,
    ) -> Self {
        Self { address, jobs, serial }
    }

    /// Returns the address of the link.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the unit that answers on the link now.
    #[must_use]
    pub fn serial(&self) -> Option<SerialNumber> {
        *self.serial.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a job to the poller.
    ///
    /// # Errors
    /// If the poller has ended.
    pub fn run(&self, job: Job) -> Result<(), LinkGone> {
        self.jobs.send(job).map_err(|_| LinkGone)
    }
}

impl fmt::Debug for LinkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkHandle").field("address", &self.address).finish_non_exhaustive()
    }
}
