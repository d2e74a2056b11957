//! `mode`: each unit is in a working mode in which a healthy unit can be.
//!
//! Battery, hybrid and charge mode are healthy. Power-on, standby and bypass are reported as information,
//! because the inverter does not run in them. Fault mode without a fault code is an error; with a fault
//! code, rule `fault` reports it.
//!
//! Source: PI18 2017 and 2022, "MOD"; observed on LVX6048s: 03, 05 and 06 are healthy.

use pi18_proto::WorkingMode;

use crate::{
    Finding,
    advice::{MODE_KINDS, mode as kind_of},
    context::{Context, observed},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "mode",
    "a unit is in fault mode, in a mode in which the inverter does not run, or in an unknown mode",
    "PI18 2017 and 2022, \"MOD\"; observed on LVX6048s: 03, 05 and 06 are healthy",
    MODE_KINDS,
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut modes: Vec<_> = context.units.iter().filter_map(|unit| unit.working_mode()).collect();
    modes.sort_by_key(|mode| mode.0);
    modes.dedup();
    modes.into_iter().filter_map(|mode| finding(context, mode)).collect()
}

fn finding(context: &Context<'_>, mode: WorkingMode) -> Option<Finding> {
    let values: Vec<_> = context
        .units
        .iter()
        .filter(|unit| unit.working_mode() == Some(mode) && context.fault_of(unit).is_none())
        .map(|unit| observed(unit, format_args!("{:02}", mode.0)))
        .collect();
    if values.is_empty() {
        return None;
    }
    let what = match mode {
        WorkingMode::BATTERY | WorkingMode::HYBRID | WorkingMode::CHARGE => return None,
        WorkingMode::FAULT => "fault mode without a fault code",
        WorkingMode::POWER_ON => "a unit is starting",
        WorkingMode::STANDBY => "a unit is in standby",
        WorkingMode::BYPASS => "a unit is in bypass",
        _ => "a unit is in an unknown mode",
    };
    Some(RULE.report(kind_of(mode), what, values))
}

#[cfg(test)]
mod tests {
    use pi18_proto::{FaultCode, WorkingMode};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, healthy},
    };

    /// Returns the findings if both units are in a mode.
    fn both(mode: &str) -> Vec<(&'static str, Severity)> {
        findings(&bank_of(&[mode, mode]))
    }

    #[test]
    fn battery_hybrid_and_charge_are_healthy() {
        for mode in ["mode=03", "mode=05", "mode=06"] {
            assert_eq!(both(mode), [], "{mode}");
        }
    }

    #[test]
    fn other_modes_are_reported() {
        for mode in ["mode=00", "mode=01", "mode=02"] {
            assert_eq!(both(mode), [("mode", Severity::Info)], "{mode}");
        }
        assert_eq!(both("mode=07"), [("mode", Severity::Warning)]);
    }

    #[test]
    fn fault_mode_is_reported_only_without_fault_code() {
        let mut bank = bank_of(&["", "fault=02"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        bank.units[1].faults.value_mut().unwrap().fault = FaultCode::NONE;
        for unit in &mut bank.units {
            unit.statuses[1].value_mut().unwrap().fault = FaultCode::NONE;
        }
        assert_eq!(findings(&bank), [("mode", Severity::Error)]);
        assert_eq!(healthy().units[0].working_mode(), Some(WorkingMode::HYBRID));
    }
}
