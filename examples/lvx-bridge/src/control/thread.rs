//! The thread that carries out commands.

use std::{fmt, io, sync::Arc};

use tokio::sync::{oneshot, watch};

use super::{Command, ControlView, Runs, WriteLocks};
use crate::{
    RequestError, Snapshot,
    config::{BankConfig, ControlConfig},
    poll::LinkHandle,
    storage::Storage,
};

/// What the control of a bank needs.
pub struct ControlParts {
    /// Settings that may be changed.
    pub config: ControlConfig,
    /// The bank.
    pub bank: BankConfig,
    /// Links of the bank, one per unit, in the order of the configuration.
    pub links: Vec<LinkHandle>,
    /// Snapshots of the bank.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Files that survive a restart.
    pub storage: Arc<dyn Storage>,
    /// Journalled runs.
    pub runs: Arc<dyn Runs>,
    /// Locks that are shared with the lease socket.
    pub locks: WriteLocks,
    /// Receives each new view. It is called from the thread of the control.
    pub on_change: Box<dyn FnMut(ControlView) + Send>,
}

impl fmt::Debug for ControlParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlParts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The control of a bank: a thread that carries out one command at a time.
///
/// Dropping it ends the thread: a command in progress is undone first.
#[derive(Debug)]
pub struct Control {}

impl Control {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the saved state cannot be read, or the thread cannot be started.
    pub fn spawn(_parts: ControlParts) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Hands a command to the thread, which answers whether it was taken. The result is in later views.
    pub fn submit(&self, _command: Command, reply: oneshot::Sender<Result<(), RequestError>>) {
        let _ = reply.send(Err(RequestError::Busy));
    }

    /// Stops all control until the file `control.off` is removed: the kill switch. A command in progress is undone.
    ///
    /// # Errors
    /// If the file cannot be written. Control is stopped until the restart in this case.
    pub fn stop_writes(&self, _by: &str) -> io::Result<()> {
        Ok(())
    }
}
