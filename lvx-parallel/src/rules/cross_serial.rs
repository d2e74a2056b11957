//! What units say of each other's serial numbers.

use pi18_proto::SerialNumber;

use super::Rule;
use crate::{
    Finding, Severity, UnitSnapshot,
    context::{Context, observed},
};

pub(super) static RULE: Rule = Rule::new(
    "cross-serial",
    "a unit's PRIn names another serial number than that unit's own ID",
    "PI18 2017 and 2022, \"PRIn\" and \"ID\"",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.is_out_of_touch() {
        return Vec::new();
    }
    let mut values = Vec::new();
    for unit in &context.units {
        for (number, told) in unit.ratings.iter().enumerate() {
            let said = told.value().and_then(|rating| rating.serial_number());
            let own = context.by_instance(number).and_then(UnitSnapshot::serial_number);
            let (Some(said), Some(own)) = (said, own) else { continue };
            if said != own {
                values.push(observed(unit, text(number, said, own)));
            }
        }
    }
    if values.is_empty() {
        return Vec::new();
    }
    let what = "units name other serial numbers than the units themselves";
    let why =
        "either a unit of another bank was given, or what the units know of each other is old";
    vec![RULE.finding(Severity::Warning, what, values, why).advise(&[
        "check that all the units given belong to one bank",
        "switch all units off and on again if one was replaced or its serial number changed",
    ])]
}

fn text(number: usize, said: SerialNumber, own: SerialNumber) -> String {
    format!("says unit {number} is {said}, which says it is {own}")
}

#[cfg(test)]
mod tests {
    use pi18_proto::{PaddedSerial, SerialNumber};

    use crate::{
        Severity,
        rules::testing::{findings, found, healthy},
    };

    #[test]
    fn a_unit_of_another_bank_is_told() {
        let other = SerialNumber::new("96132206100499").unwrap();
        let found = found(|units| {
            units[0].ratings[1].value_mut().unwrap().serial_padded = PaddedSerial::from(other);
        });
        assert_eq!(found, [("cross-serial", Severity::Warning)]);
        assert_eq!(findings(&healthy()), []);
    }

    #[test]
    fn garbage_is_no_serial_number() {
        let found = found(|units| {
            units[0].ratings[1].value_mut().unwrap().serial_padded =
                PaddedSerial::new("02  .").unwrap();
        });
        assert_eq!(found, []);
    }
}
