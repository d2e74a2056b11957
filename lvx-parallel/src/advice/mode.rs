//! The findings for working modes.

use pi18_proto::WorkingMode;

use super::{RESTART, codes};
use crate::{FindingKind, Severity};

/// Returns the meaning of a working mode, and what to do about it.
pub(crate) fn mode(mode: WorkingMode) -> &'static FindingKind {
    let mut all = MODES.iter().chain(HEALTHY);
    all.find(|(known, _)| *known == mode).map_or(&UNKNOWN, |(_, kind)| kind)
}

const fn info(
    condition: &'static str,
    why: &'static str,
    advice: &'static [&'static str],
) -> FindingKind {
    FindingKind::new(Severity::Info, condition, why, advice)
}

codes! {
    MODES, MODE_KINDS: WorkingMode;
    also UNKNOWN;
    WorkingMode::FAULT => FindingKind::new(
        Severity::Error,
        "mode 04 fault, without a fault code",
        "a unit in this mode has stopped; its terminals stay live from the other units, the grid, PV and the \
         battery",
        &[
            "read the code on the display, which may be shown only intermittently, and look it up before \
             anything else",
            RESTART,
        ],
    );
    WorkingMode::POWER_ON => info(
        "mode 00 power on",
        "the unit is still starting; check again in a minute",
        &[],
    );
    WorkingMode::STANDBY => info(
        "mode 01 standby",
        "the unit feeds no load and does not charge the battery: its switch may be off, or neither needs power; \
         its terminals stay live",
        &[],
    );
    WorkingMode::BYPASS => info(
        "mode 02 bypass",
        "the grid feeds the loads directly, past the inverter, which is switched off or was overloaded; all \
         terminals are live",
        &[],
    );
}

static UNKNOWN: FindingKind = FindingKind::new(
    Severity::Warning,
    "a mode without a known name",
    "the meaning of this mode is not known, so the unit cannot be judged",
    &["compare with the display of the unit, and report the number and what the unit was doing"],
);

/// Modes that are not reported, because they are healthy.
static HEALTHY: &[(WorkingMode, FindingKind)] = &[
    (
        WorkingMode::BATTERY,
        info(
            "mode 03 battery",
            "PV and battery feed the loads without the grid; this is healthy",
            &[],
        ),
    ),
    (
        WorkingMode::HYBRID,
        info(
            "mode 05 hybrid",
            "the inverter works in parallel with the grid; this is healthy",
            &[],
        ),
    ),
    (
        WorkingMode::CHARGE,
        info(
            "mode 06 charge",
            "the battery is being charged; an LVX6048 was observed to feed no load in this mode, but its \
             terminals stay live; this is healthy",
            &[],
        ),
    ),
];
