//! A serial number is there once: two addresses may lead to one unit, or two units report one number.

use std::collections::BTreeSet;

use pi18_proto::SerialNumber;

use super::Rule;
use crate::{
    Finding, Severity, UnitSnapshot,
    context::{Context, may_be_one, observed},
};

pub(super) static RULE: Rule = Rule::new(
    "same-unit",
    "two addresses report one serial number",
    "PI18, \"ID\": the serial number is a unit's only stable name",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let serials: BTreeSet<_> =
        context.given.iter().filter_map(|unit| unit.serial_number()).collect();
    serials.into_iter().filter_map(|serial| finding(context, serial)).collect()
}

fn finding(context: &Context<'_>, serial: SerialNumber) -> Option<Finding> {
    let has_it = |unit: &&UnitSnapshot| unit.serial_number() == Some(serial);
    let units: Vec<_> = context.given.iter().copied().filter(has_it).collect();
    if units.len() < 2 {
        return None;
    }
    let are_one = units
        .iter()
        .any(|one| units.iter().any(|other| !std::ptr::eq(*one, *other) && may_be_one(one, other)));
    if are_one {
        let values = units.iter().map(|unit| observed(unit, serial)).collect();
        let why = "if two addresses lead to one unit, it is compared with itself and always agrees, and \
                   what the other unit does is not known";
        let what = "two addresses report one serial number";
        return Some(RULE.finding(Severity::Error, what, values, why).advise(&[
            "if they lead to one unit, give it once; sn:SERIAL finds a unit by its serial number",
            "if they lead to two units, compare their serial numbers with the stickers on them",
        ]));
    }
    let shown = |unit: &&UnitSnapshot| {
        let number = unit.instance().map(|instance| format!(", unit {}", instance.0));
        observed(unit, format_args!("{serial}{}", number.unwrap_or_default()))
    };
    let why =
        "units are told apart by their serial numbers: what is meant for one can reach the other";
    let values = units.iter().map(shown).collect();
    let what = "units of one bank report the same serial number";
    Some(RULE.finding(Severity::Error, what, values, why).advise(&[
        "compare the serial numbers with the stickers on the units",
        "until they differ, set these units on their displays, or each alone",
    ]))
}

/// Whether a unit may have been given twice.
pub(super) fn is_found(context: &Context<'_>) -> bool {
    context.checks.has(&RULE.info) && context.units.len() < context.given.len()
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity, check,
        rules::testing::{bank_of, findings, healthy},
    };

    #[test]
    fn two_ways_to_one_unit_are_told() {
        let mut bank = healthy();
        let mut again = bank.units[1].clone();
        again.name = "/dev/hidraw7".to_owned();
        bank.units.push(again);
        assert_eq!(findings(&bank), [("same-unit", Severity::Error)]);
        // In place of the other unit, too.
        bank.units.remove(0);
        assert_eq!(findings(&bank), [("same-unit", Severity::Error)]);
        let text = check(&bank).findings[0].to_string();
        assert_eq!(
            text,
            "two addresses report one serial number: /dev/hidraw7 + sim:1 96132206100411"
        );
    }

    #[test]
    fn two_units_of_one_serial_number_are_both_judged() {
        let mut bank = bank_of(&["", "serial=96132206100410&fault=07"]);
        assert_eq!(findings(&bank), [("same-unit", Severity::Error), ("fault", Severity::Error)]);
        let text = check(&bank).findings[0].to_string();
        let wanted = "units of one bank report the same serial number: \
                      sim:0 96132206100410, unit 0, sim:1 96132206100410, unit 1";
        assert_eq!(text, wanted);
        // A fault that only the other unit reports is not taken for this unit's.
        bank.units[1].take(
            pi18_proto::Query::FaultsAndWarnings,
            Err(crate::Gap { reason: crate::Reason::Silent, text: String::new() }),
        );
        let found = findings(&bank);
        assert!(found.contains(&("fault", Severity::Error)), "{found:?}");
    }

    #[test]
    fn units_that_lost_their_serial_numbers_are_not_one() {
        let lost = "serial=55355535553555";
        assert_eq!(findings(&bank_of(&[lost, lost])), [("serial-number", Severity::Warning)]);
    }
}
