//! What was taken at different times is not compared, and that is said.

use super::Rule;
use crate::{
    Finding, Severity,
    case::{Case, each},
};

pub(super) static RULE: Rule = Rule::new(
    "skew",
    "readings were taken too far apart to be compared (max_skew)",
    "assumed: load and sun change within seconds",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let judged = |name: &str| case.live.iter().any(|live| live.unit.name == name);
    let measured = case.units.iter().filter(|unit| unit.status.value().is_some()).count();
    if case.live.len() == measured {
        return Vec::new();
    }
    let values = each(&case.units, |unit| {
        let at = unit.status.reading()?.at;
        let left_out = if judged(&unit.name) { "" } else { ", not compared" };
        Some(format!("at {}.{} s{left_out}", at.as_secs(), at.subsec_millis() / 100))
    });
    let most = case.thresholds().max_skew;
    let what = format!("some readings lie more than {most} apart and were not compared");
    let why = "voltages and currents of different moments say nothing about each other";
    vec![RULE.tell(Severity::Info, what, values, why).advise(&[
        "check again; if a unit is always slow, look at its cable, or allow more (max_skew)",
    ])]
}
