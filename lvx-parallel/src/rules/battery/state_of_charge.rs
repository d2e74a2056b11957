//! `state-of-charge`: the battery is not nearly empty.
//!
//! Judges the lowest capacity that any unit shows. A nearly empty battery is a warning if the units together
//! discharge it. Units that measure no battery are left out.
//!
//! Limits: `capacity_low`, 20 %, and `capacity_empty`, 10 % (both assumed).

use pi18_proto::{GeneralStatus, Percent};

use crate::{Finding, Severity, context::Context, rules::BuiltIn};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "state-of-charge",
    "the battery is low (capacity_low), or nearly empty and being discharged (capacity_empty)",
    "assumed",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let units: Vec<_> =
        context.measured.iter().filter(|each| each.unit.lacks_battery().is_none()).collect();
    let Some(least) = units.iter().map(|each| each.status.battery_capacity).min() else {
        return Vec::new();
    };
    let thresholds = context.thresholds();
    if least > thresholds.capacity_low {
        return Vec::new();
    }
    let sum = |current: fn(&GeneralStatus) -> u16| -> u64 {
        units.iter().map(|each| u64::from(current(&each.status))).sum()
    };
    let is_discharged =
        sum(|status| status.discharge_current.0) > sum(|status| status.charge_current.0);
    let values = units.iter().map(|each| each.value(each.status.battery_capacity)).collect();
    if least <= thresholds.capacity_empty && is_discharged {
        let what = format!("the battery is nearly empty, {least}, and is being discharged");
        let why = "the units will soon stop using the battery, and the loads lose power if there is no \
                   grid";
        return vec![
            RULE.finding(Severity::Warning, what, values, why)
                .advise(&["switch loads off or let the grid charge"]),
        ];
    }
    let what = format!("the battery is low, {least}");
    vec![RULE.finding(Severity::Info, what, values, why_low(least))]
}

fn why_low(least: Percent) -> &'static str {
    if least.0 == 0 {
        "the units show it as empty"
    } else {
        "it will not last long without PV or grid"
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding},
    };

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
