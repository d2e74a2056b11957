//! All units show about the same state of charge.

use pi18_proto::FaultCode;

use super::{Rule, battery_voltage};
use crate::{
    Finding, Severity,
    context::{Context, Measured, lasting_spread},
};

pub(super) static RULE: Rule = Rule::new(
    "battery-capacity",
    "battery capacities that the units show differ (capacity_spread)",
    "assumed: each unit estimates its own",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.tells_fault(&[FaultCode::PARALLEL_BATTERY_VOLTAGE]) {
        return Vec::new();
    }
    let most = context.thresholds().capacity_spread;
    let with = |live: &&Measured<'_>| !battery_voltage::tells_lack(context, live.unit);
    let units: Vec<_> = context.live.iter().filter(with).collect();
    let spread = lasting_spread(&units, most, |s| s.battery_capacity, |s| s.battery_capacity);
    let Some(found) = spread else { return Vec::new() };
    let what = format!("battery capacities differ by {found}, more than {most}");
    let values = units.iter().map(|live| live.value(live.status.battery_capacity)).collect();
    let why = "the units share one battery but take it for differently full; what goes by capacity \
               then happens at different times";
    vec![RULE.finding(Severity::Warning, what, values, why).advise(&[
        "charge until full once: most units set their estimate then",
        "compare battery voltages and battery settings (lvx compare)",
    ])]
}

#[cfg(test)]
mod tests {
    use pi18_proto::Percent;

    use crate::{
        Severity,
        rules::testing::{found, measure},
    };

    fn with(capacity: u16) -> Vec<(&'static str, Severity)> {
        found(|units| measure(units, 1, |status| status.battery_capacity = Percent(capacity)))
    }

    #[test]
    fn more_than_ten_per_cent_apart_is_told() {
        assert_eq!(with(69), [("battery-capacity", Severity::Warning)]);
        assert_eq!(with(70), []);
    }

    #[test]
    fn what_does_not_last_is_no_difference() {
        let found = found(|units| units[1].status.value_mut().unwrap().battery_capacity.0 -= 20);
        assert_eq!(found, []);
    }
}
