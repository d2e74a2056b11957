//! All units see the same grid.

use pi18_proto::FaultCode;

use super::Rule;
use crate::{
    Finding, Severity,
    context::{Context, Measured, lasting_spread},
};

pub(super) static RULE: Rule = Rule::new(
    "grid",
    "grid voltages or frequencies differ (grid_voltage_spread, frequency_spread)",
    "assumed: voltmeters of two units on one wire",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.tells_fault(&[FaultCode::PARALLEL_LINE]) {
        return Vec::new();
    }
    let most = context.thresholds().grid_voltage_spread;
    let by_phase = context.sharing().into_iter().filter_map(|sharing| {
        let units = &sharing.units;
        let found = lasting_spread(units, most, |s| s.grid_voltage, |s| s.grid_voltage)?;
        let place = sharing.place();
        Some(finding(format!("grid voltages{place} differ by {found}, more than {most}"), units))
    });
    let findings: Vec<_> = by_phase.collect();
    if !findings.is_empty() {
        return findings;
    }
    let most = context.thresholds().frequency_spread;
    let units: Vec<_> = context.live.iter().collect();
    let found = lasting_spread(&units, most, |s| s.grid_frequency, |s| s.grid_frequency);
    let what = found.map(|found| format!("grid frequencies differ by {found}, more than {most}"));
    what.map(|what| finding(what, &units)).into_iter().collect()
}

fn finding(what: String, units: &[&Measured<'_>]) -> Finding {
    let shown = |live: &&Measured<'_>| {
        live.value(format_args!("{} {}", live.status.grid_voltage, live.status.grid_frequency))
    };
    let why = "units of a bank work on one grid; one that sees another leaves it alone, and a greater \
               difference stops the bank with fault 84";
    RULE.finding(Severity::Warning, what, units.iter().map(shown).collect(), why).advise(&[
        "check the AC input breaker and wires of the unit that differs",
        "check that all units are on the same phase",
    ])
}

/// Whether this rule speaks.
pub(super) fn is_found(context: &Context<'_>) -> bool {
    context.checks.has(&RULE.info) && !check(context).is_empty()
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, found, measure, told},
    };

    #[test]
    fn another_grid_is_told() {
        let with = |volts| {
            found(|units| measure(units, 1, |status| status.grid_voltage = Decivolts(volts)))
        };
        assert_eq!(with(1251), [("grid", Severity::Warning)]);
        assert_eq!(with(1250), []);
        let frequency = |hertz| {
            found(|units| measure(units, 1, |status| status.grid_frequency = Decihertz(hertz)))
        };
        assert_eq!(frequency(606), [("grid", Severity::Warning)]);
        assert_eq!(frequency(605), []);
    }

    #[test]
    fn a_unit_without_grid_in_battery_mode_is_one_cause() {
        let mut bank = bank_of(&["sun=30&load=200", "mode=03&warn=line-fail"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(0));
        assert_eq!(findings(&bank), [("grid", Severity::Warning)]);
        assert!(told(&bank).starts_with("grid voltages differ by 120.0 V"), "{}", told(&bank));
    }

    #[test]
    fn a_fault_says_the_same_and_phases_differ() {
        let mut bank = bank_of(&["fault=84", "fault=84"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(0));
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        let mut bank = bank_of(&["output-mode=5", "output-mode=6"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), []);
    }

    #[test]
    fn what_does_not_last_is_no_difference() {
        let volts = found(|units| units[1].status.value_mut().unwrap().grid_voltage.0 += 70);
        assert_eq!(volts, []);
        let hertz = found(|units| units[1].status.value_mut().unwrap().grid_frequency.0 += 9);
        assert_eq!(hertz, []);
    }

    #[test]
    fn units_of_one_phase_see_one_grid() {
        let mut bank = bank_of(&["output-mode=5", "output-mode=6", "output-mode=6"]);
        measure(&mut bank.units, 2, |status| status.grid_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), [("grid", Severity::Warning)]);
        assert!(told(&bank).starts_with("grid voltages on phase 2 of 2 differ"), "{}", told(&bank));
    }
}
