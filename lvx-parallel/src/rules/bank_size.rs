//! All units of the bank were given.

use super::{Rule, same_unit};
use crate::{
    Finding, Severity,
    context::{Context, each},
};

pub(super) static RULE: Rule = Rule::new(
    "bank-size",
    "fewer units were given than the bank has",
    "PI18, \"PRIn\": a unit knows the others of its bank",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let (known, given) = (context.known_size(), context.given.len());
    if known <= given || same_unit::is_found(context) {
        return Vec::new();
    }
    let values = each(&context.units, |unit| {
        let strangers: Vec<_> = context.strangers(unit).map(|number| number.to_string()).collect();
        (!strangers.is_empty()).then(|| format!("knows unit {}", strangers.join(" and ")))
    });
    let what = format!("{given} of the bank's {known} units were given");
    let why = "a fault or a difference of the others stays unseen, and sums are too small";
    vec![RULE.finding(Severity::Warning, what, values, why).advise(&[
        "give all units of the bank; `lvx query PRI1 UNIT` names the serial number of unit 1",
    ])]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, told},
    };

    #[test]
    fn a_unit_that_was_not_given_is_told() {
        let mut bank = bank_of(&["", "", ""]);
        assert_eq!(findings(&bank), []);
        bank.units.remove(1);
        assert_eq!(findings(&bank), [("bank-size", Severity::Warning)]);
        bank.units.remove(0);
        assert_eq!(findings(&bank), [("bank-size", Severity::Warning)]);
        assert_eq!(told(&bank), "1 of the bank's 3 units were given: sim:2 knows unit 0 and 1");
    }
}
