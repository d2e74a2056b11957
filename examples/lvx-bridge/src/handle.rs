//! How outputs reach the core: they read snapshots, and send requests.

use std::sync::Arc;

use pi18_proto::SerialNumber;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    RequestError, Snapshot,
    control::Command,
    mqtt::{Counts, Meter},
};

/// Access to the core for one output. Clones are cheap.
///
/// Outputs may lag and skip snapshots; they never block the core.
#[derive(Clone, Debug)]
pub struct Handle {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    requests: mpsc::Sender<Request>,
    mqtt: Meter,
}

impl Handle {
    /// Creates a handle.
    #[must_use]
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, requests: mpsc::Sender<Request>) -> Self {
        Self { snapshots, requests, mqtt: Meter::default() }
    }

    /// Returns the present snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Returns a receiver that is notified of each new snapshot.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Returns what the connection to the MQTT broker has done; `None` if there is none in the configuration.
    #[must_use]
    pub fn mqtt_counts(&self) -> Option<Counts> {
        self.mqtt.counts()
    }

    /// Returns the meter of the connection to the MQTT broker.
    pub(crate) fn mqtt_meter(&self) -> &Meter {
        &self.mqtt
    }

    /// Sends a request to the core.
    ///
    /// # Errors
    /// If the core has ended, or too many requests are waiting.
    pub fn send(&self, request: Request) -> Result<(), RequestError> {
        self.requests.try_send(request).map_err(|_| RequestError::Busy)
    }

    /// Records a command that the output itself refuses in the audit file. If many requests wait, it is not recorded:
    /// refusals do not take the place of other requests.
    pub fn record_refusal(&self, command: Command, why: &str) {
        if self.requests.capacity() > self.requests.max_capacity() / 2 {
            // Fails if the core has ended.
            let _ = self.requests.try_send(Request::Refused { command, why: why.to_owned() });
        }
    }
}

/// A request of an output to the core. The core answers on `reply`, if someone waits for it.
#[derive(Debug)]
pub enum Request {
    /// Acknowledges an alert, or takes the acknowledgement back.
    Acknowledge {
        /// Id of the alert.
        id: String,
        /// Who acknowledges it.
        by: String,
        /// Whether it is acknowledged.
        is_acknowledged: bool,
        /// Receives the result.
        reply: oneshot::Sender<Result<(), RequestError>>,
    },
    /// Acknowledges all alerts that are raised.
    AcknowledgeAll {
        /// Who acknowledges them.
        by: String,
    },
    /// Raises a test alert, which clears after a minute.
    TestAlert {
        /// Who asks for it.
        by: String,
    },
    /// Returns the last traffic of a unit's link, as lines of a capture.
    Capture {
        /// The unit.
        unit: SerialNumber,
        /// Receives the lines.
        reply: oneshot::Sender<Result<Vec<u8>, RequestError>>,
    },
    /// Shows why the history is not written, or that it is written again.
    HistoryProblem(Option<String>),
    /// Writes a command that the output itself refused to the audit file.
    Refused {
        /// The command, as far as it could be read.
        command: Command,
        /// Why it was refused.
        why: String,
    },
    /// Changes a setting on all units.
    Control {
        /// The command.
        command: Command,
        /// Receives whether the command was taken; its result is in later snapshots.
        reply: oneshot::Sender<Result<(), RequestError>>,
    },
}
