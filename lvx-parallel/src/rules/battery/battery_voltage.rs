//! `battery-voltage`: all units measure the same battery voltage.
//!
//! The units share one battery. If they measure different voltages, voltage is lost in a cable or a contact,
//! or the battery is not connected to one of them; a greater difference stops the bank with fault 83. The
//! difference must last: it counts only if `GS` and the unit's own `PGSn` both show it.
//!
//! Sound cables lose voltage too. A unit that charges with a greater current measures a higher voltage, and
//! a unit that discharges with a greater current a lower one: a difference of this sign may be greater by
//! `battery_cable_drop` for each 100 A of difference between the currents.
//!
//! Limits: `battery_voltage_spread`, 0.2 V. Source: two commissioned LVX6048s on one battery showed 55.1
//! and 55.1 V and were judged with a limit of about 0.2 V. `battery_cable_drop`, 0.5 V for 100 A: 5 mΩ for the
//! cables, lugs, fuse and breaker of a unit (assumed: 4 m of copper of 50 mm² have 1.4 mΩ).

use pi18_proto::{Amperes, Decivolts};

use crate::{
    Finding, FindingKind, Severity,
    advice::{LIVE_TERMINALS, OPENED},
    context::{Context, Measured},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "battery-voltage",
    "battery voltages differ (battery_voltage_spread, battery_cable_drop)",
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
        LIVE_TERMINALS,
        "check its battery breaker, fuse, cables and the lugs on both ends",
        "connect packs only if their voltages are as close as their maker asks",
    ],
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "the battery voltages of two units differ by more than battery_voltage_spread, plus battery_cable_drop for \
     the difference of their currents, in both readings",
    "the units share one battery: the difference is lost in a cable or a contact, which gets hot, and a greater \
     difference stops the bank with fault 83",
    &[
        "lower the loads and the charge current until this is repaired",
        "compare again while charging and while discharging: the unit with the bad contact measures a higher \
         voltage while charging and a lower one while discharging",
        "have an electrician look for a warm lug or breaker with an infrared thermometer, never with a hand, and \
         measure at the terminals of each unit, which are live: if the voltages are equal, a unit's own \
         measurement is wrong",
        LIVE_TERMINALS,
        "tighten its battery lugs with insulated tools and the torque that the maker gives",
        "use battery cables of the same length and size",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let units = &context.measured;
    let Some(Excess { found, allowed }) = lasting_excess(context, units) else {
        return Vec::new();
    };
    let values = units.iter().map(|unit| unit.value(unit.status.battery_voltage)).collect();
    let finding = if units.iter().any(|measured| measured.unit.lacks_battery().is_some()) {
        RULE.report(&MISSING, "a unit measures no battery", values)
    } else {
        let what = format!("battery voltages differ by {found}, more than {allowed}");
        RULE.report(&DIFFERENT, what, values)
    };
    vec![finding]
}

/// A difference between two battery voltages, and the difference that the currents allow.
struct Excess {
    found: Decivolts,
    allowed: Decivolts,
}

/// A battery voltage, with the charge and the discharge current.
type Reading = (Decivolts, Amperes, Amperes);

/// Returns the difference between two units that exceeds its limit most, if one does in both readings. If a
/// unit has no second reading, only `GS` counts.
fn lasting_excess(context: &Context<'_>, units: &[Measured<'_>]) -> Option<Excess> {
    let now = units.iter().map(|each| {
        let status = &each.status;
        (status.battery_voltage, status.charge_current, status.discharge_current)
    });
    let later = units.iter().map(|each| {
        let status = each.again.as_ref()?;
        Some((status.battery_voltage, status.charge_current, status.discharge_current))
    });
    let later: Option<Vec<Reading>> = later.collect();
    let found = excess(context, &now.collect::<Vec<_>>())?;
    later.is_none_or(|later| excess(context, &later).is_some()).then_some(found)
}

/// Returns the difference between two units that exceeds its limit most.
fn excess(context: &Context<'_>, units: &[Reading]) -> Option<Excess> {
    let thresholds = context.thresholds();
    // Millivolts, amperes and milliohms; 0.1 V for 100 A is 1 mΩ.
    let spread = i64::from(thresholds.battery_voltage_spread.0) * 100;
    let resistance = i64::from(thresholds.battery_cable_drop.0);
    let volts = |reading: &Reading| i64::from(reading.0.0) * 100;
    let amperes = |reading: &Reading| i64::from(reading.1.0) - i64::from(reading.2.0);
    let pairs = units.iter().flat_map(|one| units.iter().map(move |other| (one, other)));
    let differences = pairs.map(|(one, other)| {
        let drop = resistance * (amperes(one) - amperes(other));
        (volts(one) - volts(other), spread + drop.max(0))
    });
    let (found, allowed) = differences.max_by_key(|(found, allowed)| found - allowed)?;
    let decivolts =
        |millivolts: i64| Decivolts(u16::try_from(millivolts / 100).unwrap_or_default());
    (found > allowed).then(|| Excess { found: decivolts(found), allowed: decivolts(allowed) })
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts, Percent};

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
            "battery voltages differ by 0.3 V, more than 0.2 V: sim:0 55.0 V, sim:1 55.3 V"
        );
        assert_eq!(findings(&bank_of(&["", "battery-offset=0.2"])), []);
        assert_eq!(findings(&bank_of(&["fault=83", "fault=83&battery-offset=3"])).len(), 1);
    }

    #[test]
    fn drop_in_cables_allows_difference_of_its_sign() {
        // One unit discharges with 80 A, and the other with 20 A: 5 mΩ lose 0.3 V more.
        let with = |volts: [u16; 2]| {
            let mut bank = bank_of(&["output-mode=5&sun=0&load=3000", "output-mode=6"]);
            for (unit, amperes) in [(0, 80), (1, 20)] {
                measure(&mut bank.units, unit, |status| {
                    status.battery_voltage = Decivolts(volts[unit]);
                    status.discharge_current = Amperes(amperes);
                    status.charge_current = Amperes(0);
                });
            }
            bank
        };
        let different = [("battery-voltage", Severity::Warning)];
        assert_eq!(findings(&with([515, 520])), []);
        let bank = with([514, 520]);
        assert_eq!(findings(&bank), different);
        assert_eq!(
            first_finding(&bank),
            "battery voltages differ by 0.6 V, more than 0.5 V: sim:0 51.4 V, sim:1 52.0 V"
        );
        // The unit with the greater discharge current must not measure more.
        assert_eq!(findings(&with([522, 520])), []);
        assert_eq!(findings(&with([523, 520])), different);
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
