//! `grid`: all units measure the same grid.
//!
//! Compares voltages of units on one phase, and frequencies of all. A unit that measures another grid
//! disconnects from it; a greater difference stops the bank with fault 84. A difference counts only if both
//! readings of a unit, `GS` and its own `PGSn`, are above both readings of another one. A generator drifts
//! while the units are read, so its limit is greater.
//!
//! Limits: `grid_voltage_spread`, 5 V, and `frequency_spread`, 0.5 Hz (both assumed: tolerance of two
//! voltmeters on one wire); for a generator `source_drift`, 20 % (assumed: 108 to 132 V).

use crate::{
    Finding, FindingKind, Severity,
    advice::LIVE_TERMINALS,
    context::{Context, GRID, Measured},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "grid",
    "grid voltages or frequencies differ (grid_voltage_spread, frequency_spread, source_drift)",
    "assumed: tolerance of two voltmeters on one wire; a generator has 108 to 132 V and 57 to 63 Hz",
    &[&MISSING, &DIFFERENT],
    check,
);

static MISSING: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit measures no grid and the others do",
    "the unit takes nothing from the grid, so the others carry its share; the bank may stop with fault 84 at \
     any time",
    &[
        "look whether its AC input is switched off; if it has switched itself off, leave it off until the reason \
         is known",
        LIVE_TERMINALS,
        "check its AC input breaker, wires and terminals",
    ],
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "the grid voltages of units on one phase differ by more than grid_voltage_spread, or grid frequencies by \
     more than frequency_spread, in both readings; by more than source_drift if the grid drifts",
    "units of a bank are connected to one grid; a unit that measures another one disconnects \
     from it, and a greater difference stops the bank with fault 84",
    &[
        LIVE_TERMINALS,
        "check the AC input wires and terminals of the unit that differs: a loose contact loses voltage and gets \
         hot",
        "check that all units are on one phase of one source, or each on the phase of its output mode",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let (max, drift) = (thresholds.grid_voltage_spread, thresholds.source_drift);
    let by_group = context.output_groups().into_iter().filter_map(|group| {
        let units = &group.units;
        let gap = GRID.voltage_gap(units, max, drift)?;
        let (place, found, max) = (group.place(), gap.found, gap.max);
        Some(finding(format!("grid voltages{place} differ by {found}, more than {max}"), units))
    });
    let findings: Vec<_> = by_group.collect();
    if !findings.is_empty() {
        return findings;
    }
    let units: Vec<_> = context.measured.iter().collect();
    let gap = GRID.frequency_gap(&units, thresholds.frequency_spread, drift);
    let what =
        gap.map(|gap| format!("grid frequencies differ by {}, more than {}", gap.found, gap.max));
    what.map(|what| finding(what, &units)).into_iter().collect()
}

fn finding(what: String, units: &[&Measured<'_>]) -> Finding {
    let shown = |each: &&Measured<'_>| {
        each.value(format_args!("{} {}", each.status.grid_voltage, each.status.grid_frequency))
    };
    let lacks_grid = units.iter().any(|each| each.status.grid_voltage.0 == 0);
    let kind = if lacks_grid { &MISSING } else { &DIFFERENT };
    RULE.report(kind, what, units.iter().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts};

    use crate::{
        BankSnapshot, Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, first_finding, found, healthy, measure},
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

    /// Changes `GS` of a unit and its own `PGSn` to two readings of voltage and frequency.
    fn read_twice(bank: &mut BankSnapshot, unit: usize, now: (u16, u16), again: (u16, u16)) {
        let status = bank.units[unit].status.value_mut().unwrap();
        (status.grid_voltage, status.grid_frequency) = (Decivolts(now.0), Decihertz(now.1));
        (status.output_voltage, status.output_frequency) = (Decivolts(now.0), Decihertz(now.1));
        let status = bank.units[unit].statuses[unit].value_mut().unwrap();
        (status.grid_voltage, status.grid_frequency) = (Decivolts(again.0), Decihertz(again.1));
        (status.output_voltage, status.output_frequency) = (Decivolts(again.0), Decihertz(again.1));
    }

    fn with_readings(readings: [[(u16, u16); 2]; 2]) -> Vec<(&'static str, Severity)> {
        let mut bank = healthy();
        for (unit, [now, again]) in readings.into_iter().enumerate() {
            read_twice(&mut bank, unit, now, again);
        }
        let checks = Checks::default().only(["grid", "output"]).unwrap();
        findings_of(&checks, &bank)
    }

    #[test]
    fn drifting_generator_is_healthy() {
        for readings in [
            // Readings of the units overlap.
            [[(1180, 598), (1250, 602)], [(1240, 601), (1185, 597)]],
            // Each reading of one unit is above each of the other.
            [[(1100, 580), (1120, 585)], [(1200, 600), (1290, 615)]],
            [[(1080, 570), (1085, 572)], [(1320, 630), (1315, 629)]],
            // The frequency alone shows the generator.
            [[(1100, 575), (1100, 575)], [(1300, 622), (1300, 622)]],
        ] {
            assert_eq!(with_readings(readings), [], "{readings:?}");
        }
        // A generator at 230 V, 50 Hz.
        assert_eq!(with_readings([[(2100, 481), (2120, 485)], [(2480, 522), (2470, 519)]]), []);
    }

    #[test]
    fn difference_beyond_drift_is_reported() {
        let found = with_readings([[(900, 580), (920, 585)], [(1200, 600), (1290, 615)]]);
        assert_eq!(found, [("grid", Severity::Warning)]);
        // A steady source has the small tolerance.
        let found = with_readings([[(1200, 600), (1202, 600)], [(1260, 600), (1258, 600)]]);
        assert_eq!(found, [("grid", Severity::Warning)]);
    }

    #[test]
    fn unit_without_generator_is_reported() {
        let mut bank = bank_of(&["sun=30&load=200", "mode=03&warn=line-fail"]);
        let now = (1150, 577);
        read_twice(&mut bank, 0, now, (1201, 588));
        measure(&mut bank.units, 1, |status| {
            (status.grid_voltage, status.grid_frequency) = (Decivolts(0), Decihertz(0));
        });
        let checks = Checks::default().only(["grid"]).unwrap();
        let report = checks.check(&bank);
        assert_eq!(findings_of(&checks, &bank), [("grid", Severity::Warning)]);
        assert!(report.findings[0].why.contains("takes nothing from the grid"), "{report}");
    }
}
