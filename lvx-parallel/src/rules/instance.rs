//! The units count themselves 0, 1, 2, …: none twice, none missing, one master.

use super::Rule;
use crate::{
    Finding, Severity,
    case::{Case, each},
};

pub(super) static RULE: Rule = Rule::new(
    "instance",
    "no master, an instance twice, or an instance missing",
    "observed on LVX6048s: GS's last field is the unit's own number, 0 the master's",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    // Units that do not hear each other cannot agree on their numbers: their fault says so.
    if case.is_out_of_touch() {
        return Vec::new();
    }
    let mut numbers: Vec<u16> =
        case.units.iter().filter_map(|unit| unit.instance()).map(|count| count.0).collect();
    numbers.sort_unstable();
    let twice = numbers.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    let first = numbers.first().copied();
    let what = if twice {
        "an instance is there twice"
    } else if !case.is_whole() {
        return Vec::new();
    } else if first.is_some_and(|first| first != 0) {
        "no unit is the master, instance 0"
    } else if numbers.windows(2).any(|pair| matches!(pair, [a, b] if b - a > 1)) {
        "an instance is missing"
    } else {
        return Vec::new();
    };
    let values = each(&case.units, |unit| {
        unit.instance().map(|instance| match instance.0 {
            0 => "0 (master)".to_owned(),
            number => number.to_string(),
        })
    });
    let why = "the units number themselves over the parallel cables, and instance 0 is the master that \
               the others follow; units that do not agree on it do not work together";
    vec![RULE.tell(Severity::Error, what, values, why).advise(&[
        "switch all units off, check that both parallel cables are plugged in firmly on each unit",
        "check that every unit is set to the same kind of output mode (display, program 28)",
        "switch all on again within a minute, the master's AC last",
    ])]
}
