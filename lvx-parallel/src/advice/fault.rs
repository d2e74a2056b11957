//! The findings for faults.

use pi18_proto::FaultCode;

use super::{
    BURNT, CHARGE_LIMITS, COMPARE_BEFORE_START, INSTALL_FIRMWARE, ISOLATE, LIVE_TERMINALS,
    MODE_FOLLOWS_WIRING, OPENED, OVERCHARGED, RESTART, codes,
};
use crate::{FindingKind, Severity};

/// What is known about the units that share a load.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sharing {
    /// All units of the bank feed one output.
    OneOutput,
    /// The units feed different phases, or it is not known whether they do.
    PerhapsPhases,
}

/// Returns the finding for a fault. The text for phases is the safe one if `sharing` is not known.
pub(crate) fn fault(code: FaultCode, sharing: Sharing) -> &'static FindingKind {
    if code == FaultCode::PARALLEL_CURRENT_SHARING && sharing == Sharing::OneOutput {
        return &SHARING_ONE_OUTPUT;
    }
    FAULTS.iter().find(|(known, _)| *known == code).map_or(&UNKNOWN, |(_, kind)| kind)
}

const STOPS: &str = "a unit stops with this fault and gives no output; its terminals stay live";
const BANK_STOPS: &str = "a bank stops with this fault, because its units must agree before they share one \
    output; all terminals stay live";
const SERVICE: &str = "if the fault returns without loads, a part inside has failed: leave the unit off, and \
    have it serviced";

const TESTED_ALONE: &str = "if all is connected correctly, have each unit tested alone on the battery, with \
    its AC input, output and parallel cables disconnected and insulated: its output mode is set to single for \
    this, and back before it is connected again; a unit that faults alone needs service";

const fn error(
    condition: &'static str,
    why: &'static str,
    advice: &'static [&'static str],
) -> FindingKind {
    FindingKind::new(Severity::Error, condition, why, advice)
}

/// A part inside the unit has probably failed.
const fn inside(condition: &'static str) -> FindingKind {
    error(condition, STOPS, &[RESTART, SERVICE])
}

/// A fault of a unit that works.
pub(crate) static FAULT_WHILE_WORKING: FindingKind = error(
    "a fault is reported by units that work: in mode 02, 03, 05 or 06, with power or battery current",
    "the units report this fault and still work: it may be over, or they may stop at any moment; all their \
     terminals are live",
    &[
        "read the units again, and compare with their displays; if the code stays, take the following steps",
    ],
);

static UNKNOWN: FindingKind = error(
    "a fault without a known name",
    "the meaning of this code is not known; a unit with a fault usually stops, but its terminals stay live",
    &["look the number up in the manual of exactly this model before anything else", RESTART],
);

static SHARING_ONE_OUTPUT: FindingKind = error(
    "fault 72 parallel: output circuit (current sharing) failed, in a bank without phases",
    BANK_STOPS,
    &[
        LIVE_TERMINALS,
        "check that the current sharing cables connect all units as the manual draws it, each plug in its own \
         socket: a wrong sharing cable destroys units",
        "check that each output conductor leads to the same one of the other units (L1 to L1, L2 to L2, N to \
         N), with cables of the same length and size: a swapped one is a dead short",
        TESTED_ALONE,
    ],
);

codes! {
    FAULTS, FAULT_KINDS: FaultCode;
    also SHARING_ONE_OUTPUT, FAULT_WHILE_WORKING, UNKNOWN;

    FaultCode::PARALLEL_FIRMWARE => error("fault 71 parallel: firmware versions differ", BANK_STOPS, &[
        "read the main firmware of every unit: a unit that is not in this report may differ",
        INSTALL_FIRMWARE,
        COMPARE_BEFORE_START,
        "if all are equal, the units may receive wrong data from each other",
        LIVE_TERMINALS,
        "check the parallel communication cables",
    ]);
    FaultCode::PARALLEL_CURRENT_SHARING => error(
        "fault 72 parallel: output circuit (current sharing) failed, in a bank with phases or with unknown \
         output modes",
        BANK_STOPS,
        &[
            MODE_FOLLOWS_WIRING,
            LIVE_TERMINALS,
            "check that current sharing cables connect only units of one phase, as the manual draws it: between \
             different phases, they destroy units",
            "check that the outputs of units of one phase are connected conductor to same conductor; never join \
             different phases, which is a dead short",
            TESTED_ALONE,
        ],
    );
    FaultCode::PARALLEL_CAN => error("fault 80 parallel: CAN communication failed", BANK_STOPS, &[
        RESTART,
        LIVE_TERMINALS,
        "check that the parallel communication cables connect the units in a chain, that none is missing, and \
         that all are plugged in firmly",
        "replace one cable after another, then have the parallel boards replaced",
    ]);
    FaultCode::PARALLEL_HOST_LOST => error(
        "fault 81 parallel: host line lost",
        "the slaves receive nothing from the master and stop; all terminals stay live",
        &[
            "find the unit that should be the master (instance 0) and look whether it is on",
            RESTART,
            LIVE_TERMINALS,
            "check the parallel communication cables between it and the others",
        ],
    );
    FaultCode::PARALLEL_SYNC_LOST => error(
        "fault 82 parallel: synchronisation signal lost",
        "the units cannot synchronise their AC outputs and stop; all terminals stay live",
        &[
            RESTART,
            LIVE_TERMINALS,
            "check the parallel communication cables on both ends, away from AC and PV cables; replace them",
        ],
    );
    FaultCode::PARALLEL_BATTERY_VOLTAGE => error(
        "fault 83 parallel: battery voltages detected differ",
        "the units share one battery but measure different battery voltages, and stop; all terminals stay live",
        &[
            "have an electrician measure the battery voltage at the terminals of each unit, which are live",
            OPENED,
            LIVE_TERMINALS,
            "check the battery breaker, fuse, cables and lugs of the unit whose voltage is not that of the \
             battery, and that all units are on the same battery, with cables of the same length and size",
            "connect packs only if their voltages are as close as their maker asks: a large current flows \
             between unequal ones",
            "if the meter showed the same voltage on all units, the unit's own measurement is wrong: have it \
             serviced, and leave it off until then",
        ],
    );
    FaultCode::PARALLEL_LINE => error(
        "fault 84 parallel: line voltage or frequency differ",
        "the units measure different grids and stop; all terminals stay live",
        &[
            "compare the input voltage ranges",
            LIVE_TERMINALS,
            "check the AC input breaker and the wires of the unit that shows the lower voltage",
            "check that all units are on the same phase, or on the phase of their output mode, and that L and N \
             are not swapped",
        ],
    );
    FaultCode::PARALLEL_LINE_CURRENT => error(
        "fault 85 parallel: line input currents unbalanced",
        "one unit draws much more from the grid than the others and could be overloaded",
        &[
            RESTART,
            LIVE_TERMINALS,
            "check that the AC input cables have the same length and size and that their screws are tight",
            "check that current sharing cables connect all units of one phase, and no units of different phases",
        ],
    );
    FaultCode::PARALLEL_OUTPUT_SETTINGS => error("fault 86 parallel: output settings differ", BANK_STOPS, &[
        "compare output voltage, frequency and output mode of all units; a unit that is not in this report may \
         differ",
        "set voltage and frequency to those of the loads, equal on all units, in standby with the loads off",
        MODE_FOLLOWS_WIRING,
        RESTART,
    ]);
    FaultCode::FAN_LOCKED => error("fault 01 fan locked", STOPS, &[
        "leave the unit off: it overheats without air",
        LIVE_TERMINALS,
        "clean the fans and remove what blocks them; have a fan that does not turn replaced",
    ]);
    FaultCode::OVER_TEMPERATURE => error("fault 02 over temperature", STOPS, &[
        BURNT,
        "let the unit cool, lower the load or the charge current, and clear the air inlets and outlets from \
         outside",
        "if it blows no air, leave it off and have it serviced",
    ]);
    FaultCode::BATTERY_HIGH => error("fault 03 battery voltage too high", STOPS, &[
        OVERCHARGED,
        "compare the voltage that the BMS shows with the limit of the battery's maker: if it is above, or above \
         3.65 V a cell, do not charge and do not discharge; ask the maker of the pack",
        "compare bulk and float voltage with the limits of the battery; another charger may be connected, too",
        "a BMS that disconnects during charging makes the voltage jump: find its reason, then lower the bulk \
         voltage or the charge current",
    ]);
    FaultCode::BATTERY_LOW => error("fault 04 battery voltage too low", STOPS, &[
        "switch loads off",
        CHARGE_LIMITS,
        "otherwise charge the battery with a low current, from the grid if there is no sun",
        "compare the cut-off voltage with the limits of the battery",
        LIVE_TERMINALS,
        "if the battery itself is not low, check its cables, breaker and lugs for a bad contact",
    ]);
    FaultCode::OUTPUT_SHORT => error(
        "fault 05 output short circuit",
        "a unit stops with this fault; what was short-circuited may be hot, and is live again as soon as a unit \
         starts",
        &[
            "switch off all units and all loads, and leave them off: never switch on onto a short circuit",
            LIVE_TERMINALS,
            "have the output wiring and the loads tested for a short circuit; let the unit cool if it is hot",
            "only if none is found: restart as below, with one load after the other at the end",
            RESTART,
        ],
    );
    FaultCode::OUTPUT_HIGH => error(
        "fault 06 output voltage too high",
        "a unit stops with this fault; the voltage can destroy loads, and a lost neutral has the same effect",
        OUTPUT_VOLTAGE,
    );
    FaultCode::OUTPUT_LOW => error("fault 58 output voltage too low", STOPS, OUTPUT_VOLTAGE);
    FaultCode::OVERLOAD => error("fault 07 overload time-out", STOPS, &[
        "switch loads off, those with heating elements or motors first; the unit may start again by itself",
        "in a bank, look whether the other units run and carry their share",
    ]);
    FaultCode::OVER_CURRENT => error(
        "fault 51 inverter over current",
        "a unit stops with this fault, which a load that starts, a short circuit or a failed part causes; its \
         terminals stay live",
        &[
            "switch off all loads, and leave them off until a short circuit is excluded",
            LIVE_TERMINALS,
            "have the output wiring and the loads tested for a short circuit",
            RESTART,
            SERVICE,
        ],
    );
    FaultCode::BATTERY_OPEN => error("fault 56 battery connection open", STOPS, &[
        OPENED,
        LIVE_TERMINALS,
        "check the battery breaker, the fuse, the cables and the lugs on both ends; replace a blown fuse only \
         by one of the same type",
        "connect packs only if their voltages are as close as their maker asks",
    ]);
    FaultCode::BUS_HIGH => error(
        "fault 08 bus voltage too high",
        "a unit stops with this fault; a PV voltage above its maximum destroys it, and its terminals stay live",
        &[
            ISOLATE,
            "leave PV open until an electrician has measured the voltage of each string: on a cold day, a \
             string with too many panels exceeds the maximum",
            "have the electrician shorten a string whose voltage on the coldest day is above the maximum of \
             the unit",
            "with PV still open, restart as below; a fault that returns has another cause: have the unit serviced",
            RESTART,
        ],
    );
    FaultCode::MAIN_RELAY => error(
        "fault 11 main relay failed",
        "a unit stops with this fault; a contact that stays closed can keep its AC input and output live, even \
         with the grid off",
        &[
            "switch off the unit and its AC input, and do not restart it: it can feed into a grid that is off, \
             which can kill people who work there",
            LIVE_TERMINALS,
            "have the unit disconnected and serviced",
        ],
    );
    FaultCode::NEGATIVE_POWER => error(
        "fault 60 inverter negative power",
        "power flows into the output of a unit: L and N are swapped on a unit, a sharing cable connects different \
         phases, another source feeds the output, or a part inside has failed; all terminals stay live",
        &[
            "leave the units off until the cause is found: another start can destroy them",
            LIVE_TERMINALS,
            "check that L and N are not swapped on the input and output of any unit",
            "check that current sharing cables connect only units of one phase",
            "check that no other source (grid, generator, another inverter) is connected to the outputs",
            TESTED_ALONE,
        ],
    );
    FaultCode::BUS_SOFT_START => inside("fault 09 bus soft start failed");
    FaultCode::BUS_LOW => inside("fault 52 bus voltage too low");
    FaultCode::INVERTER_SOFT_START => inside("fault 53 inverter soft start failed");
    FaultCode::SELF_TEST => inside("fault 54 self test failed");
    FaultCode::OUTPUT_DC => error(
        "fault 55 DC voltage over on the inverter's output",
        "a unit stops with this fault; DC voltage on the output destroys transformers and motors",
        &[
            "switch off all loads, and leave them off",
            WITHOUT_LOADS,
            RESTART,
            SERVICE,
        ],
    );
    FaultCode::CURRENT_SENSOR => inside("fault 57 current sensor failed");
}

const WITHOUT_LOADS: &str = "restart as below, but leave the loads off until an electrician has measured the \
    output: the set AC voltage, and no DC voltage";

const OUTPUT_VOLTAGE: &[&str] = &[
    "switch off all loads at once, at their main switch, and leave them off",
    LIVE_TERMINALS,
    "check the output wiring, the neutral first: without it, the voltage of the phases drifts apart",
    WITHOUT_LOADS,
    RESTART,
    SERVICE,
];
