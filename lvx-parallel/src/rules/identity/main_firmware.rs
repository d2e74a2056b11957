//! `main-firmware`: the main processors of all units run the same firmware, and the expected version if
//! one is given.
//!
//! Units with different main firmware stop with fault 71. While the bank works without this fault, a difference
//! is a warning.
//!
//! Source: observed on LVX6048s; 06303 and 06440 in one bank raised fault 71, and 06306 on both units
//! cleared it.

use pi18_proto::FaultCode;

use crate::{
    Finding, FindingKind, Severity,
    advice::{COMPARE_BEFORE_START, INSTALL_FIRMWARE, RESTART},
    context::{Context, each, main_firmware},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "main-firmware",
    "main firmware differs between units, or is not the expected version",
    "observed on LVX6048s: 06303 with 06440 raised fault 71, 06306 on both units cleared it",
    &[&WITH_FAULT, &DIFFERENT, &UNEXPECTED],
    check,
);

static WITH_FAULT: FindingKind = FindingKind::new(
    Severity::Error,
    "main firmware differs, and fault 71 is active",
    "this is the cause of fault 71, with which a bank stops",
    &[INSTALL_FIRMWARE, COMPARE_BEFORE_START, RESTART],
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "main firmware differs, and fault 71 is not active",
    "units of one bank with different main firmware can stop with fault 71 at any start; while the bank works, \
     there is time to plan the change",
    &[INSTALL_FIRMWARE, COMPARE_BEFORE_START, RESTART],
);

static UNEXPECTED: FindingKind = FindingKind::new(
    Severity::Warning,
    "all units have the same main firmware, which is not the expected one",
    "if a unit with the expected version is added later, the bank stops with fault 71",
    &[
        "change nothing while the bank works; only before a unit with other firmware is added, take the \
         following steps",
        INSTALL_FIRMWARE,
        COMPARE_BEFORE_START,
        RESTART,
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let expected = context.expected_firmware();
    if context.has_different_firmware() {
        let has_fault = context.has_fault(&[FaultCode::PARALLEL_FIRMWARE]);
        let kind = if has_fault { &WITH_FAULT } else { &DIFFERENT };
        let what = match expected {
            Some(expected) => format!("main firmware differs, expected {expected}"),
            None => "main firmware differs".to_owned(),
        };
        return vec![RULE.report(kind, what, each(&context.units, main_firmware))];
    }
    let Some(expected) = expected else { return Vec::new() };
    if context.units.iter().filter_map(|unit| main_firmware(unit)).all(|main| main == expected) {
        return Vec::new();
    }
    let what = format!("main firmware is not {expected}");
    vec![RULE.report(&UNEXPECTED, what, each(&context.units, main_firmware))]
}

#[cfg(test)]
mod tests {
    use pi18_proto::Version;

    use crate::{
        Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, first_finding, healthy},
    };

    #[test]
    fn difference_is_warning_until_fault_71() {
        let bank = bank_of(&["main=06303", "main=06440"]);
        assert_eq!(findings(&bank), [("main-firmware", Severity::Warning)]);
        assert_eq!(first_finding(&bank), "main firmware differs: sim:0 06303, sim:1 06440");
        let bank = bank_of(&["main=06303&fault=71", "main=06440&fault=71"]);
        assert_eq!(findings(&bank), [("main-firmware", Severity::Error)]);
        let why = &crate::check(&bank).findings[0].why;
        assert_eq!(why, "this is the cause of fault 71, with which a bank stops");
    }

    #[test]
    fn unexpected_version_is_warning() {
        let expecting =
            |text| Checks::default().with_expected_firmware(Version::new(text).unwrap());
        assert_eq!(findings_of(&expecting("06306"), &healthy()), []);
        assert_eq!(findings_of(&expecting("6306"), &healthy()), []);
        let report = expecting("06440").check(&healthy());
        assert_eq!(report.findings.len(), 1);
        assert_eq!(
            report.findings[0].to_string(),
            "main firmware is not 06440: sim:0 + sim:1 06306"
        );
        let differing = bank_of(&["main=06303", ""]);
        assert_eq!(
            findings_of(&expecting("06306"), &differing),
            [("main-firmware", Severity::Warning)]
        );
    }
}
