//! No unit raises a warning.

use pi18_proto::{FaultCode, FaultsAndWarnings, Reply};

use super::{Rule, battery_voltage, fault, grid};
use crate::{
    Finding, Severity, UnitSnapshot,
    advice::{Advice, warning as advice_for},
    context::{Context, observed},
    report::text::uncapitalised,
};

pub(crate) static RULE: Rule =
    Rule::new("warning", "a warning is raised", "PI18 2017 and 2022, \"FWS\"", check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let names = FaultsAndWarnings::FIELDS.iter().skip(1);
    names.filter_map(|info| finding(context, info.name, info.label)).collect()
}

fn finding(context: &Context<'_>, name: &str, label: &str) -> Option<Finding> {
    let raised: Vec<_> = context
        .units
        .iter()
        .copied()
        .filter(|unit| raises(unit, name) && !follows(context, unit, name))
        .collect();
    raised.first()?;
    let asked = context.units.iter().filter(|unit| unit.faults.value().is_some()).count();
    let everywhere = raised.len() == asked;
    let is_outage = name == LINE_FAIL && everywhere;
    if name == LINE_FAIL && !everywhere && grid::is_found(context) {
        return None;
    }
    let severity = if is_outage { Severity::Info } else { Severity::Warning };
    let what = if is_outage { "no unit has grid".to_owned() } else { uncapitalised(label) };
    let values = if is_outage && context.units.len() > 1 {
        Vec::new()
    } else {
        raised.iter().map(|unit| observed(unit, "raised")).collect()
    };
    let Advice { why, steps } = advice_for(name);
    if is_outage {
        let why = "the units run from battery and sun until the grid is back";
        return Some(RULE.finding(severity, what, values, why));
    }
    Some(RULE.finding(severity, what, values, why).advise(steps))
}

fn raises(unit: &UnitSnapshot, name: &str) -> bool {
    let mut found = false;
    if let Some(faults) = unit.faults.value() {
        faults.visit_raised(&mut |info| found |= info.name == name);
    }
    found
}

/// A unit that stands with a fault of its battery, or has none, warns of the battery as well.
fn follows(context: &Context<'_>, unit: &UnitSnapshot, name: &str) -> bool {
    let about_battery = [
        FaultCode::PARALLEL_BATTERY_VOLTAGE,
        FaultCode::BATTERY_HIGH,
        FaultCode::BATTERY_LOW,
        FaultCode::BATTERY_OPEN,
    ];
    let stands = unit.fault().is_some_and(|fault| about_battery.contains(&fault));
    let is_told = (stands && context.checks.has(&fault::RULE.info))
        || battery_voltage::tells_lack(context, unit);
    name.starts_with("battery") && is_told
}

const LINE_FAIL: &str = "line_fail";

#[cfg(test)]
mod tests {
    use pi18_proto::{FaultsAndWarnings, Reply};

    use crate::{
        Checks, Severity, check,
        rules::testing::{bank_of, findings, findings_of, healthy, told},
    };

    #[test]
    fn each_warning_is_told_and_explained() {
        for info in FaultsAndWarnings::FIELDS.iter().skip(1) {
            let bank = bank_of(&["", &format!("warn={}", info.name)]);
            assert_eq!(findings(&bank), [("warning", Severity::Warning)], "{}", info.name);
            let finding = &check(&bank).findings[0];
            assert!(!finding.advice.is_empty() && finding.why != "the unit warns", "{}", info.name);
        }
        assert_eq!(findings(&healthy()), []);
        assert_eq!(told(&bank_of(&["", "warn=fan-locked"])), "fan locked: sim:1 raised");
    }

    #[test]
    fn an_outage_is_nobodys_fault() {
        let bank = bank_of(&["grid=off", ""]);
        assert_eq!(findings(&bank), [("warning", Severity::Info)]);
        assert_eq!(told(&bank), "no unit has grid");
    }

    #[test]
    fn a_fault_of_the_battery_says_what_its_warning_would() {
        let bank = bank_of(&["fault=83&warn=battery-low", "fault=83"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
    }

    #[test]
    fn what_is_not_told_elsewhere_is_told_here() {
        let only = vec![&super::RULE.info];
        let alone = Checks { only, ..Checks::default() };
        let bank = bank_of(&["fault=83&warn=battery-low", "fault=83"]);
        assert_eq!(findings_of(&alone, &bank), [("warning", Severity::Warning)]);
    }
}
