//! All units see the same battery voltage.

use crate::{
    Finding, Severity, UnitSnapshot,
    rules::{each, spread},
};

/// Decivolts. Source: a commissioned pair of LVX6048 agreed to 0.1 V.
const MOST: u16 = 2;

pub(super) fn check(units: &[UnitSnapshot]) -> Vec<Finding> {
    let spread = spread(units.iter().map(|unit| unit.status.battery_voltage.0));
    if spread <= MOST {
        return Vec::new();
    }
    vec![Finding {
        rule: "battery-voltage",
        severity: Severity::Error,
        what: format!(
            "battery voltages differ by more than 0.2 V: {}",
            each(units, |unit| unit.status.battery_voltage)
        ),
        why: "units on one battery that measure different voltages stop with fault 83".to_owned(),
        advice: "check battery cables, breakers and lugs of the unit that reads lower".to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use crate::{Severity, rules::testing::found};

    #[test]
    fn tells_a_difference_above_two_tenths() {
        for (more, findings) in [(2, vec![]), (3, vec![("battery-voltage", Severity::Error)])] {
            let found = found(|units| {
                units[1].status.battery_voltage.0 = units[0].status.battery_voltage.0 + more;
            });
            assert_eq!(found, findings);
        }
    }
}
