//! `instance`: the units number themselves 0, 1, 2, … without duplicates or gaps, and one is the master.
//!
//! The units agree on their numbers over the parallel cables. Instance 0 is the master that the others
//! follow. A gap or a missing master is reported only if all units of the bank were read and report
//! their numbers; a `GS` of zeros reports none.
//!
//! Source: observed on LVX6048s, the last field of `GS` is the number of the unit.

use crate::{
    Finding, FindingKind, Severity,
    advice::{LIVE_TERMINALS, RESTART},
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "instance",
    "no unit is the master, or an instance is duplicate or missing",
    "observed on LVX6048s: the last field of GS is the number of the unit, 0 for the master",
    &[&NUMBERS],
    check,
);

static NUMBERS: FindingKind = FindingKind::new(
    Severity::Error,
    "two units have the same instance or, in a bank that was read completely, none has instance 0 or an instance \
     between two others is missing",
    "the units number themselves over the parallel cables, and instance 0 is the master that the others follow; \
     units that do not agree on their numbers do not work together",
    &[
        "compare the output modes of the units",
        RESTART,
        LIVE_TERMINALS,
        "check that both parallel cables are plugged in firmly on each unit",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut numbers: Vec<u16> =
        context.units.iter().filter_map(|unit| unit.instance()).map(|count| count.0).collect();
    numbers.sort_unstable();
    let is_duplicate = numbers.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    let first = numbers.first().copied();
    let what = if is_duplicate {
        "two units have the same instance"
    } else if !context.is_whole() || numbers.len() < context.units.len() {
        return Vec::new();
    } else if first.is_some_and(|first| first != 0) {
        "no unit is the master, instance 0"
    } else if numbers.windows(2).any(|pair| matches!(pair, [a, b] if b - a > 1)) {
        "an instance is missing"
    } else {
        return Vec::new();
    };
    let values = each(&context.units, |unit| {
        unit.instance().map(|instance| format!("instance {}", instance.0))
    });
    vec![RULE.report(&NUMBERS, what, values)]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity, UnitSnapshot,
        rules::testing::{bank_of, findings, first_finding, healthy, zeros},
    };

    #[test]
    fn duplicate_missing_and_no_master_are_errors() {
        for (instances, text) in [
            (
                ["instance=0", "instance=0"],
                "two units have the same instance: sim:0 + sim:1 instance 0",
            ),
            (["", "instance=2"], "an instance is missing: sim:0 instance 0, sim:1 instance 2"),
            (
                ["instance=1", "instance=2"],
                "no unit is the master, instance 0: sim:0 instance 1, sim:1 instance 2",
            ),
        ] {
            let bank = bank_of(&instances);
            assert_eq!(findings(&bank), [("instance", Severity::Error)], "{instances:?}");
            assert_eq!(first_finding(&bank), text);
        }
        assert_eq!(findings(&healthy()), []);
    }

    #[test]
    fn master_may_be_unit_not_given() {
        let mut bank = healthy();
        bank.units.remove(0);
        assert_eq!(findings(&bank), [("bank-size", Severity::Warning)]);
    }

    #[test]
    fn communication_fault_suppresses_instance() {
        let bank = bank_of(&["instance=1&fault=81", "instance=2&fault=81"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
    }

    #[test]
    fn status_of_zeros_has_no_instance() {
        let mut bank = healthy();
        let zero = |unit: &mut UnitSnapshot| *unit.status.value_mut().unwrap() = zeros();
        zero(&mut bank.units[1]);
        assert_eq!(bank.units[1].instance(), None);
        let has_instance = |bank| findings(bank).iter().any(|(rule, _)| *rule == "instance");
        assert!(!has_instance(&bank));
        // The master may be the unit without a number.
        let mut bank = healthy();
        zero(&mut bank.units[0]);
        assert!(!has_instance(&bank));
        let mut bank = bank_of(&["", "", ""]);
        zero(&mut bank.units[1]);
        assert!(!has_instance(&bank));
    }
}
