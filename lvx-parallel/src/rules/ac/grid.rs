//! `grid`: all units measure the same grid.
//!
//! Compares voltages of units on one phase, and frequencies of all. A unit that measures another grid
//! disconnects from it; a greater difference stops the bank with fault 84. The difference must last, as
//! for `battery-voltage`.
//!
//! Limits: `grid_voltage_spread`, 5 V, and `frequency_spread`, 0.5 Hz (both assumed: tolerance of two
//! voltmeters on one wire).

use crate::{
    Finding, Severity,
    context::{Context, Measured, lasting_spread},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "grid",
    "grid voltages or frequencies differ (grid_voltage_spread, frequency_spread)",
    "assumed: tolerance of two voltmeters on one wire",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let max = context.thresholds().grid_voltage_spread;
    let by_group = context.output_groups().into_iter().filter_map(|group| {
        let units = &group.units;
        let found = lasting_spread(units, max, |s| s.grid_voltage, |s| s.grid_voltage)?;
        let place = group.place();
        Some(finding(format!("grid voltages{place} differ by {found}, more than {max}"), units))
    });
    let findings: Vec<_> = by_group.collect();
    if !findings.is_empty() {
        return findings;
    }
    let max = context.thresholds().frequency_spread;
    let units: Vec<_> = context.measured.iter().collect();
    let found = lasting_spread(&units, max, |s| s.grid_frequency, |s| s.grid_frequency);
    let what = found.map(|found| format!("grid frequencies differ by {found}, more than {max}"));
    what.map(|what| finding(what, &units)).into_iter().collect()
}

fn finding(what: String, units: &[&Measured<'_>]) -> Finding {
    let shown = |each: &&Measured<'_>| {
        each.value(format_args!("{} {}", each.status.grid_voltage, each.status.grid_frequency))
    };
    let why = "units of a bank are connected to one grid; a unit that measures another one disconnects \
               from it, and a greater difference stops the bank with fault 84";
    RULE.finding(Severity::Warning, what, units.iter().map(shown).collect(), why).advise(&[
        "check the AC input breaker and wires of the unit that differs",
        "check that all units are on the same phase",
    ])
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, found, measure},
    };

    #[test]
    fn grid_beyond_threshold_is_reported() {
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
    fn unit_without_grid_is_reported_once() {
        let mut bank = bank_of(&["sun=30&load=200", "mode=03&warn=line-fail"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(0));
        assert_eq!(findings(&bank), [("grid", Severity::Warning)]);
        assert!(
            first_finding(&bank).starts_with("grid voltages differ by 120.0 V"),
            "{}",
            first_finding(&bank)
        );
    }

    #[test]
    fn fault_84_suppresses_grid_and_phases_may_differ() {
        let mut bank = bank_of(&["fault=84", "fault=84"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(0));
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        let mut bank = bank_of(&["output-mode=5", "output-mode=6"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), []);
    }

    #[test]
    fn difference_in_one_reading_is_ignored() {
        let volts = found(|units| units[1].status.value_mut().unwrap().grid_voltage.0 += 70);
        assert_eq!(volts, []);
        let hertz = found(|units| units[1].status.value_mut().unwrap().grid_frequency.0 += 9);
        assert_eq!(hertz, []);
    }

    #[test]
    fn grids_are_compared_within_phase() {
        let mut bank = bank_of(&["output-mode=5", "output-mode=6", "output-mode=6"]);
        measure(&mut bank.units, 2, |status| status.grid_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), [("grid", Severity::Warning)]);
        assert!(
            first_finding(&bank).starts_with("grid voltages on phase 2 of 2 differ"),
            "{}",
            first_finding(&bank)
        );
    }
}
