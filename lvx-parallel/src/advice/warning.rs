//! The findings for warnings.

use super::{BURNT, CHARGE_LIMITS, ISOLATE, LIVE_TERMINALS, OPENED, OVERCHARGED, codes};
use crate::{FindingKind, Severity};

/// Returns the finding for a warning, given by the name of its field in `FWS`.
pub(crate) fn warning(name: &str) -> &'static FindingKind {
    WARNINGS.iter().find(|(known, _)| *known == name).map_or(&UNKNOWN_WARNING, |(_, kind)| kind)
}

const fn warn(
    condition: &'static str,
    why: &'static str,
    advice: &'static [&'static str],
) -> FindingKind {
    FindingKind::new(Severity::Warning, condition, why, advice)
}

const fn error(
    condition: &'static str,
    why: &'static str,
    advice: &'static [&'static str],
) -> FindingKind {
    FindingKind::new(Severity::Error, condition, why, advice)
}

/// No unit has grid.
pub(crate) static OUTAGE: FindingKind = FindingKind::new(
    Severity::Info,
    "no unit has a usable grid",
    "the units run from battery and PV until the grid is back",
    &[],
);

/// A warning without a name.
pub(crate) static UNKNOWN_WARNING: FindingKind = warn(
    "a warning without a known name",
    "the meaning of this warning is not known",
    &["look it up in the manual of this model"],
);

codes! {
    WARNINGS, WARNING_KINDS: &str;
    also OUTAGE, UNKNOWN_WARNING;
    "line_fail" => warn("line fail, on some units only", "the unit measures no usable grid", &[
        "compare the input voltage ranges",
        LIVE_TERMINALS,
        "check its AC input breaker and wires",
    ]);
    "output_short" => error(
        "output short circuit",
        "the unit is about to stop; what is short-circuited gets hot",
        &[
            "switch off all loads and all units, and leave them off: never switch on onto a short circuit",
            LIVE_TERMINALS,
            "find the load or wire with the short circuit",
        ],
    );
    "over_temperature" => warn(
        "inverter over temperature",
        "the unit lowers its power, and stops if it gets hotter",
        &[
            BURNT,
            "lower the load and the charge current, and clear the air inlets and outlets from outside",
        ],
    );
    "fan_locked" => warn("fan locked", "without its fan the unit overheats", &[
        "lower load and charge current",
        LIVE_TERMINALS,
        "clean or replace the fan",
    ]);
    "battery_high" => warn("battery voltage high", "the battery voltage is above what the unit allows", &[
        OVERCHARGED,
        "compare bulk and float voltage with the limits of the battery",
    ]);
    "battery_low" => warn("battery low", LOW, LOW_STEPS);
    "battery_under" => warn("battery under", LOW, LOW_STEPS);
    "overload" => warn("overload", "the unit stops if the overload continues", &[
        "switch loads off, those with heating elements or motors first",
        "look whether the other units of the bank carry their share",
    ]);
    "eeprom_fail" => warn("EEPROM fail", "settings may be lost, those that protect the battery too", &[
        "save the settings, compare them with the limits of the battery, then have the unit serviced",
    ]);
    "power_limit" => warn("power limit", "the unit delivers less power than it could", &[
        "look for heat, low battery or low PV voltage; without any of these it is harmless",
    ]);
    "pv1_voltage_high" => error("PV 1 voltage high", PV_HIGH, PV_HIGH_STEPS);
    "pv2_voltage_high" => error("PV 2 voltage high", PV_HIGH, PV_HIGH_STEPS);
    "mppt1_overload" => warn("MPPT 1 overload", MPPT, MPPT_STEPS);
    "mppt2_overload" => warn("MPPT 2 overload", MPPT, MPPT_STEPS);
    "battery_too_low_scc1" => warn("battery too low to charge for SCC 1", TOO_LOW, TOO_LOW_STEPS);
    "battery_too_low_scc2" => warn("battery too low to charge for SCC 2", TOO_LOW, TOO_LOW_STEPS);
    "battery_open" => warn("battery open", "the unit detects no battery", &[
        OPENED,
        LIVE_TERMINALS,
        "check the battery breaker, the fuse and the lugs; replace a blown fuse only by one of the same type",
        "connect packs only if their voltages are as close as their maker asks",
    ]);
}

const LOW: &str = "the unit stops if the battery voltage falls further";
const LOW_STEPS: &[&str] = &[
    "switch loads off",
    CHARGE_LIMITS,
    "otherwise charge the battery, from the grid if there is no sun",
    LIVE_TERMINALS,
    "if the battery itself is not low, check its cables, breaker and lugs for a bad contact",
];

const PV_HIGH: &str = "this PV voltage can destroy the charger and set it on fire";
const PV_HIGH_STEPS: &[&str] = &[
    ISOLATE,
    "leave PV open until an electrician has measured the voltage of each string",
    "have the electrician shorten a string whose voltage on the coldest day is above the maximum of the unit",
];

const MPPT: &str = "the charger limits the power of the string";
const MPPT_STEPS: &[&str] = &["compare the power of the string with the rating of the charger"];

const TOO_LOW: &str =
    "the PV charger does not start, because the battery is too low or its BMS has opened";
const TOO_LOW_STEPS: &[&str] = &[
    CHARGE_LIMITS,
    OPENED,
    "if neither is the cause, charge the battery from the grid with a low current",
];
