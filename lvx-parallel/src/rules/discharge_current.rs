//! Units that discharge share the current.

use super::{Rule, settings};
use crate::{
    Finding, Severity,
    case::{Case, Live, lasting_spread},
};

pub(super) static RULE: Rule = Rule::new(
    "discharge-current",
    "discharge currents differ while several units discharge (discharge_current_spread)",
    "as for charging (assumed)",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let discharging: Vec<_> =
        case.live.iter().filter(|live| live.status.discharge_current.0 > 0).collect();
    let most = case.thresholds().discharge_current_spread;
    let spread =
        lasting_spread(&discharging, most, |s| s.discharge_current, |s| s.discharge_current);
    // Settings that differ explain it, and are told; phases have loads of their own.
    let explained = settings::is_found(case) || case.has_phases();
    let Some(found) = spread.filter(|_| !explained) else { return Vec::new() };
    let what = format!("discharge currents differ by {found}, more than {most}");
    let values = discharging.iter().map(|live| live.value(live.status.discharge_current)).collect();
    if is_due_to_the_sun(&discharging, i64::from(most.0)) {
        let why = "the units have that much more or less sun on their own panels";
        return vec![RULE.tell(Severity::Info, what, values, why)];
    }
    let why = "one unit carries more of the load than its share";
    vec![RULE.tell(Severity::Warning, what, values, why).advise(&[
        "check the current sharing cables between the units",
        "compare output cables and breakers: one length, one size, tight",
        "compare battery cables and contacts",
    ])]
}

/// Whether what the panels give instead of the battery accounts for the difference.
fn is_due_to_the_sun(discharging: &[&Live<'_>], most: i64) -> bool {
    let all = |live: &&Live<'_>| {
        let pv = i64::from(live.status.pv1_power.0) + i64::from(live.status.pv2_power.0);
        let tenths = i64::from(live.status.battery_voltage.0).max(1);
        i64::from(live.status.discharge_current.0) + pv * 10 / tenths
    };
    let (least, greatest) = (discharging.iter().map(all).min(), discharging.iter().map(all).max());
    least.zip(greatest).is_some_and(|(least, greatest)| greatest - least <= most)
}

#[cfg(test)]
mod tests {
    use pi18_proto::Amperes;

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, measure},
    };

    fn with(currents: [u16; 2], mode: [&str; 2]) -> Vec<(&'static str, Severity)> {
        let mode = mode.map(|mode| format!("sun=0&load=3000&output-mode={mode}"));
        let mut bank = bank_of(&mode.each_ref().map(String::as_str));
        for (unit, current) in currents.into_iter().enumerate() {
            measure(&mut bank.units, unit, |status| status.discharge_current = Amperes(current));
        }
        findings(&bank)
    }

    #[test]
    fn units_that_do_not_share_are_told() {
        assert_eq!(with([30, 36], ["1", "1"]), [("discharge-current", Severity::Warning)]);
        assert_eq!(with([30, 35], ["1", "1"]), []);
        assert_eq!(with([30, 0], ["1", "1"]), []);
    }

    #[test]
    fn phases_have_loads_of_their_own() {
        assert_eq!(with([30, 80], ["5", "6"]), []);
    }
}
