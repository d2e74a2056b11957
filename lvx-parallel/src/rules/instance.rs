//! The units count themselves 0, 1, 2, …: none twice, none missing, one master.

use super::{Rule, fault, output_mode};
use crate::{
    Finding, Severity,
    context::{Context, each},
};

pub(super) static RULE: Rule = Rule::new(
    "instance",
    "no master, an instance twice, or an instance missing",
    "observed on LVX6048s: GS's last field is the unit's own number, 0 the master's",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // Units that do not hear each other cannot agree on their numbers: their fault says so.
    let by_fault = context.is_out_of_touch() && context.checks.has(&fault::RULE.info);
    // A unit that is set to single counts itself 0.
    if by_fault || output_mode::is_found(context) {
        return Vec::new();
    }
    let mut numbers: Vec<u16> =
        context.units.iter().filter_map(|unit| unit.instance()).map(|count| count.0).collect();
    numbers.sort_unstable();
    let twice = numbers.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    let first = numbers.first().copied();
    let what = if twice {
        "an instance is there twice"
    } else if !context.is_whole() {
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
    let why = "the units number themselves over the parallel cables, and instance 0 is the master that \
               the others follow; units that do not agree on it do not work together";
    vec![RULE.finding(Severity::Error, what, values, why).advise(&[
        "switch all units off, check that both parallel cables are plugged in firmly on each unit",
        "check that every unit is set to the same kind of output mode (display, program 28)",
        "switch all on again, their AC breakers together",
    ])]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, healthy, told},
    };

    #[test]
    fn one_twice_one_missing_and_no_master_are_told() {
        for (instances, text) in [
            (["instance=0", "instance=0"], "an instance is there twice: sim:0 + sim:1 instance 0"),
            (["", "instance=2"], "an instance is missing: sim:0 instance 0, sim:1 instance 2"),
            (
                ["instance=1", "instance=2"],
                "no unit is the master, instance 0: sim:0 instance 1, sim:1 instance 2",
            ),
        ] {
            let bank = bank_of(&instances);
            assert_eq!(findings(&bank), [("instance", Severity::Error)], "{instances:?}");
            assert_eq!(told(&bank), text);
        }
        assert_eq!(findings(&healthy()), []);
    }

    #[test]
    fn a_unit_that_is_not_there_may_be_the_master() {
        let mut bank = healthy();
        bank.units.remove(0);
        assert_eq!(findings(&bank), [("bank-size", Severity::Warning)]);
    }

    #[test]
    fn a_lost_host_explains_a_lost_master() {
        let bank = bank_of(&["instance=1&fault=81", "instance=2&fault=81"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
    }
}
