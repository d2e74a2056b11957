//! `over-voltage`: the battery is not charged above its bulk and float voltage.
//!
//! Compares the battery voltage with the higher of bulk and float voltage; the highest of the bank, because
//! the units share one battery. All units must measure the voltage in both readings, so that one wrong
//! voltmeter is not reported here.
//!
//! Without any battery current, while PV or AC could charge a battery that is not full, the voltage is not that
//! of the cells: a BMS has opened, and the charger holds the voltage of its own terminals. Not full means a
//! state of charge below `opened_capacity`, because the voltage of a full battery can be that high at rest.
//! This is reported instead of the high voltage.
//!
//! Lead-acid batteries are charged above bulk while they are equalised, or while they are cold if a charger
//! compensates for the temperature. PI18 has no setting for either.
//!
//! Limits: `above_bulk`, 0.5 V, `far_above_bulk`, 1.0 V, `opened_above_bulk`, 0.3 V, and `opened_capacity`,
//! 95 % (all assumed: a charger regulates within 0.1 or 0.2 V, which is also the step of its voltmeter). Voltages
//! are for a battery of 48 V.

use pi18_proto::{DcAcDirection, Decivolts, GeneralStatus};

use super::limits::{Battery, batteries};
use crate::{
    Finding, FindingKind, Severity,
    advice::{OPENED, OVERCHARGED},
    context::{Context, has_pv_voltage},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "over-voltage",
    "the battery voltage is above bulk and float voltage (above_bulk, far_above_bulk, opened_above_bulk, opened_capacity)",
    "assumed: a charger regulates within 0.2 V",
    &[&OPEN, &FAR_ABOVE, &ABOVE],
    check,
);

static OPEN: FindingKind = FindingKind::new(
    Severity::Error,
    "all units measure more than bulk or float voltage plus opened_above_bulk without any battery current, \
     while PV voltage is present or AC charges, and a state of charge below opened_capacity",
    "a BMS has probably disconnected the battery to protect its cells: the loads, medical devices too, go \
     out with the next cloud, and when PV and AC input are switched off",
    &[
        OVERCHARGED,
        OPENED,
        "have an electrician measure the voltage at the live terminals of the pack and of the unit: if the pack \
         has the high voltage too, another source is charging it; switch that off",
        "afterwards, ask the maker of the pack for its charge voltage, and lower bulk voltage and maximum \
         charge current to it",
    ],
);

static FAR_ABOVE: FindingKind = FindingKind::new(
    Severity::Error,
    "all units measure more than bulk or float voltage plus far_above_bulk in both readings",
    "the battery is being overcharged: lithium cells can catch fire, and lead-acid batteries boil and give off \
     explosive gas",
    OTHER_SOURCE,
);

static ABOVE: FindingKind = FindingKind::new(
    Severity::Warning,
    "all units measure more than bulk or float voltage plus above_bulk in both readings",
    "something charges the battery above the voltage that the units are set to, which ages or overcharges its \
     cells; after a lower bulk voltage was set, a full battery takes some hours to settle",
    OTHER_SOURCE,
);

const OTHER_SOURCE: &[&str] = &[
    OVERCHARGED,
    "look for another source that charges the battery, such as a separate charge controller, and switch it \
     off: its limits are not those of the units",
    "compare bulk and float voltage with the limits that the maker of the battery gives",
    "have an electrician measure the voltage at the live terminals of the battery: if it is lower there, have \
     the units serviced",
];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let units = batteries(context);
    let rated = context.units.iter().filter_map(|unit| unit.rated.value());
    let target = rated.map(|rated| rated.bulk_voltage.max(rated.float_voltage)).max();
    let Some(target) = target.filter(|target| target.0 > 0 && !units.is_empty()) else {
        return Vec::new();
    };
    let thresholds = context.thresholds();
    let are_above = |margin: Decivolts| units.iter().all(|unit| unit.is_above(target, margin));
    let (kind, what) = if are_above(thresholds.opened_above_bulk) && is_open(context, &units) {
        (&OPEN, "the battery voltage jumped without any battery current: a BMS may have opened")
    } else if are_above(thresholds.far_above_bulk) {
        (&FAR_ABOVE, "the battery voltage is far above bulk and float voltage")
    } else if are_above(thresholds.above_bulk) {
        (&ABOVE, "the battery voltage is above bulk and float voltage")
    } else {
        return Vec::new();
    };
    let what = format!("{what} ({target})");
    let values = units.iter().map(|unit| unit.each.value(unit.each.status.battery_voltage));
    vec![RULE.report(kind, what, values.collect())]
}

/// Returns whether no unit has a battery current, although a source could charge a battery that is not full.
fn is_open(context: &Context<'_>, units: &[Battery<'_, '_>]) -> bool {
    let max_capacity = context.thresholds().opened_capacity;
    let has_no_current = |unit: &Battery<'_, '_>| {
        unit.each.lasts(
            |s| s.charge_current.0 == 0 && s.discharge_current.0 == 0,
            |s| s.charge_current.0 == 0 && s.discharge_current.0 == 0,
        )
    };
    let has_source = |status: &GeneralStatus| {
        has_pv_voltage(status) || status.dc_ac_direction == DcAcDirection::AC_TO_DC
    };
    units
        .iter()
        .all(|unit| has_no_current(unit) && unit.each.status.battery_capacity < max_capacity)
        && units.iter().any(|unit| has_source(&unit.each.status))
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, DcAcDirection, Decivolts, Percent};

    use crate::{
        BankSnapshot, Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    /// Returns a bank that measures this voltage, in decivolts, with these currents and this state of charge.
    fn with(switches: &[&str], volts: u16, charge: u16, capacity: u16) -> BankSnapshot {
        let mut bank = bank_of(switches);
        for unit in 0..switches.len() {
            measure(&mut bank.units, unit, |status| {
                status.battery_voltage = Decivolts(volts);
                status.charge_current = Amperes(charge);
                status.discharge_current = Amperes(0);
                status.battery_capacity = Percent(capacity);
            });
        }
        bank
    }

    const ERROR: [(&str, Severity); 1] = [("over-voltage", Severity::Error)];
    const WARNING: [(&str, Severity); 1] = [("over-voltage", Severity::Warning)];

    #[test]
    fn voltage_above_bulk_is_warning_and_far_above_it_error() {
        let bank = |volts| with(&["", ""], volts, 10, 99);
        assert_eq!(findings(&bank(569)), []);
        assert_eq!(findings(&bank(570)), WARNING);
        assert_eq!(findings(&bank(574)), WARNING);
        assert_eq!(findings(&bank(575)), ERROR);
        assert_eq!(
            first_finding(&bank(575)),
            "the battery voltage is far above bulk and float voltage (56.4 V): sim:0 + sim:1 57.5 V"
        );
    }

    #[test]
    fn limits_of_24_v_units_are_half() {
        let bank = |volts| with(&["rated=24"], volts, 10, 99);
        assert_eq!(findings(&bank(284)), []);
        assert_eq!(findings(&bank(285)), WARNING);
        assert_eq!(findings(&bank(288)), ERROR);
    }

    #[test]
    fn jump_without_current_is_reported_as_open_bms_only() {
        let bank = |volts, charge, capacity| with(&["", ""], volts, charge, capacity);
        for volts in [568, 580, 600] {
            let bank = bank(volts, 0, 80);
            assert_eq!(findings(&bank), ERROR);
            assert!(first_finding(&bank).contains("BMS may have opened"), "{volts}");
        }
        // Within 0.3 V, with a current, or full.
        assert_eq!(findings(&bank(567, 0, 80)), []);
        assert_eq!(findings(&bank(568, 3, 80)), []);
        assert_eq!(findings(&bank(568, 0, 95)), []);
        // At night there is no source that could charge.
        let mut night = bank(568, 0, 80);
        for unit in 0..2 {
            measure(&mut night.units, unit, |status| {
                status.pv1_voltage = Decivolts(0);
                status.pv2_voltage = Decivolts(0);
                status.dc_ac_direction = DcAcDirection::IDLE;
            });
        }
        assert_eq!(findings(&night), []);
    }

    #[test]
    fn warning_and_fault_about_same_voltage_are_one_finding() {
        let warns = ["warn=battery-high", ""];
        assert_eq!(findings(&with(&warns, 580, 10, 99)), ERROR);
        let fault = with(&["fault=03", "fault=03"], 580, 0, 99);
        assert_eq!(findings(&fault), [("fault", Severity::Error)]);
    }

    #[test]
    fn one_reading_or_one_unit_is_ignored() {
        let mut bank = bank_of(&["", ""]);
        for unit in 0..2 {
            bank.units[unit].status.value_mut().unwrap().battery_voltage = Decivolts(580);
        }
        assert!(!findings(&bank).contains(&ERROR[0]));
        let one = findings(&bank_of(&["", "battery-offset=3"]));
        assert_eq!(one, [("battery-voltage", Severity::Warning)]);
    }

    #[test]
    fn higher_of_bulk_and_float_counts() {
        let bank = with(&["bulk=54.0&float=54.0", "bulk=54.0&float=54.0"], 546, 10, 99);
        assert_eq!(findings(&bank), WARNING);
        let bank = with(&["bulk=56.4&float=57.6", "bulk=56.4&float=57.6"], 580, 10, 99);
        assert!(!findings(&bank).iter().any(|(rule, _)| *rule == "over-voltage"));
    }

    #[test]
    fn only_fault_of_high_voltage_suppresses_over_voltage() {
        for (fault, is_found) in [("04", true), ("83", true), ("03", false)] {
            let switch = format!("fault={fault}");
            let found = findings(&with(&[&switch, &switch], 580, 0, 99));
            assert_eq!(found.contains(&ERROR[0]), is_found, "{fault}");
        }
    }
}
