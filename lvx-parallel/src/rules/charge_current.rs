//! Units that charge share the current.

use pi18_proto::Amperes;

use super::{Rule, settings};
use crate::{
    Finding, Severity,
    case::{Case, Live, lasting_spread},
};

pub(super) static RULE: Rule = Rule::new(
    "charge-current",
    "charge currents differ while several units charge (charge_current_spread)",
    "two commissioned LVX6048 charging: 55 and 57 A, judged by about 5 A",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let charging: Vec<_> =
        case.live.iter().filter(|live| live.status.charge_current.0 > 0).collect();
    let most = case.thresholds().charge_current_spread;
    let spread = lasting_spread(&charging, most, |s| s.charge_current, |s| s.charge_current);
    // Settings that differ explain it, and are told.
    let Some(found) = spread.filter(|_| !settings::is_found(case)) else { return Vec::new() };
    let what = format!("charge currents differ by {found}, more than {most}");
    let values = charging.iter().map(|live| live.value(live.status.charge_current)).collect();
    if is_due_to_the_sun(&charging, most) {
        let why = "the units have that much more or less sun on their own panels";
        return vec![RULE.tell(Severity::Info, what, values, why)];
    }
    let why = "one unit carries more than its share and ages faster, or one is held back";
    vec![RULE.tell(Severity::Warning, what, values, why).advise(&[
        "compare the PV power of the units: shade, a blown string fuse, a string that is off",
        "compare their battery cables and contacts",
        "compare their temperatures: a hot unit charges less",
    ])]
}

/// Whether what the panels give accounts for the difference.
fn is_due_to_the_sun(charging: &[&Live<'_>], most: Amperes) -> bool {
    // The current that would be left without what its own panels give, A.
    let rest = |live: &&Live<'_>| {
        let pv = i64::from(live.status.pv1_power.0) + i64::from(live.status.pv2_power.0);
        let tenths = i64::from(live.status.battery_voltage.0).max(1);
        i64::from(live.status.charge_current.0) - pv * 10 / tenths
    };
    let (least, greatest) = (charging.iter().map(rest).min(), charging.iter().map(rest).max());
    least.zip(greatest).is_some_and(|(least, greatest)| greatest - least <= i64::from(most.0))
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Watts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, found, measure},
    };

    /// The first unit charges with 40 A, the other so.
    fn with(amperes: u16, more_sun: u32) -> Vec<(&'static str, Severity)> {
        found(|units| {
            measure(units, 0, |status| status.charge_current = Amperes(40));
            measure(units, 1, |status| {
                status.charge_current = Amperes(amperes);
                status.pv1_power.0 += more_sun;
            });
        })
    }

    #[test]
    fn units_that_do_not_share_are_told() {
        assert_eq!(with(46, 0), [("charge-current", Severity::Warning)]);
        assert_eq!(with(45, 0), []);
        assert_eq!(with(0, 0), []);
    }

    #[test]
    fn more_sun_explains_more_current() {
        assert_eq!(with(60, 1000), [("charge-current", Severity::Info)]);
        assert_eq!(Watts(1000).to_string(), "1000 W");
    }

    #[test]
    fn settings_that_differ_explain_it() {
        let found = findings(&bank_of(&["max-charge=20", ""]));
        assert_eq!(found, [("settings", Severity::Error)]);
    }
}
