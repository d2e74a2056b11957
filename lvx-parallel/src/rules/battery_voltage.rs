//! All units measure the same battery.

use pi18_proto::FaultCode;

use super::Rule;
use crate::{
    Finding, Severity,
    case::{Case, lasting_spread},
};

pub(super) static RULE: Rule = Rule::new(
    "battery-voltage",
    "battery voltages differ (battery_voltage_spread)",
    "two commissioned LVX6048 on one battery: 55.1 and 55.1 V, judged by about 0.2 V",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    // The fault says the same, louder.
    if case.tells_fault(&[FaultCode::PARALLEL_BATTERY_VOLTAGE]) {
        return Vec::new();
    }
    let most = case.thresholds().battery_voltage_spread;
    let live: Vec<_> = case.live.iter().collect();
    let spread = lasting_spread(&live, most, |s| s.battery_voltage, |s| s.battery_voltage);
    let Some(found) = spread else { return Vec::new() };
    let what = format!("battery voltages differ by {found}, more than {most}");
    let values = case.live.iter().map(|live| live.value(live.status.battery_voltage)).collect();
    let why = "the units share one battery: what they measure differently is lost in a cable or a \
               contact, and a greater difference stops the bank with fault 83";
    vec![RULE.tell(Severity::Warning, what, values, why).advise(&[
        "the unit with the bad contact measures more while charging and less while discharging; find \
         the warm lug or breaker with an infrared thermometer, not with a hand",
        "tighten its battery lugs only with the unit off and its PV, AC and battery disconnected, with \
         insulated tools and the maker's torque",
        "use battery cables of one length and size",
        "measure at each unit's terminals with a meter: if they are equal, the unit's own measurement is off",
    ])]
}

#[cfg(test)]
mod tests {
    use crate::{
        Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, found, told},
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
}
