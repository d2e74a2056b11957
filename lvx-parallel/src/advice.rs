//! What faults, warnings and modes mean, and what to check, likeliest first.
//!
//! Source: PI18's table of faults for the words; the order of causes of the parallel faults from what
//! was met when LVX6048s were commissioned (71 and 83) and from the makers' manuals, shortened (the
//! others, assumed).

use pi18_proto::{FaultCode, WorkingMode};

/// Why something matters, and what to do, in this order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advice {
    pub(crate) why: &'static str,
    pub(crate) steps: &'static [&'static str],
}

const fn advice(why: &'static str, steps: &'static [&'static str]) -> Advice {
    Advice { why, steps }
}

const STOPPED: &str = "the unit has stopped and gives no output";
const BANK_STOPPED: &str = "the bank stops: its units must agree before they share one output";

pub(crate) fn fault(code: FaultCode) -> Advice {
    parallel_fault(code).unwrap_or_else(|| own_fault(code))
}

/// The faults of units that work together.
fn parallel_fault(code: FaultCode) -> Option<Advice> {
    Some(match code {
        FaultCode::PARALLEL_FIRMWARE => advice(
            BANK_STOPPED,
            &[
                "read the main firmware of every unit (lvx query VFW UNIT): one that was not given here may differ",
                "have all units brought to the same main firmware",
                "if all are equal, check the parallel communication cables: a unit may misread the others",
            ],
        ),
        FaultCode::PARALLEL_CURRENT_SHARING => advice(
            BANK_STOPPED,
            &[
                "check that the current sharing cables are plugged in on every unit, each to its own pair",
                "with AC, PV and battery off, check that the outputs are wired in parallel, L to L and N to N, with cables of one length",
                "have an electrician run each unit alone, its output and parallel cables disconnected and its output mode single: one that faults alone needs service",
            ],
        ),
        FaultCode::PARALLEL_CAN => advice(
            BANK_STOPPED,
            &[
                "check that the parallel communication cables are plugged in firmly, in a chain, none missing",
                "switch all units off and on again",
                "with AC, PV and battery off, exchange one cable after another; then the parallel board",
            ],
        ),
        FaultCode::PARALLEL_HOST_LOST => advice(
            "the slaves do not hear the master and stop",
            &[
                "look for the unit that should be the master (instance 0): is it on?",
                "check the parallel communication cables between it and the others",
                "switch all units off and on again, so that they choose a master anew",
            ],
        ),
        FaultCode::PARALLEL_SYNC_LOST => advice(
            "the units cannot keep their AC in step and stop",
            &[
                "check the parallel communication cables on both ends",
                "exchange the cable; keep it away from AC and PV cables",
                "switch all units off and on again",
            ],
        ),
        FaultCode::PARALLEL_BATTERY_VOLTAGE => advice(
            "the units measure different battery voltages though they share one battery, and stop",
            &[
                "measure the voltage at the battery terminals of each unit with a meter",
                "with AC, PV and battery off, check the battery breaker, fuse and lugs of the unit that measures less, and whether a BMS has switched off",
                "check that all units are on the same battery, with cables of one length and size",
                "if the meter says the same on all, the unit's own measurement is off: service",
            ],
        ),
        FaultCode::PARALLEL_LINE => advice(
            "the units see different grids and stop",
            &[
                "with AC, PV and battery off, check the AC input breaker and the wires of the unit that shows less",
                "check that all units are on the same phase, or on the phase of their output mode, L and N not swapped",
                "compare the input voltage ranges (lvx compare)",
            ],
        ),
        FaultCode::PARALLEL_LINE_CURRENT => advice(
            "one unit takes much more from the grid than the others and could be overloaded",
            &[
                "switch all units off and on again and see whether it comes back",
                "with AC, PV and battery off, check that AC input cables are of one length and size and their screws tight",
                "check the current sharing cables",
            ],
        ),
        FaultCode::PARALLEL_OUTPUT_SETTINGS => advice(
            BANK_STOPPED,
            &[
                "compare output voltage, frequency and output mode of all units (lvx compare); one that was not given here may differ",
                "set them equal, in standby, then switch all units off and on again",
            ],
        ),
        _ => return None,
    })
}

/// The faults of one unit.
fn own_fault(code: FaultCode) -> Advice {
    match code {
        FaultCode::FAN_LOCKED => advice(
            STOPPED,
            &[
                "with AC, PV and battery off for five minutes, clean the fans and look for what blocks them",
                "replace the fan",
            ],
        ),
        FaultCode::OVER_TEMPERATURE => advice(
            STOPPED,
            &[
                "let it cool, free the air inlets and outlets",
                "lower the load or the charge current; see whether the fans turn",
            ],
        ),
        FaultCode::BATTERY_HIGH => advice(
            STOPPED,
            &[
                "measure the battery: above 1.25 times its rated voltage, something else charges it",
                "compare bulk and float voltage with what the battery may have",
                "a BMS that disconnects while charging lets the voltage jump: lower bulk voltage or charge current",
            ],
        ),
        FaultCode::BATTERY_LOW => advice(
            STOPPED,
            &[
                "charge the battery, from the grid if there is no sun",
                "compare the cut-off voltage with what the battery may have",
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
                "if it comes back without load, the unit needs service",
            ],
        ),
        FaultCode::OVERLOAD | FaultCode::OVER_CURRENT => advice(
            STOPPED,
            &[
                "switch loads off, above all those with motors",
                "in a bank, check that the other units run and take their share",
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
                "check the PV voltage: a string may be too long for a cold day",
                "switch PV and AC off, then on again; if it comes back, service",
            ],
        ),
        code if code.name().is_some() => advice(
            STOPPED,
            &[
                "switch the unit off completely (AC, PV and battery), wait five minutes, switch it on",
                "if it comes back, something inside has failed: service",
            ],
        ),
        _ => advice(
            "the unit has stopped, and no list of this program has the reason",
            &[
                "look the number up in the manual of exactly this model",
                "switch the unit off completely (AC, PV and battery), wait five minutes, switch it on",
            ],
        ),
    }
}

/// What a unit does in a mode, and what to do about it.
pub(crate) fn mode(mode: WorkingMode) -> Advice {
    match mode {
        WorkingMode::POWER_ON => {
            advice("it takes part in nothing yet; look again in a minute", &[])
        }
        WorkingMode::STANDBY => advice(
            "it feeds no load and charges no battery: its switch may be off, or nothing is to be done",
            &[],
        ),
        WorkingMode::BYPASS => advice(
            "the grid feeds the loads past the inverter: output is off, or it had an overload",
            &[],
        ),
        WorkingMode::BATTERY => {
            advice("sun and battery feed the loads, without the grid; this is healthy", &[])
        }
        WorkingMode::FAULT => advice(
            "the unit has stopped",
            &[
                "read the code on the display: it may come and go",
                "switch the unit off and on again",
            ],
        ),
        WorkingMode::HYBRID => {
            advice("the inverter works with the grid beside it; this is healthy", &[])
        }
        WorkingMode::CHARGE => advice(
            "the battery is charged; on an LVX6048 this was seen with no AC output; this is healthy",
            &[],
        ),
        _ => advice(
            "it cannot be judged",
            &["compare with its display, and report the number and what the unit did"],
        ),
    }
}

/// A warning by the name of its field in `FWS`.
pub(crate) fn warning(name: &str) -> Advice {
    match name {
        "line_fail" => advice(
            "this unit has no usable grid",
            &[
                "check its AC input breaker and wires",
                "compare the input voltage ranges (lvx compare)",
            ],
        ),
        "output_short" => {
            advice("the unit is about to stop", &["look for the load or wire that is shorted"])
        }
        "over_temperature" => advice(
            "the unit lowers its power, and stops if it gets hotter",
            &["free the air inlets and outlets, clean the filters", "lower load or charge current"],
        ),
        "fan_locked" => advice(
            "without its fan the unit will get too hot",
            &["with AC, PV and battery off for five minutes, clean or replace the fan"],
        ),
        "battery_high" => advice(
            "the battery is above what the unit allows",
            &["compare bulk and float voltage with what the battery may have"],
        ),
        "battery_low" | "battery_under" => advice(
            "the unit will stop when the battery gets lower",
            &[
                "charge the battery or lower the load",
                "if the battery is not low, check its cables under load",
            ],
        ),
        "overload" => advice(
            "the unit stops if it goes on",
            &["switch loads off", "check that the other units of the bank take their share"],
        ),
        "eeprom_fail" => advice(
            "settings may not be kept",
            &["note the settings (lvx dump), then have it serviced"],
        ),
        "power_limit" => advice(
            "the unit gives less than it could",
            &["look for heat, low battery or low PV voltage; without any of these it is harmless"],
        ),
        "pv1_voltage_high" | "pv2_voltage_high" => advice(
            "the string can destroy the charger",
            &[
                "open the DC isolator, never a plug under load; have an electrician measure the string and shorten it",
            ],
        ),
        "mppt1_overload" | "mppt2_overload" => advice(
            "the charger limits the string",
            &["compare the string's power with the charger's rating"],
        ),
        "battery_too_low_scc1" | "battery_too_low_scc2" => advice(
            "the charger does not start",
            &["charge the battery from the grid, or wake its BMS"],
        ),
        "battery_open" => advice(
            "no battery is seen",
            &["check breaker, fuse, lugs, and whether the BMS has switched off"],
        ),
        _ => advice("the unit warns", &["look it up in the manual of this model"]),
    }
}
