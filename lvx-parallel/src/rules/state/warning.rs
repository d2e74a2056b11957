//! `warning`: no unit raises a warning.
//!
//! Reports each warning in `FWS`. If no unit has a usable grid, that is an outage, reported as information;
//! if only some units have none, that is a warning.
//!
//! Source: PI18 2017 and 2022, "FWS".

use pi18_proto::{FaultCode, FaultsAndWarnings, Reply};

use crate::{
    Finding, UnitSnapshot,
    advice::{OUTAGE, WARNING_KINDS, warning as kind_of},
    context::{Context, observed},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
    wording::uncapitalised,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "warning",
    "a warning is raised",
    "PI18 2017 and 2022, \"FWS\"",
    WARNING_KINDS,
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // The first field is the fault.
    let warnings = FaultsAndWarnings::FIELDS.iter().skip(1);
    warnings.filter_map(|info| finding(context, info.name, info.label)).collect()
}

fn finding(context: &Context<'_>, name: &'static str, label: &str) -> Option<Finding> {
    let raised: Vec<_> = context
        .units
        .iter()
        .copied()
        .filter(|unit| raises(unit, name))
        .filter(|unit| !follows(context, unit, name) && !is_measured(context, unit, name))
        .collect();
    raised.first()?;
    let asked = context.units.iter().filter(|unit| unit.faults.value().is_some()).count();
    let is_everywhere = raised.len() == asked;
    let is_outage = name == LINE_FAIL && is_everywhere;
    if name == LINE_FAIL && !is_everywhere && is_suppressed(context, Effect::LineFail) {
        return None;
    }
    let values: Vec<_> = raised.iter().map(|unit| observed(unit, "raised")).collect();
    if is_outage {
        let values = if context.units.len() > 1 { Vec::new() } else { values };
        return Some(RULE.report(&OUTAGE, "no unit has grid", values));
    }
    Some(RULE.report(kind_of(name), uncapitalised(label), values))
}

/// Returns whether a unit raises the warning with this name.
pub(crate) fn raises(unit: &UnitSnapshot, name: &str) -> bool {
    let mut found = false;
    if let Some(faults) = unit.faults.value() {
        faults.visit_raised(&mut |info| found |= info.name == name);
    }
    found
}

/// Returns whether a battery warning follows from a fault of the battery, or from a missing battery.
fn follows(context: &Context<'_>, unit: &UnitSnapshot, name: &str) -> bool {
    let has_battery_fault = unit.fault().is_some_and(|fault| BATTERY_FAULTS.contains(&fault));
    let has_no_battery = unit.lacks_battery().is_some();
    if name == "battery_high" && is_suppressed(context, Effect::BatteryHighWarning)
        || ["battery_low", "battery_under"].contains(&name)
            && is_suppressed(context, Effect::BatteryLowWarning)
    {
        return true;
    }
    name.starts_with("battery")
        && ((has_battery_fault && is_suppressed(context, Effect::BatteryWarning))
            || (has_no_battery && is_suppressed(context, Effect::UnitWithoutBattery)))
}

/// Returns whether another rule reports the measurement to which a warning belongs.
fn is_measured(context: &Context<'_>, unit: &UnitSnapshot, name: &'static str) -> bool {
    let thresholds = context.thresholds();
    let exceeds = unit.status.value().is_some_and(|status| match name {
        "over_temperature" => status.heat_sink_temperature >= thresholds.heat_sink_hot,
        "overload" => status.load_percent > thresholds.load_high,
        _ => false,
    });
    exceeds && is_suppressed(context, Effect::MeasuredWarning(name))
}

const BATTERY_FAULTS: [FaultCode; 4] = [
    FaultCode::PARALLEL_BATTERY_VOLTAGE,
    FaultCode::BATTERY_HIGH,
    FaultCode::BATTERY_LOW,
    FaultCode::BATTERY_OPEN,
];

const LINE_FAIL: &str = "line_fail";

#[cfg(test)]
mod tests {
    use pi18_proto::{FaultsAndWarnings, Reply};

    use crate::{
        Checks, Severity,
        advice::UNKNOWN_WARNING,
        check,
        rules::testing::{bank_of, findings, findings_of, first_finding, healthy},
    };

    #[test]
    fn each_warning_has_finding_and_advice() {
        for info in FaultsAndWarnings::FIELDS.iter().skip(1) {
            let bank = bank_of(&["", &format!("warn={}", info.name)]);
            let is_error =
                ["output_short", "pv1_voltage_high", "pv2_voltage_high"].contains(&info.name);
            let severity = if is_error { Severity::Error } else { Severity::Warning };
            assert_eq!(findings(&bank), [("warning", severity)], "{}", info.name);
            let finding = &check(&bank).findings[0];
            assert!(
                !finding.advice.is_empty() && finding.why != UNKNOWN_WARNING.why,
                "{}",
                info.name
            );
        }
        assert_eq!(findings(&healthy()), []);
        assert_eq!(first_finding(&bank_of(&["", "warn=fan-locked"])), "fan locked: sim:1 raised");
    }

    #[test]
    fn outage_on_all_units_is_info() {
        let bank = bank_of(&["grid=off", ""]);
        assert_eq!(findings(&bank), [("warning", Severity::Info)]);
        assert_eq!(first_finding(&bank), "no unit has grid");
    }

    #[test]
    fn battery_fault_suppresses_battery_warning() {
        let bank = bank_of(&["fault=83&warn=battery-low", "fault=83"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
    }

    #[test]
    fn warning_is_reported_if_fault_rule_is_left_out() {
        let alone = Checks::default().only(["warning"]).unwrap();
        let bank = bank_of(&["fault=83&warn=battery-low", "fault=83"]);
        assert_eq!(findings_of(&alone, &bank), [("warning", Severity::Warning)]);
    }
}
