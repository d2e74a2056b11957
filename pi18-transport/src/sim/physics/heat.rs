//! The temperatures of a unit, and what the unit does if they are high.
//!
//! A heat sink that is too hot raises a warning, then fault 02, which stops the unit. [`heating`](super::heating)
//! computes the temperatures. The limits are assumed.

use pi18_proto::FaultCode;

/// The fault of a heat sink that is too hot.
pub(crate) const FAULT: FaultCode = FaultCode(2);

/// Temperatures of a unit, °C.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heat {
    pub(crate) sink: f64,
    /// Temperatures of the charge controllers of the two strings.
    pub(crate) chargers: [f64; 2],
    /// Whether the heat sink has become too hot, so that the unit has fault 02.
    pub(crate) tripped: bool,
}

impl Heat {
    /// Returns whether the warning of over temperature is shown.
    pub(crate) fn is_high(&self) -> bool {
        self.sink >= WARNING
    }

    /// Returns whether the fan should turn.
    pub(crate) fn needs_fan(&self) -> bool {
        self.sink >= FAN
    }
}

/// Temperature of the heat sink from which the fan has to turn, °C.
const FAN: f64 = 40.0;

/// Temperature of the heat sink from which the unit warns, °C.
const WARNING: f64 = 90.0;
