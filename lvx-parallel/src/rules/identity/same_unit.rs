//! `same-unit`: every serial number occurs once.
//!
//! Either two addresses lead to the same unit, which is then compared with itself and always agrees; or two
//! units report the same serial number, and a command for one can reach the other. If both report different
//! instances, they are two units.
//!
//! Source: PI18, "ID". Serial numbers that do not look genuine are left to `serial-number`.

use std::collections::BTreeSet;

use pi18_proto::SerialNumber;

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    context::{Context, may_be_same, observed},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "same-unit",
    "two addresses report the same serial number",
    "PI18, \"ID\": the serial number is the only name of a unit that does not change",
    &[&ONE_UNIT, &TWO_UNITS],
    check,
);

static ONE_UNIT: FindingKind = FindingKind::new(
    Severity::Error,
    "two addresses report the same serial number, and may lead to the same unit",
    "if both addresses lead to the same unit, it is compared with itself and always agrees, and the other unit is \
     not checked at all",
    &[
        "if they lead to the same unit, give it once; sn:SERIAL finds a unit by its serial number",
        "if they lead to two units, compare their serial numbers with the stickers on them",
    ],
);

static TWO_UNITS: FindingKind = FindingKind::new(
    Severity::Error,
    "different units report the same serial number",
    "units are identified by their serial numbers: a command for one can reach the other",
    &[
        "compare the serial numbers with the stickers on the units",
        "while they are equal, change settings only on the displays, or give only one of these units",
    ],
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
    let are_same = units.iter().any(|one| {
        units.iter().any(|other| !std::ptr::eq(*one, *other) && may_be_same(one, other))
    });
    if are_same {
        let values = units.iter().map(|unit| observed(unit, serial)).collect();
        let what = "two addresses report the same serial number";
        return Some(RULE.report(&ONE_UNIT, what, values));
    }
    let shown = |unit: &&UnitSnapshot| {
        let number = unit.instance().map(|instance| format!(", unit {}", instance.0));
        observed(unit, format_args!("{serial}{}", number.unwrap_or_default()))
    };
    let values = units.iter().map(shown).collect();
    let what = "units of one bank report the same serial number";
    Some(RULE.report(&TWO_UNITS, what, values))
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity, check,
        rules::testing::{bank_of, findings, healthy},
    };

    #[test]
    fn unit_given_twice_is_error() {
        let mut bank = healthy();
        let mut again = bank.units[1].clone();
        again.name = "/dev/hidraw7".to_owned();
        bank.units.push(again);
        assert_eq!(findings(&bank), [("same-unit", Severity::Error)]);
        // Only the two snapshots of the same unit.
        bank.units.remove(0);
        assert_eq!(findings(&bank), [("same-unit", Severity::Error)]);
        let text = check(&bank).findings[0].to_string();
        assert_eq!(
            text,
            "two addresses report the same serial number: /dev/hidraw7 + sim:1 96132206100411"
        );
    }

    #[test]
    fn two_units_with_same_serial_are_both_judged() {
        let mut bank = bank_of(&["", "serial-number=96132206100410&fault=07"]);
        assert_eq!(findings(&bank), [("same-unit", Severity::Error), ("fault", Severity::Error)]);
        let text = check(&bank).findings[0].to_string();
        let expected = "units of one bank report the same serial number: \
                      sim:0 96132206100410, unit 0, sim:1 96132206100410, unit 1";
        assert_eq!(text, expected);
        // A fault that only the other unit reports is not taken for this unit's.
        bank.units[1].take(
            pi18_proto::Query::FaultsAndWarnings,
            Err(crate::Gap { reason: crate::Reason::Silent, text: String::new() }),
        );
        let found = findings(&bank);
        assert!(found.contains(&("fault", Severity::Error)), "{found:?}");
    }

    #[test]
    fn units_without_genuine_serials_are_distinct() {
        let lost = "serial-number=55355535553555";
        assert_eq!(findings(&bank_of(&[lost, lost])), [("serial-number", Severity::Warning)]);
    }
}
