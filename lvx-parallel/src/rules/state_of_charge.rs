//! The battery is not nearly empty.

use pi18_proto::Percent;

use super::Rule;
use crate::{Finding, Severity, context::Context};

pub(super) static RULE: Rule = Rule::new(
    "state-of-charge",
    "the battery is low (capacity_low), or nearly empty and discharged (capacity_empty)",
    "assumed",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // A unit without a battery says nothing about it.
    let with: Vec<_> =
        context.live.iter().filter(|live| live.unit.lacks_battery().is_none()).collect();
    let Some(least) = with.iter().map(|live| live.status.battery_capacity).min() else {
        return Vec::new();
    };
    let thresholds = context.thresholds();
    if least > thresholds.capacity_low {
        return Vec::new();
    }
    let sum = |current: fn(&pi18_proto::GeneralStatus) -> u16| -> u64 {
        with.iter().map(|live| u64::from(current(&live.status))).sum()
    };
    let discharged =
        sum(|status| status.discharge_current.0) > sum(|status| status.charge_current.0);
    let values = with.iter().map(|live| live.value(live.status.battery_capacity)).collect();
    if least <= thresholds.capacity_empty && discharged {
        let what = format!("the battery is nearly empty, {least}, and is being discharged");
        let why = "the units will cut off soon, and the house goes dark if there is no grid";
        return vec![
            RULE.finding(Severity::Warning, what, values, why)
                .advise(&["switch loads off or let the grid charge"]),
        ];
    }
    let why = low_why(least);
    vec![RULE.finding(Severity::Info, format!("the battery is low, {least}"), values, why)]
}

fn low_why(least: Percent) -> &'static str {
    if least.0 == 0 {
        "the units show it as empty"
    } else {
        "it will not last long without sun or grid"
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, told},
    };

    #[test]
    fn a_low_battery_is_told_and_an_empty_one_in_use_warned_of() {
        let with =
            |soc, sun| findings(&bank_of(&[&format!("soc={soc}&sun={sun}&grid=on"), "load=500"]));
        assert_eq!(with(21, 0), []);
        assert_eq!(with(20, 0), [("state-of-charge", Severity::Info)]);
        assert_eq!(with(10, 0), [("state-of-charge", Severity::Warning)]);
        assert_eq!(with(10, 100), [("state-of-charge", Severity::Info)]);
        let bank = bank_of(&["soc=10&sun=0", "load=500"]);
        assert_eq!(
            told(&bank),
            "the battery is nearly empty, 10 %, and is being discharged: sim:0 + sim:1 10 %"
        );
    }
}
