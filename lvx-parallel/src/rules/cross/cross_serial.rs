//! `cross-serial`: each unit has the right serial numbers of the other units.
//!
//! Compares the serial number in `PRIn` with the one that unit `n` reports about itself in `ID`. A
//! difference means that a unit of another bank was given, or that the units hold old data about each
//! other. Serial numbers that do not look genuine are not compared.
//!
//! Source: PI18 2017 and 2022, "PRIn" and "ID".

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    advice::RESTART,
    context::{Context, observed},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "cross-serial",
    "the serial number of a unit in another unit's PRIn is not the one that it reports itself in ID",
    "PI18 2017 and 2022, \"PRIn\" and \"ID\"",
    &[&WRONG],
    check,
);

static WRONG: FindingKind = FindingKind::new(
    Severity::Warning,
    "the serial number in PRIn is not the one in ID of unit n",
    "either a unit of another bank was given, or the units hold old data about each other",
    &[
        "check that all the units given belong to one bank",
        "if a unit was replaced or its serial number changed, restart as below",
        RESTART,
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut values = Vec::new();
    for unit in &context.units {
        for (number, answer) in unit.ratings.iter().enumerate() {
            let named = answer.value().and_then(|rating| rating.serial_number());
            let own = context.by_instance(number).and_then(UnitSnapshot::serial_number);
            let (Some(named), Some(own)) = (named, own) else { continue };
            if named != own {
                let text = format!("has {named} for unit {number}, which itself reports {own}");
                values.push(observed(unit, text));
            }
        }
    }
    if values.is_empty() {
        return Vec::new();
    }
    let what = "units have wrong serial numbers of each other";
    vec![RULE.report(&WRONG, what, values)]
}

#[cfg(test)]
mod tests {
    use pi18_proto::{PaddedSerial, SerialNumber};

    use crate::{
        Severity,
        rules::testing::{findings, found, healthy},
    };

    #[test]
    fn unit_of_another_bank_is_reported() {
        let other = SerialNumber::new("96132206100499").unwrap();
        let found = found(|units| {
            units[0].ratings[1].value_mut().unwrap().serial_padded = PaddedSerial::from(other);
        });
        assert_eq!(found, [("cross-serial", Severity::Warning)]);
        assert_eq!(findings(&healthy()), []);
    }

    #[test]
    fn garbled_serial_is_ignored() {
        let found = found(|units| {
            units[0].ratings[1].value_mut().unwrap().serial_padded =
                PaddedSerial::new("02  .").unwrap();
        });
        assert_eq!(found, []);
    }
}
