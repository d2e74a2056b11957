//! All units measure the same battery.

use pi18_proto::FaultCode;

use super::Rule;
use crate::{
    Finding, Severity, UnitSnapshot,
    context::{Context, lasting_spread},
};

pub(super) static RULE: Rule = Rule::new(
    "battery-voltage",
    "battery voltages differ (battery_voltage_spread)",
    "two commissioned LVX6048 on one battery: 55.1 and 55.1 V, judged by about 0.2 V",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // The fault says the same, louder.
    if context.tells_fault(&[FaultCode::PARALLEL_BATTERY_VOLTAGE]) {
        return Vec::new();
    }
    let most = context.thresholds().battery_voltage_spread;
    let live: Vec<_> = context.live.iter().collect();
    let spread = lasting_spread(&live, most, |s| s.battery_voltage, |s| s.battery_voltage);
    let Some(found) = spread else { return Vec::new() };
    let values = context.live.iter().map(|live| live.value(live.status.battery_voltage)).collect();
    if live.iter().any(|live| live.unit.lacks_battery().is_some()) {
        let why = "it can neither charge nor discharge, so that the others do its share; the bank may \
                   stop with fault 83 any time";
        let what = "a unit measures no battery";
        return vec![RULE.finding(Severity::Warning, what, values, why).advise(&[
            "check its battery breaker and fuse, and whether its BMS has switched off",
            "with AC, PV and battery off, check its battery cables and the lugs on both ends",
            "measure at its terminals with a meter: if the battery is there, the unit's own measurement is off",
        ])];
    }
    let what = format!("battery voltages differ by {found}, more than {most}");
    let why = "the units share one battery: what they measure differently is lost in a cable or a \
               contact, and a greater difference stops the bank with fault 83";
    vec![RULE.finding(Severity::Warning, what, values, why).advise(&[
        "the unit with the bad contact measures more while charging and less while discharging; find \
         the warm lug or breaker with an infrared thermometer, not with a hand",
        "tighten its battery lugs only with the unit off and its PV, AC and battery disconnected, with \
         insulated tools and the maker's torque",
        "use battery cables of one length and size",
        "measure at each unit's terminals with a meter: if they are equal, the unit's own measurement is off",
    ])]
}

/// Whether this rule, or the fault in its place, says that this unit has no battery: that explains what
/// else the unit says of it.
pub(super) fn tells_lack(context: &Context<'_>, unit: &UnitSnapshot) -> bool {
    let is_told = || {
        context.tells_fault(&[FaultCode::PARALLEL_BATTERY_VOLTAGE])
            || (context.checks.has(&RULE.info) && !check(context).is_empty())
    };
    unit.lacks_battery().is_some() && is_told()
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decivolts, Percent};

    use crate::{
        Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, found, measure, told},
    };

    #[test]
    fn more_than_the_threshold_is_told() {
        let bank = bank_of(&["", "battery-offset=0.3"]);
        assert_eq!(findings(&bank), [("battery-voltage", Severity::Warning)]);
        assert_eq!(
            told(&bank),
            "battery voltages differ by 0.3 V, more than 0.2 V: sim:0 54.6 V, sim:1 54.9 V"
        );
        assert_eq!(findings(&bank_of(&["", "battery-offset=0.2"])), []);
        assert_eq!(findings(&bank_of(&["fault=83", "fault=83&battery-offset=3"])).len(), 1);
    }

    #[test]
    fn what_does_not_last_is_no_difference() {
        let found = found(|units| units[1].status.value_mut().unwrap().battery_voltage.0 += 5);
        assert_eq!(found, []);
    }

    #[test]
    fn the_threshold_can_be_set() {
        let mut checks = Checks::default();
        checks.thresholds.set("battery_voltage_spread", "0.4").unwrap();
        assert_eq!(findings_of(&checks, &bank_of(&["", "battery-offset=0.3"])), []);
    }

    #[test]
    fn a_battery_that_is_not_connected_is_told_once() {
        for off in ["battery=off", "battery=off&warn=battery-low", "battery=off&warn=battery-open"]
        {
            let mut bank = bank_of(&["sun=30&load=1500", off]);
            for volts in [0, 190] {
                measure(&mut bank.units, 1, |status| {
                    status.battery_voltage = Decivolts(volts);
                    status.battery_capacity = Percent(0);
                });
                assert_eq!(findings(&bank), [("battery-voltage", Severity::Warning)], "{off}");
                let words = "a unit measures no battery: sim:0 ";
                assert!(told(&bank).starts_with(words), "{}", told(&bank));
            }
            let skip = vec![&super::RULE.info];
            let skipping = Checks { skip, ..Checks::default() };
            let others = findings_of(&skipping, &bank);
            assert!(others.contains(&("battery-capacity", Severity::Warning)), "{others:?}");
            let warns = off.contains("warn");
            assert_eq!(others.contains(&("warning", Severity::Warning)), warns, "{others:?}");
        }
    }

    #[test]
    fn a_low_battery_is_told_beside_a_bad_contact() {
        let found = findings(&bank_of(&["warn=battery-low", "battery-offset=0.3"]));
        assert_eq!(found, [("warning", Severity::Warning), ("battery-voltage", Severity::Warning)]);
    }
}
