//! `serial-number`: serial numbers look genuine.
//!
//! The bank and this program identify units by their serial numbers. A restore of defaults can leave a
//! number such as 55355535553555, which is not the one on the sticker.
//!
//! Source: observed on an LVX6048.

use crate::{
    Finding, FindingKind, Severity,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "serial-number",
    "a serial number does not look genuine",
    "observed on an LVX6048: a restore of defaults left 55355535553555",
    &[&ODD],
    check,
);

static ODD: FindingKind = FindingKind::new(
    Severity::Warning,
    "a serial number does not look genuine",
    "units are identified by their serial numbers: neither the bank nor this program can distinguish this unit \
     from another one",
    &[
        "compare it with the sticker on the unit",
        "if the defaults were restored, compare all settings with the other units, output mode, battery type \
         and charge voltages first: defaults can destroy the bank and overcharge the battery",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let odd = each(&context.units, |unit| {
        let serial = unit.identity.value()?.serial_number;
        let shown = if serial.as_str().is_empty() { "none".to_owned() } else { serial.to_string() };
        (!serial.looks_genuine()).then_some(shown)
    });
    if odd.is_empty() {
        return Vec::new();
    }
    vec![RULE.report(&ODD, "a serial number does not look genuine", odd)]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, healthy},
    };

    #[test]
    fn number_that_is_not_genuine_is_reported() {
        let bank = bank_of(&["", "serial-number=55355535553555"]);
        assert_eq!(findings(&bank), [("serial-number", Severity::Warning)]);
        assert_eq!(
            first_finding(&bank),
            "a serial number does not look genuine: sim:1 55355535553555"
        );
        assert_eq!(findings(&healthy()), []);
    }
}
