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
    case.units.len() < case.given.len()
}
