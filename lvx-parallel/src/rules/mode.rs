//! What each unit is doing is something that a healthy unit does.

use pi18_proto::WorkingMode;

use super::Rule;
use crate::{
    Finding, Severity,
    case::{Case, observed},
};

pub(super) static RULE: Rule = Rule::new(
    "mode",
    "a unit is in fault mode, or in one that says that it does no work",
    "PI18 2017 and 2022, \"MOD\"; observed on LVX6048s: 03, 05 and 06 are healthy",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut modes: Vec<_> = case.units.iter().filter_map(|unit| unit.working_mode()).collect();
    modes.sort_by_key(|mode| mode.0);
    modes.dedup();
    modes.into_iter().filter_map(|mode| tell(case, mode)).collect()
}

fn tell(case: &Case<'_>, mode: WorkingMode) -> Option<Finding> {
    // Fault mode with a fault code is told as the fault.
    let values: Vec<_> = case
        .units
        .iter()
        .filter(|unit| unit.working_mode() == Some(mode) && unit.fault().is_none())
        .map(|unit| observed(unit, format_args!("{:02}", mode.0)))
        .collect();
    if values.is_empty() {
        return None;
    }
    let found = |severity, what: &str, why: &str| RULE.tell(severity, what, values, why);
    Some(match mode {
        WorkingMode::BATTERY | WorkingMode::HYBRID | WorkingMode::CHARGE => return None,
        WorkingMode::FAULT => {
            found(Severity::Error, "fault mode without a fault code", "the unit has stopped")
                .advise(&[
                    "read the code on the display: it may come and go",
                    "switch the unit off and on again",
                ])
        }
        WorkingMode::POWER_ON => found(
            Severity::Info,
            "a unit is starting",
            "it takes part in nothing yet; look again in a minute",
        ),
        WorkingMode::STANDBY => found(
            Severity::Info,
            "a unit is in standby",
            "it feeds no load and charges no battery: its switch may be off, or nothing is to be done",
        ),
        WorkingMode::BYPASS => found(
            Severity::Info,
            "a unit is in bypass",
            "the grid feeds the loads past the inverter: output is off, or it had an overload",
        ),
        _ => found(
            Severity::Warning,
            "a unit is in a mode that nobody has a name for",
            "it cannot be judged",
        )
        .advise(&["compare with its display, and report the number and what the unit did"]),
    })
}
