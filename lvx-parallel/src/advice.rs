//! Advice for faults, warnings and working modes: the meaning of each, and what to check, the most likely
//! cause first.
//!
//! Source: the names are from the table of faults in PI18. The causes of faults 71 and 83 are in the order
//! observed when LVX6048 units were commissioned; those of the other parallel faults are in the order of the
//! makers' manuals, shortened (assumed).

use pi18_proto::{FaultCode, WorkingMode};

/// The meaning of a code, and what to do about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advice {
    /// Meaning of the code, or the reason why it matters.
    pub(crate) why: &'static str,
    /// What to check or do, in this order.
    pub(crate) steps: &'static [&'static str],
}

const fn advice(why: &'static str, steps: &'static [&'static str]) -> Advice {
    Advice { why, steps }
}

/// Meaning that [`warning`] returns for a warning without a name.
pub(crate) const UNKNOWN_WARNING: &str = "the meaning of this warning is not known";
const STOPPED: &str = "the unit has stopped and has no output";
const BANK_STOPPED: &str =
    "the bank stops, because its units must agree before they share one output";

/// Returns the advice for a fault.
pub(crate) fn fault(code: FaultCode) -> Advice {
    parallel_fault(code).unwrap_or_else(|| unit_fault(code))
}

/// Returns the advice for a fault of units that work in parallel.
fn parallel_fault(code: FaultCode) -> Option<Advice> {
    Some(match code {
        FaultCode::PARALLEL_FIRMWARE => advice(
            BANK_STOPPED,
            &[
                "read the main firmware of every unit: a unit that is not in this report may differ",
                "have the same main firmware installed on all units",
                "if all are equal, check the parallel communication cables: a unit may receive wrong data from the others",
            ],
        ),
        FaultCode::PARALLEL_CURRENT_SHARING => advice(
            BANK_STOPPED,
            &[
                "check that the current sharing cables are plugged in on every unit, each to its own pair",
                "with AC, PV and battery off, check that the outputs are connected in parallel, L to L and N to N, with cables of the same length",
                "have an electrician run each unit alone, its output and parallel cables disconnected and its output mode single: a unit that faults alone needs service",
            ],
        ),
        FaultCode::PARALLEL_CAN => advice(
            BANK_STOPPED,
            &[
                "check that the parallel communication cables connect the units in a chain, that none is missing, and that all are plugged in firmly",
                "switch all units off and on again",
                "with AC, PV and battery off, replace one cable after another, then the parallel board",
            ],
        ),
        FaultCode::PARALLEL_HOST_LOST => advice(
            "the slaves receive nothing from the master and stop",
            &[
                "find the unit that should be the master (instance 0) and check that it is on",
                "check the parallel communication cables between it and the others",
                "switch all units off and on again, so that they elect a master again",
            ],
        ),
        FaultCode::PARALLEL_SYNC_LOST => advice(
            "the units cannot synchronise their AC outputs and stop",
            &[
                "check the parallel communication cables on both ends",
                "replace the cable; keep it away from AC and PV cables",
                "switch all units off and on again",
            ],
        ),
        FaultCode::PARALLEL_BATTERY_VOLTAGE => advice(
            "the units share one battery but measure different battery voltages, and stop",
            &[
                "measure the voltage at the battery terminals of each unit with a meter",
                "with AC, PV and battery off, check the battery breaker, fuse and lugs of the unit that measures the lower voltage, and whether a BMS has switched off",
                "check that all units are on the same battery, with cables of the same length and size",
                "if the meter shows the same voltage on all units, the unit's own measurement is wrong: have it serviced",
            ],
        ),
        FaultCode::PARALLEL_LINE => advice(
            "the units measure different grids and stop",
            &[
                "with AC, PV and battery off, check the AC input breaker and the wires of the unit that shows the lower voltage",
                "check that all units are on the same phase, or on the phase of their output mode, and that L and N are not swapped",
                "compare the input voltage ranges",
            ],
        ),
        FaultCode::PARALLEL_LINE_CURRENT => advice(
            "one unit draws much more from the grid than the others and could be overloaded",
            &[
                "switch all units off and on again and check whether the fault returns",
                "with AC, PV and battery off, check that the AC input cables have the same length and size and that their screws are tight",
                "check the current sharing cables",
            ],
        ),
        FaultCode::PARALLEL_OUTPUT_SETTINGS => advice(
            BANK_STOPPED,
            &[
                "compare output voltage, frequency and output mode of all units; a unit that is not in this report may differ",
                "set them equal, in standby, then switch all units off and on again",
            ],
        ),
        _ => return None,
    })
}

/// Returns the advice for a fault of a single unit.
fn unit_fault(code: FaultCode) -> Advice {
    match code {
        FaultCode::FAN_LOCKED => advice(
            STOPPED,
            &[
                "with AC, PV and battery off for five minutes, clean the fans and remove what blocks them",
                "replace the fan",
            ],
        ),
        FaultCode::OVER_TEMPERATURE => advice(
            STOPPED,
            &[
                "let the unit cool, and clear the air inlets and outlets",
                "lower the load or the charge current; check whether the fans turn",
            ],
        ),
        FaultCode::BATTERY_HIGH => advice(
            STOPPED,
            &[
                "measure the battery voltage: if it is above 1.25 times the rated voltage, another source is charging the battery",
                "compare bulk and float voltage with the limits of the battery",
                "a BMS that disconnects during charging makes the voltage jump: lower the bulk voltage or the charge current",
            ],
        ),
        FaultCode::BATTERY_LOW => advice(
            STOPPED,
            &[
                "charge the battery, from the grid if there is no sun",
                "compare the cut-off voltage with the limits of the battery",
                "check the battery cables under load",
            ],
        ),
        FaultCode::OUTPUT_SHORT => advice(
            STOPPED,
            &[
                "switch all loads off and the unit on again: if the fault is gone, find the load",
                "check the output wires; let the unit cool if it is hot",
            ],
        ),
        FaultCode::OUTPUT_HIGH | FaultCode::OUTPUT_LOW => advice(
            STOPPED,
            &[
                "switch the loads off and the unit on again",
                "if the fault returns without load, have the unit serviced",
            ],
        ),
        FaultCode::OVERLOAD | FaultCode::OVER_CURRENT => advice(
            STOPPED,
            &[
                "switch loads off, those with motors first",
                "in a bank, check that the other units run and carry their share",
            ],
        ),
        FaultCode::BATTERY_OPEN => advice(
            STOPPED,
            &[
                "check the battery breaker and fuse, and whether the BMS has switched off",
                "check the lugs on both ends",
            ],
        ),
        FaultCode::BUS_HIGH => advice(
            STOPPED,
            &[
                "check the PV voltage: on a cold day, a string with too many panels exceeds the limit",
                "switch PV and AC off, then on again; if the fault returns, have the unit serviced",
            ],
        ),
        code if code.name().is_some() => advice(
            STOPPED,
            &[
                "switch the unit off completely (AC, PV and battery), wait five minutes, switch it on",
                "if the fault returns, a part inside has failed: have the unit serviced",
            ],
        ),
        _ => advice(
            "the unit has stopped for an unknown reason",
            &[
                "look the number up in the manual of exactly this model",
                "switch the unit off completely (AC, PV and battery), wait five minutes, switch it on",
            ],
        ),
    }
}

/// Returns the meaning of a working mode, and what to do about it.
pub(crate) fn mode(mode: WorkingMode) -> Advice {
    match mode {
        WorkingMode::POWER_ON => advice("the unit is still starting; check again in a minute", &[]),
        WorkingMode::STANDBY => advice(
            "the unit feeds no load and does not charge the battery: its switch may be off, or neither needs power",
            &[],
        ),
        WorkingMode::BYPASS => advice(
            "the grid feeds the loads directly, bypassing the inverter: its output is off, or it was overloaded",
            &[],
        ),
        WorkingMode::BATTERY => {
            advice("PV and battery feed the loads without the grid; this is healthy", &[])
        }
        WorkingMode::FAULT => advice(
            "the unit has stopped",
            &[
                "read the code on the display: it may be shown only intermittently",
                "switch the unit off and on again",
            ],
        ),
        WorkingMode::HYBRID => {
            advice("the inverter works in parallel with the grid; this is healthy", &[])
        }
        WorkingMode::CHARGE => advice(
            "the battery is being charged; an LVX6048 was observed to have no AC output in this mode; this is healthy",
            &[],
        ),
        _ => advice(
            "the meaning of this mode is not known, so the unit cannot be judged",
            &[
                "compare with the display of the unit, and report the number and what the unit was doing",
            ],
        ),
    }
}

/// Returns the advice for a warning, given by the name of its field in `FWS`.
pub(crate) fn warning(name: &str) -> Advice {
    match name {
        "line_fail" => advice(
            "the unit measures no usable grid",
            &["check its AC input breaker and wires", "compare the input voltage ranges"],
        ),
        "output_short" => {
            advice("the unit is about to stop", &["find the load or wire with the short circuit"])
        }
        "over_temperature" => advice(
            "the unit lowers its power, and stops if it gets hotter",
            &[
                "clear the air inlets and outlets, clean the filters",
                "lower load or charge current",
            ],
        ),
        "fan_locked" => advice(
            "without its fan the unit overheats",
            &["with AC, PV and battery off for five minutes, clean or replace the fan"],
        ),
        "battery_high" => advice(
            "the battery voltage is above what the unit allows",
            &["compare bulk and float voltage with the limits of the battery"],
        ),
        "battery_low" | "battery_under" => advice(
            "the unit stops if the battery voltage falls further",
            &[
                "charge the battery or lower the load",
                "if the battery is not low, check its cables under load",
            ],
        ),
        "overload" => advice(
            "the unit stops if the overload continues",
            &["switch loads off", "check that the other units of the bank carry their share"],
        ),
        "eeprom_fail" => {
            advice("settings may be lost", &["save the settings, then have the unit serviced"])
        }
        "power_limit" => advice(
            "the unit delivers less power than it could",
            &["check for heat, low battery or low PV voltage; without any of these it is harmless"],
        ),
        "pv1_voltage_high" | "pv2_voltage_high" => advice(
            "this PV voltage can destroy the charger",
            &[
                "open the DC isolator, but never a plug under load; have an electrician measure the string and shorten it",
            ],
        ),
        "mppt1_overload" | "mppt2_overload" => advice(
            "the charger limits the power of the string",
            &["compare the power of the string with the rating of the charger"],
        ),
        "battery_too_low_scc1" | "battery_too_low_scc2" => advice(
            "the PV charger does not start",
            &["charge the battery from the grid, or wake its BMS"],
        ),
        "battery_open" => advice(
            "the unit detects no battery",
            &["check breaker, fuse, lugs, and whether the BMS has switched off"],
        ),
        _ => advice(UNKNOWN_WARNING, &["look it up in the manual of this model"]),
    }
}
