//! `battery-capacity`: all units show about the same state of charge.
//!
//! Each unit makes its own estimate of the shared battery. If the estimates differ, the units switch sources
//! at different times. A unit that measures no battery is left out. The difference must last, as for
//! `battery-voltage`.
//!
//! Limit: `capacity_spread`, 10 % (assumed).

use crate::{
    Finding, Severity,
    context::{Context, Measured, lasting_spread},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "battery-capacity",
    "battery capacities that the units show differ (capacity_spread)",
    "assumed: each unit makes its own estimate",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let max = context.thresholds().capacity_spread;
    let is_explained = is_suppressed(context, Effect::UnitWithoutBattery);
    let is_judged = |each: &&Measured<'_>| !(is_explained && each.unit.lacks_battery().is_some());
    let units: Vec<_> = context.measured.iter().filter(is_judged).collect();
    let spread = lasting_spread(&units, max, |s| s.battery_capacity, |s| s.battery_capacity);
    let Some(found) = spread else { return Vec::new() };
    let what = format!("battery capacities differ by {found}, more than {max}");
    let values = units.iter().map(|each| each.value(each.status.battery_capacity)).collect();
    let why = "the units share one battery but estimate its state of charge differently, so they react \
               to a low or full battery at different times";
    vec![RULE.finding(Severity::Warning, what, values, why).advise(&[
        "charge the battery fully once: most units then correct their estimate",
        "compare battery voltages and battery settings",
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
    fn difference_beyond_ten_per_cent_is_reported() {
        assert_eq!(with(69), [("battery-capacity", Severity::Warning)]);
        assert_eq!(with(70), []);
    }

    #[test]
    fn difference_in_one_reading_is_ignored() {
        let found = found(|units| units[1].status.value_mut().unwrap().battery_capacity.0 -= 20);
        assert_eq!(found, []);
    }
}
