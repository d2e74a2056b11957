//! `battery-voltmeter`: the battery voltage is plausible for the rated battery voltage of the unit.
//!
//! A voltage far from the rated one means that another battery is connected, that none is, or that the voltmeter
//! of the unit is wrong. It must last: it counts only if `GS` and the unit's own `PGSn` both show it. 0 V is not a
//! measurement, and rule `battery-voltage` reports a unit that measures no battery while others do.
//!
//! Limits: `battery_voltage_least`, 80 %, and `battery_voltage_greatest`, 130 % of the rated voltage (assumed:
//! for 48 V, 38.4 to 62.4 V; 16 LFP cells have 40 to 58.4 V).

use super::limits::{Side, implausible};
use crate::{
    Finding, FindingKind, Severity,
    advice::{CHARGE_LIMITS, OPENED, OVERCHARGED},
    context::Context,
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "battery-voltmeter",
    "a battery voltage is far from the rated one (battery_voltage_least, battery_voltage_greatest)",
    "assumed: 16 LFP cells have 40 to 58.4 V, 24 lead-acid cells 42 to 60 V",
    &[&HIGH, &LOW],
    check,
);

static HIGH: FindingKind = FindingKind::new(
    Severity::Error,
    "a unit measures more than battery_voltage_greatest of its rated battery voltage in both readings",
    "this voltage destroys the battery or the unit, if it is real; otherwise the unit's voltmeter is wrong, so \
     that it charges and stops at wrong voltages",
    &[
        OVERCHARGED,
        "have an electrician measure the voltage at the live terminals of the battery: if it is lower there, \
         have the unit serviced and leave it off until then; if it is not, do not use the battery, and ask its \
         maker",
        "check that the battery has the rated voltage of the unit",
    ],
);

static LOW: FindingKind = FindingKind::new(
    Severity::Error,
    "a unit measures less than battery_voltage_least of its rated battery voltage in both readings",
    "the battery is deeply discharged, disconnected by its BMS, or of another rated voltage than the unit; or the \
     unit's voltmeter is wrong, so that it charges to a wrong voltage",
    &[
        CHARGE_LIMITS,
        OPENED,
        "have an electrician measure the voltage at the live terminals of the battery and of the unit: if it \
         is higher there, have the unit serviced and leave it off until then",
        "check that the battery has the rated voltage of the unit",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let sides = [
        (&HIGH, Side::High, "above", Effect::HighVoltmeter),
        (&LOW, Side::Low, "below", Effect::LowVoltmeter),
    ];
    let mut findings = Vec::new();
    for (kind, side, word, effect) in sides {
        if is_suppressed(context, effect) {
            continue;
        }
        let units = implausible(context, side).into_iter();
        let values: Vec<_> = units.map(|each| each.value(each.status.battery_voltage)).collect();
        if !values.is_empty() {
            let thresholds = context.thresholds();
            let limit = match side {
                Side::Low => thresholds.battery_voltage_least,
                Side::High | Side::Either => thresholds.battery_voltage_greatest,
            };
            let what = format!("a battery voltage is {word} {limit} of the rated one");
            findings.push(RULE.report(kind, what, values));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    /// Returns what is found if every unit measures this voltage, in decivolts.
    fn with(switches: &[&str], volts: u16) -> Vec<(&'static str, Severity)> {
        let mut bank = bank_of(switches);
        for unit in 0..switches.len() {
            measure(&mut bank.units, unit, |status| {
                status.battery_voltage = Decivolts(volts);
                status.charge_current = Amperes(0);
                status.discharge_current = Amperes(0);
            });
        }
        findings(&bank)
    }

    const FOUND: (&str, Severity) = ("battery-voltmeter", Severity::Error);

    #[test]
    fn voltage_far_from_rated_one_is_reported() {
        assert_eq!(with(&["soc=99&sun=0", ""], 383), [FOUND]);
        assert!(!with(&["soc=99&sun=0", ""], 384).contains(&FOUND));
        assert_eq!(with(&["soc=99&sun=0", ""], 625), [FOUND]);
        assert!(!with(&["soc=99&sun=0", ""], 624).contains(&FOUND));
        assert_eq!(with(&["rated=24&soc=99&sun=0"], 320), [FOUND]);
        assert_eq!(with(&["rated=24&soc=99&sun=0"], 190), [FOUND]);
    }

    #[test]
    fn zero_is_not_a_measurement() {
        assert_eq!(with(&["sun=0", ""], 0), []);
        assert_eq!(with(&["sun=0", ""], 150), [FOUND]);
    }

    #[test]
    fn wrong_voltmeter_of_one_unit_is_reported_once() {
        let mut bank = bank_of(&["", ""]);
        measure(&mut bank.units, 1, |status| status.battery_voltage = Decivolts(650));
        assert_eq!(findings(&bank), [FOUND]);
        assert_eq!(
            first_finding(&bank),
            "a battery voltage is above 130 % of the rated one: sim:1 65.0 V"
        );
    }

    #[test]
    fn only_fault_of_its_side_suppresses_voltage() {
        for (fault, volts, is_found) in [
            ("03", 625, false),
            ("04", 625, true),
            ("83", 625, true),
            ("03", 383, true),
            ("04", 383, false),
            ("83", 383, true),
        ] {
            let switch = format!("fault={fault}");
            let found = with(&[&switch, &switch], volts);
            assert_eq!(found.contains(&FOUND), is_found, "{fault}, {volts}");
        }
    }
}
