//! Rules about the PV inputs of the units.

pub(super) mod charger_status;
mod input;
pub(super) mod pv_string;
pub(super) mod pv_voltage;

/// The step that switches off a string of panels, before [`LIVE_TERMINALS`](crate::advice::LIVE_TERMINALS).
const ISOLATE: &str = "open PV at its DC isolator, never at a plug, because the arc does not go out by itself, and leave \
    it open; if the isolator is not rated for the voltage of the string, open it only in the dark";
