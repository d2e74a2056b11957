//! Each unit is given once: two ways may lead to the same unit.

use super::Rule;
use crate::{
    Finding, Severity,
    case::{Case, observed},
};

pub(super) static RULE: Rule = Rule::new(
    "same-unit",
    "one unit was given twice: two paths, one serial number",
    "PI18, \"ID\": the serial number is a unit's only stable name",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let again = |serial| case.given.iter().filter(move |unit| unit.serial_number() == serial);
    let twice = case.units.iter().filter(|unit| {
        let serial = unit.serial_number();
        serial.is_some() && again(serial).count() > 1
    });
    let tell = |unit: &&crate::UnitSnapshot| {
        let serial = unit.serial_number();
        let shown = serial.map(|serial| serial.to_string()).unwrap_or_default();
        let values = again(serial).map(|unit| observed(unit, &shown)).collect();
        let why = "a unit compared with itself always agrees; what the other one does is not known";
        RULE.tell(Severity::Error, "one unit was given more than once", values, why)
            .advise(&["give each unit once; sn:SERIAL finds a unit by its serial number"])
    };
    twice.map(tell).collect()
}

/// Whether some unit was given twice.
pub(super) fn is_found(case: &Case<'_>) -> bool {
    case.checks.has(&RULE.info) && case.units.len() < case.given.len()
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
        assert_eq!(text, "one unit was given more than once: /dev/hidraw7 + sim:1 96132206100411");
    }

    #[test]
    fn units_that_lost_their_serial_numbers_are_not_one() {
        let lost = "serial=55355535553555";
        assert_eq!(findings(&bank_of(&[lost, lost])), [("serial-number", Severity::Warning)]);
    }
}
