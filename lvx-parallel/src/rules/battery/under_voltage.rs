//! `under-voltage`: the battery is not discharged below its cut-off voltage.
//!
//! Compares the battery voltage with the lowest cut-off voltage of the bank, at which the last unit stops using
//! the battery, and with the voltage below which a cell is damaged. All units must measure the voltage in both
//! readings, so that a motor that starts is not reported.
//!
//! Limits: `below_cutoff`, 0.5 V (assumed: the voltage may fall a little before the unit stops), and
//! `deep_discharge`, 40 V: 2.5 V for each of 16 LFP cells, their usual discharge limit. Both are for a battery of
//! 48 V.

use super::limits::{batteries, is_discharged};
use crate::{
    Finding, FindingKind, Severity, advice::CHARGE_LIMITS, context::Context, rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "under-voltage",
    "the battery is discharged below its cut-off voltage (below_cutoff), or is deeply discharged (deep_discharge)",
    "data sheets of LFP cells: discharge limit 2.5 V; the margin is assumed",
    &[&DEEP, &BELOW_CUTOFF],
    check,
);

static DEEP: FindingKind = FindingKind::new(
    Severity::Error,
    "all units measure less than deep_discharge in both readings",
    "cells are damaged at this voltage, and charging damaged lithium cells can set them on fire",
    &[
        "switch the loads off",
        CHARGE_LIMITS,
        "have an electrician measure the voltage of the pack and of each cell before anything charges it",
    ],
);

static BELOW_CUTOFF: FindingKind = FindingKind::new(
    Severity::Warning,
    "all units measure less than cut-off voltage minus below_cutoff in both readings, and the bank discharges",
    "the units should have stopped using the battery: it is discharged more deeply than its owner allowed, which \
     ages its cells",
    &[
        "switch loads off until the battery is charged",
        CHARGE_LIMITS,
        "compare the cut-off voltage with the limits that the maker of the battery gives",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let units = batteries(context);
    if units.is_empty() {
        return Vec::new();
    }
    let thresholds = context.thresholds();
    let rated = context.units.iter().filter_map(|unit| unit.rated.value());
    let cutoff = rated.map(|rated| rated.cutoff_voltage).filter(|cutoff| cutoff.0 > 0).min();
    let is_deep = units.iter().all(|unit| unit.is_below_for_48_v(thresholds.deep_discharge));
    let (kind, what) = if is_deep {
        (&DEEP, "the battery is deeply discharged".to_owned())
    } else {
        let Some(cutoff) = cutoff else { return Vec::new() };
        let is_below = units.iter().all(|unit| unit.is_below(cutoff, thresholds.below_cutoff));
        if !is_below || !is_discharged(context) {
            return Vec::new();
        }
        (&BELOW_CUTOFF, format!("the battery is discharged below its cut-off voltage ({cutoff})"))
    };
    let values = units.iter().map(|unit| unit.each.value(unit.each.status.battery_voltage));
    vec![RULE.report(kind, what, values.collect())]
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    /// Returns what is found if both units measure a voltage, in decivolts, with these currents.
    fn with(volts: u16, discharge: u16, charge: u16) -> Vec<(&'static str, Severity)> {
        with_switch("", volts, discharge, charge)
    }

    fn with_switch(
        switch: &str,
        volts: u16,
        discharge: u16,
        charge: u16,
    ) -> Vec<(&'static str, Severity)> {
        let mut bank = bank_of(&["soc=50&sun=0", switch]);
        for unit in 0..2 {
            measure(&mut bank.units, unit, |status| {
                status.battery_voltage = Decivolts(volts);
                status.discharge_current = Amperes(discharge);
                status.charge_current = Amperes(charge);
            });
        }
        findings(&bank)
    }

    #[test]
    fn discharge_below_cutoff_is_warning() {
        assert_eq!(with(474, 20, 0), [("under-voltage", Severity::Warning)]);
        assert_eq!(with(475, 20, 0), []);
        assert_eq!(with(474, 0, 0), []);
        assert_eq!(with(474, 0, 20), []);
    }

    #[test]
    fn deep_discharge_is_error_with_any_current() {
        assert_eq!(with(399, 0, 0), [("under-voltage", Severity::Error)]);
        assert_eq!(with(399, 0, 20), [("under-voltage", Severity::Error)]);
        assert_eq!(with(400, 0, 20), []);
    }

    #[test]
    fn warning_and_fault_about_same_voltage_are_one_finding() {
        for warning in ["warn=battery-low", "warn=battery-under"] {
            let found = with_switch(warning, 474, 20, 0);
            assert_eq!(found, [("under-voltage", Severity::Warning)], "{warning}");
        }
        assert_eq!(with_switch("fault=04", 474, 20, 0), [("fault", Severity::Error)]);
    }

    #[test]
    fn one_reading_is_ignored() {
        let mut bank = bank_of(&["soc=50&sun=0", ""]);
        for unit in &mut bank.units {
            let status = unit.status.value_mut().unwrap();
            status.battery_voltage = Decivolts(470);
            status.discharge_current = Amperes(20);
        }
        assert!(!findings(&bank).iter().any(|(rule, _)| *rule == "under-voltage"));
    }

    #[test]
    fn text_names_cutoff() {
        let mut bank = bank_of(&["soc=50&sun=0"]);
        measure(&mut bank.units, 0, |status| {
            status.battery_voltage = Decivolts(470);
            status.discharge_current = Amperes(20);
            status.charge_current = Amperes(0);
        });
        assert_eq!(
            first_finding(&bank),
            "the battery is discharged below its cut-off voltage (48.0 V): sim:0 47.0 V"
        );
    }

    #[test]
    fn only_fault_of_low_voltage_suppresses_under_voltage() {
        for (fault, is_found) in [("03", true), ("83", true), ("04", false)] {
            let found = with_switch(&format!("fault={fault}"), 390, 0, 0);
            assert_eq!(found.contains(&("under-voltage", Severity::Error)), is_found, "{fault}");
        }
    }
}
