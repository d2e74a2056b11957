//! The firmware of the slave processors may differ.

use super::Rule;
use crate::{
    Finding, Severity,
    context::{Context, differ, each},
};

pub(super) static RULE: Rule = Rule::new(
    "slave-firmware",
    "slave firmware differs between units",
    "observed on LVX6048s: 06126 beside 06021 works",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let versions = |unit: &crate::UnitSnapshot| {
        let firmware = unit.firmware.value()?;
        Some((firmware.slave1, firmware.slave2))
    };
    if !differ(&context.units, versions) {
        return Vec::new();
    }
    let told = |unit| {
        versions(unit).map(|(first, second)| match second.as_str() {
            "00000" => first.to_string(),
            second => format!("{first}/{second}"),
        })
    };
    let why = "such a difference was seen to work; the main firmware is what has to be equal";
    vec![RULE.finding(Severity::Info, "slave firmware differs", each(&context.units, told), why)]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, told},
    };

    #[test]
    fn a_difference_is_mentioned() {
        let bank = bank_of(&["", "slave=06021"]);
        assert_eq!(findings(&bank), [("slave-firmware", Severity::Info)]);
        assert_eq!(told(&bank), "slave firmware differs: sim:0 06126, sim:1 06021");
        assert!(crate::check(&bank).is_healthy());
        assert_eq!(findings(&bank_of(&["slave=06021", "slave=06021"])), []);
    }
}
