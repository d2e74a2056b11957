//! `battery-capacity`: all units show about the same state of charge.
//!
//! Each unit makes its own estimate of the shared battery. Different estimates alone are information: the units
//! switch sources by voltage. If the lowest estimate is low and the voltage confirms it, another unit shows more
//! than the battery has. A unit that measures no battery is left out. The difference must last, as for
//! `battery-voltage`.
//!
//! Limits: `capacity_spread`, 10 %, and those of `state-of-charge` (assumed).

use crate::{
    Finding, FindingKind, Severity,
    advice::CHARGE_LIMITS,
    context::{Context, Measured, lasting_spread},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

use super::limits::shows_low_voltage;

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "battery-capacity",
    "battery capacities that the units show differ (capacity_spread)",
    "assumed: each unit makes its own estimate",
    &[&OVERSTATED, &DIFFERENT],
    check,
);

static OVERSTATED: FindingKind = FindingKind::new(
    Severity::Warning,
    "the capacities differ by more than capacity_spread in both readings, the lowest is at most capacity_low, and \
     the voltage confirms it (low_voltage, low_voltage_charging)",
    "the battery is low, and a unit shows more than it has",
    &[
        CHARGE_LIMITS,
        "otherwise charge the battery fully once: most units then correct their estimate",
        "compare battery voltages and battery settings",
    ],
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Info,
    "the capacities differ by more than capacity_spread in both readings",
    "the units share one battery but estimate its state of charge differently; they switch sources by its \
     voltage, so this alone does no harm",
    &[
        "wait until the battery was charged fully once: most units then correct their estimate",
        "compare battery voltages and battery settings",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let max = thresholds.capacity_spread;
    let is_explained = is_suppressed(context, Effect::UnitWithoutBattery);
    let is_judged = |each: &&Measured<'_>| !(is_explained && each.unit.lacks_battery().is_some());
    let units: Vec<_> = context.measured.iter().filter(is_judged).collect();
    let spread = lasting_spread(&units, max, |s| s.battery_capacity, |s| s.battery_capacity);
    let Some(found) = spread else { return Vec::new() };
    let what = format!("battery capacities differ by {found}, more than {max}");
    let values = units.iter().map(|each| each.value(each.status.battery_capacity)).collect();
    let least = units.iter().map(|each| each.status.battery_capacity).min();
    let is_low = least.is_some_and(|least| least <= thresholds.capacity_low);
    let kind = if is_low && shows_low_voltage(context) { &OVERSTATED } else { &DIFFERENT };
    vec![RULE.report(kind, what, values)]
}

#[cfg(test)]
mod tests {
    use pi18_proto::Percent;

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, found, measure},
    };

    fn with(capacity: u16) -> Vec<(&'static str, Severity)> {
        found(|units| measure(units, 1, |status| status.battery_capacity = Percent(capacity)))
    }

    #[test]
    fn difference_beyond_ten_per_cent_is_info() {
        assert_eq!(with(69), [("battery-capacity", Severity::Info)]);
        assert_eq!(with(70), []);
        // The voltage of a nearly full battery contradicts a low estimate.
        assert_eq!(with(9), [("battery-capacity", Severity::Info)]);
    }

    #[test]
    fn low_estimate_that_voltage_confirms_is_warning() {
        let with = |soc, second| {
            let mut bank = bank_of(&[&format!("soc={soc}&sun=0&load=500"), ""]);
            measure(&mut bank.units, 1, |status| status.battery_capacity = Percent(second));
            findings(&bank)
        };
        let low = ("state-of-charge", Severity::Info);
        assert_eq!(with(15, 40), [("battery-capacity", Severity::Warning), low]);
        assert_eq!(with(15, 25), [low]);
        assert_eq!(with(60, 15), [("battery-capacity", Severity::Info)]);
    }

    #[test]
    fn difference_in_one_reading_is_ignored() {
        let found = found(|units| units[1].status.value_mut().unwrap().battery_capacity.0 -= 20);
        assert_eq!(found, []);
    }
}
