//! `battery-voltage`: all units measure the same battery voltage.
//!
//! The units share one battery. If they measure different voltages, voltage is lost in a cable or a contact,
//! or the battery is not connected to one of them; a greater difference stops the bank with fault 83. The
//! difference must last: it counts only if `GS` and the unit's own `PGSn` both show it.
//!
//! Limit: `battery_voltage_spread`, 0.2 V. Source: two commissioned LVX6048s on one battery showed 55.1
//! and 55.1 V and were judged with a limit of about 0.2 V.

use crate::{
    Finding, FindingKind, Severity,
    advice::{LIVE, OPENED},
    context::{Context, lasting_spread},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "battery-voltage",
    "battery voltages differ (battery_voltage_spread)",
    "two commissioned LVX6048s on one battery: 55.1 and 55.1 V, judged with a limit of about 0.2 V",
    &[&MISSING, &DIFFERENT],
    check,
);

static MISSING: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit measures no battery and the others do",
    "the unit can neither charge nor discharge the battery, so the others carry its share; the bank may stop \
     with fault 83 at any time",
    &[
        OPENED,
        "have an electrician measure at its terminals, which are live: if the battery is connected, the unit's own \
         measurement is wrong",
        LIVE,
        "check its battery breaker, fuse, cables and the lugs on both ends",
        "connect packs only if their voltages are as close as their maker asks",
    ],
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "the battery voltages of two units differ by more than battery_voltage_spread in both readings",
    "the units share one battery: the difference is lost in a cable or a contact, and a greater difference \
     stops the bank with fault 83",
    &[
        "compare again while charging and while discharging: the unit with the bad contact measures a higher \
         voltage while charging and a lower one while discharging",
        "have an electrician look for a warm lug or breaker with an infrared thermometer, never with a hand, and \
         measure at the terminals of each unit, which are live: if the voltages are equal, a unit's own \
         measurement is wrong",
        LIVE,
        "tighten its battery lugs with insulated tools and the torque that the maker gives",
        "use battery cables of the same length and size",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let max = context.thresholds().battery_voltage_spread;
    let units: Vec<_> = context.measured.iter().collect();
    let spread = lasting_spread(&units, max, |s| s.battery_voltage, |s| s.battery_voltage);
    let Some(found) = spread else { return Vec::new() };
    let values = units.iter().map(|unit| unit.value(unit.status.battery_voltage)).collect();
    let finding = if units.iter().any(|measured| measured.unit.lacks_battery().is_some()) {
        RULE.report(&MISSING, "a unit measures no battery", values)
    } else {
        let what = format!("battery voltages differ by {found}, more than {max}");
        RULE.report(&DIFFERENT, what, values)
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decivolts, Percent};

    use crate::{
        Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, first_finding, found, measure},
    };

    #[test]
    fn difference_beyond_threshold_is_reported() {
        let bank = bank_of(&["", "battery-offset=0.3"]);
        assert_eq!(findings(&bank), [("battery-voltage", Severity::Warning)]);
        assert_eq!(
            first_finding(&bank),
            "battery voltages differ by 0.3 V, more than 0.2 V: sim:0 54.6 V, sim:1 54.9 V"
        );
        assert_eq!(findings(&bank_of(&["", "battery-offset=0.2"])), []);
        assert_eq!(findings(&bank_of(&["fault=83", "fault=83&battery-offset=3"])).len(), 1);
    }

    #[test]
    fn difference_in_one_reading_is_ignored() {
        let found = found(|units| units[1].status.value_mut().unwrap().battery_voltage.0 += 5);
        assert_eq!(found, []);
    }

    #[test]
    fn threshold_can_be_set() {
        let mut checks = Checks::default();
        checks.thresholds.set("battery_voltage_spread", "0.4").unwrap();
        assert_eq!(findings_of(&checks, &bank_of(&["", "battery-offset=0.3"])), []);
    }

    #[test]
    fn missing_battery_is_reported_once() {
        for off in ["battery=off", "battery=off&warn=battery-low", "battery=off&warn=battery-open"]
        {
            let mut bank = bank_of(&["sun=30&load=1500", off]);
            for volts in [0, 190] {
                measure(&mut bank.units, 1, |status| {
                    status.battery_voltage = Decivolts(volts);
                    status.battery_capacity = Percent(0);
                });
                assert_eq!(findings(&bank), [("battery-voltage", Severity::Warning)], "{off}");
                let start = "a unit measures no battery: sim:0 ";
                assert!(first_finding(&bank).starts_with(start), "{}", first_finding(&bank));
            }
            let skipping = Checks::default().skip(["battery-voltage"]).unwrap();
            let others = findings_of(&skipping, &bank);
            assert!(others.contains(&("battery-capacity", Severity::Warning)), "{others:?}");
            let warns = off.contains("warn");
            assert_eq!(others.contains(&("warning", Severity::Warning)), warns, "{others:?}");
        }
    }

    #[test]
    fn low_battery_and_bad_contact_are_both_reported() {
        let found = findings(&bank_of(&["warn=battery-low", "battery-offset=0.3"]));
        assert_eq!(found, [("warning", Severity::Warning), ("battery-voltage", Severity::Warning)]);
    }
}
