//! What the poller of a pack reports.

use std::time::{Duration, Instant};

use lvx_parallel::{
    Gap, PackSnapshot, Reason,
    pack::{Label, Live},
};
use pi18_transport::Error;

/// A report of the poller of a pack.
#[derive(Clone, Debug, PartialEq)]
pub struct PackEvent {
    /// Place of the pack in the configuration of its bank.
    pub pack: usize,
    /// Time at which it happened, on the monotonic clock.
    pub at: Instant,
    /// What happened.
    pub kind: PackEventKind,
}

/// What happened at the port of a pack.
#[derive(Clone, Debug, PartialEq)]
pub enum PackEventKind {
    /// The port was opened.
    Opened,
    /// The pack reported its model and firmware.
    Labelled(Label),
    /// The pack was measured.
    Measured {
        /// The measurements.
        live: Live,
        /// Duration of the exchange.
        latency: Duration,
    },
    /// The pack was not measured, and is asked again at once.
    Missed(PackGap),
    /// The pack cannot be read.
    Lost {
        /// Why.
        why: PackGap,
        /// Time until the next attempt.
        retry_in: Duration,
    },
}

/// Why a pack is not read.
#[derive(Clone, Debug, PartialEq)]
pub struct PackGap {
    /// The reason and the text of the error.
    pub gap: Gap,
    /// Whether the port answered with the sums of a chain of packs.
    pub is_aggregate: bool,
}

impl PackGap {
    /// Returns what a finding about the gap depends on.
    #[must_use]
    pub fn kind(&self) -> (Reason, bool) {
        (self.gap.reason, self.is_aggregate)
    }
}

impl From<&Error> for PackGap {
    fn from(error: &Error) -> Self {
        let mut pack = PackSnapshot::default();
        pack.take(Err(error));
        Self { gap: Gap::from(error), is_aggregate: pack.is_aggregate }
    }
}
