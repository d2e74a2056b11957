//! `load`: no unit supplies more than its rated power.
//!
//! Compares the load of each unit, as a share of its rated power, with a limit. The load counts only if `GS`
//! and the unit's own `PGSn` both show it, so that a motor that starts is not reported.
//!
//! Limit: `load_high`, 100 %, the rated power.

use crate::{
    Finding, FindingKind, Severity,
    context::{Context, Measured},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "load",
    "a unit supplies more than its rated power (load_high)",
    "PI18 2017 and 2022, \"GS\", output load; the limit is the rated power",
    &[&HIGH],
    check,
);

static HIGH: FindingKind = FindingKind::new(
    Severity::Warning,
    "a unit's load is above load_high in both readings",
    "the unit stops with fault 07 if the overload continues",
    &[
        "switch loads off, those with heating elements or motors first",
        "check that the other units of the bank carry their share",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let max = context.thresholds().load_high;
    let is_high =
        |each: &&Measured<'_>| each.lasts(|s| s.load_percent > max, |s| s.load_percent > max);
    let units = context.measured.iter().filter(is_high);
    let values: Vec<_> = units.map(|each| each.value(each.status.load_percent)).collect();
    if values.is_empty() {
        return Vec::new();
    }
    vec![RULE.report(&HIGH, format!("load above {max} of the rated power"), values)]
}

#[cfg(test)]
mod tests {
    use pi18_proto::Percent;

    use crate::{
        Severity,
        rules::testing::{findings, first_finding, healthy},
    };

    #[test]
    fn load_above_rated_power_in_both_readings_is_reported() {
        let mut bank = healthy();
        bank.units[1].status.value_mut().unwrap().load_percent = Percent(104);
        assert_eq!(findings(&bank), []);
        bank.units[1].statuses[1].value_mut().unwrap().load_percent = Percent(103);
        assert_eq!(findings(&bank), [("load", Severity::Warning)]);
        assert_eq!(first_finding(&bank), "load above 100 % of the rated power: sim:1 104 %");
    }
}
