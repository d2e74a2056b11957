//! Serial numbers look like some.

use super::Rule;
use crate::{
    Finding, Severity,
    context::{Context, each},
};

pub(super) static RULE: Rule = Rule::new(
    "serial-number",
    "a serial number does not look like one",
    "observed on an LVX6048: a restore of defaults left 55355535553555",
    check,
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
    let why =
        "units are told apart by it: this one cannot be, neither by its bank nor by this program";
    vec![
        RULE.finding(Severity::Warning, "a serial number does not look like one", odd, why).advise(
            &[
                "compare it with the sticker on the unit",
                "if the defaults were restored, compare the settings with the other units",
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, healthy, told},
    };

    #[test]
    fn what_looks_like_none_is_told() {
        let bank = bank_of(&["", "serial=55355535553555"]);
        assert_eq!(findings(&bank), [("serial-number", Severity::Warning)]);
        assert_eq!(told(&bank), "a serial number does not look like one: sim:1 55355535553555");
        assert_eq!(findings(&healthy()), []);
    }
}
