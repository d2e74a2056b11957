//! Units that charge share the current.

use crate::{
    Finding, Severity, UnitSnapshot,
    rules::{each, spread},
};

/// Amperes. Source: a commissioned pair of LVX6048 charged with 55 A and 57 A.
const MOST: u16 = 5;

pub(super) fn check(units: &[UnitSnapshot]) -> Vec<Finding> {
    let charging =
        || units.iter().map(|unit| unit.status.charge_current.0).filter(|&amperes| amperes > 0);
    if charging().count() < units.len() || spread(charging()) <= MOST {
        return Vec::new();
    }
    vec![Finding {
        rule: "charge-current",
        severity: Severity::Warning,
        what: format!(
            "charge currents differ by more than 5 A: {}",
            each(units, |unit| unit.status.charge_current)
        ),
        why: "one unit carries more than its share, or one is held back".to_owned(),
        advice: "compare their maximum charge currents, their PV power and their battery cables"
            .to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use pi18_proto::Amperes;

    use crate::{Severity, rules::testing::found};

    fn with(currents: [u16; 2]) -> Vec<(&'static str, Severity)> {
        found(|units| {
            for (unit, current) in units.iter_mut().zip(currents) {
                unit.status.charge_current = Amperes(current);
            }
        })
    }

    #[test]
    fn tells_units_that_do_not_share() {
        assert_eq!(with([40, 46]), [("charge-current", Severity::Warning)]);
    }

    #[test]
    fn is_content_with_a_small_difference_or_one_that_does_not_charge() {
        assert_eq!(with([55, 57]), []);
        assert_eq!(with([40, 45]), []);
        assert_eq!(with([0, 46]), []);
    }
}
