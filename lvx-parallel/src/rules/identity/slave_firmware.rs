//! `slave-firmware`: the slave processors of all units run the same firmware.
//!
//! A difference is reported as information, for a service technician: such units work together, because
//! only the main firmware must be equal.
//!
//! Source: observed on LVX6048s, 06126 and 06021 in one bank.

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    context::{Context, differ, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "slave-firmware",
    "slave firmware differs between units",
    "observed on LVX6048s: 06126 and 06021 work together",
    &[&DIFFERENT],
    check,
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Info,
    "slave firmware differs",
    "units with such a difference were observed to work together; only the main firmware must be equal",
    &[],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let versions = |unit: &UnitSnapshot| {
        let firmware = unit.firmware.value()?;
        Some((firmware.slave1, firmware.slave2))
    };
    if !differ(&context.units, versions) {
        return Vec::new();
    }
    let shown = |unit| {
        versions(unit).map(|(first, second)| match second.as_str() {
            "00000" => first.to_string(),
            second => format!("{first}/{second}"),
        })
    };
    vec![RULE.report(&DIFFERENT, "slave firmware differs", each(&context.units, shown))]
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding},
    };

    #[test]
    fn difference_is_info() {
        let bank = bank_of(&["", "slave=06021"]);
        assert_eq!(findings(&bank), [("slave-firmware", Severity::Info)]);
        assert_eq!(first_finding(&bank), "slave firmware differs: sim:0 06126, sim:1 06021");
        assert!(crate::check(&bank).is_healthy());
        assert_eq!(findings(&bank_of(&["slave=06021", "slave=06021"])), []);
    }
}
