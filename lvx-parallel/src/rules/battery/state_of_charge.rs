//! `state-of-charge`: the battery is not nearly empty.
//!
//! Judges the lowest capacity that any unit shows, if the battery voltage confirms it: the estimate of a unit
//! alone is often wrong, for example after a new battery type was set. A nearly empty battery is a warning if the
//! units together discharge it. Units that measure no battery are left out.
//!
//! Limits: `capacity_low`, 20 %, and `capacity_empty`, 10 % (both assumed). `low_voltage`, 52.0 V, for 16 LFP
//! cells 3.25 V each: by the usual table of LFP cells at rest, 20 % are about 3.2 V and 40 % about 3.25 V; while
//! they charge, `low_voltage_charging`, 53.6 V (assumed: 0.1 V a cell at 0.5 C).

use crate::{
    Finding, FindingKind, Severity, advice::CHARGE_LIMITS, context::Context, rules::BuiltIn,
};

use super::limits::{is_discharged, shows_low_voltage};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "state-of-charge",
    "the battery is low (capacity_low, low_voltage, low_voltage_charging), or nearly empty and being discharged (capacity_empty)",
    "assumed; voltages from the usual table of LFP cells at rest",
    &[&EMPTY, &LOW, &SHOWN_AS_EMPTY],
    check,
);

static EMPTY: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit shows at most capacity_empty, the voltage confirms it, and the bank discharges the battery",
    "the units will soon stop using the battery, and the loads lose power if there is no grid",
    &["switch loads off", CHARGE_LIMITS, "otherwise let the grid charge"],
);

static LOW: FindingKind = FindingKind::new(
    Severity::Info,
    "a unit shows at most capacity_low, and the voltage confirms it (low_voltage, low_voltage_charging)",
    "it will not last long without PV or grid",
    &[],
);

static SHOWN_AS_EMPTY: FindingKind = FindingKind::new(
    Severity::Info,
    "a unit shows 0 %, and the voltage confirms it (low_voltage, low_voltage_charging)",
    "the units show it as empty",
    &[],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let units: Vec<_> =
        context.measured.iter().filter(|each| each.unit.lacks_battery().is_none()).collect();
    let Some(least) = units.iter().map(|each| each.status.battery_capacity).min() else {
        return Vec::new();
    };
    let thresholds = context.thresholds();
    if least > thresholds.capacity_low || !shows_low_voltage(context) {
        return Vec::new();
    }
    let values = units.iter().map(|each| each.value(each.status.battery_capacity)).collect();
    if least <= thresholds.capacity_empty && is_discharged(context) {
        let what = format!("the battery is nearly empty, {least}, and is being discharged");
        return vec![RULE.report(&EMPTY, what, values)];
    }
    let kind = if least.0 == 0 { &SHOWN_AS_EMPTY } else { &LOW };
    vec![RULE.report(kind, format!("the battery is low, {least}"), values)]
}

#[cfg(test)]
mod tests {
    use pi18_proto::Percent;

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    #[test]
    fn low_estimate_that_voltage_contradicts_is_ignored() {
        let with = |soc, sun| {
            let mut bank = bank_of(&[&format!("soc={soc}&sun={sun}&load=500"), ""]);
            for unit in 0..2 {
                measure(&mut bank.units, unit, |status| status.battery_capacity = Percent(8));
            }
            findings(&bank)
        };
        assert_eq!(with(60, 0), []);
        assert_eq!(with(98, 100), []);
        assert_eq!(with(15, 0), [("state-of-charge", Severity::Warning)]);
    }

    #[test]
    fn low_battery_is_info_and_discharging_empty_one_warning() {
        let with =
            |soc, sun| findings(&bank_of(&[&format!("soc={soc}&sun={sun}&grid=on"), "load=500"]));
        assert_eq!(with(21, 0), []);
        assert_eq!(with(20, 0), [("state-of-charge", Severity::Info)]);
        assert_eq!(with(10, 0), [("state-of-charge", Severity::Warning)]);
        assert_eq!(with(10, 100), [("state-of-charge", Severity::Info)]);
        let bank = bank_of(&["soc=10&sun=0", "load=500"]);
        assert_eq!(
            first_finding(&bank),
            "the battery is nearly empty, 10 %, and is being discharged: sim:0 + sim:1 10 %"
        );
    }
}
