//! `main-firmware`: the main processors of all units run the same firmware, and the expected version if
//! one is given.
//!
//! Units with different main firmware stop with fault 71.
//!
//! Source: observed on LVX6048s; 06303 and 06440 in one bank raised fault 71, and 06306 on both units
//! cleared it.

use pi18_proto::FaultCode;

use crate::{
    Finding, Severity,
    context::{Context, each, main_firmware},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "main-firmware",
    "main firmware differs between units, or is not the expected version",
    "observed on LVX6048s: 06303 with 06440 raised fault 71, 06306 on both units cleared it",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let expected = context.expected_firmware();
    if context.has_different_firmware() {
        let why = if context.has_fault(&[FaultCode::PARALLEL_FIRMWARE]) {
            "this is the cause of fault 71, which stops the bank right now"
        } else {
            "units of one bank with different main firmware stop with fault 71"
        };
        let what = match expected {
            Some(expected) => format!("main firmware differs, expected {expected}"),
            None => "main firmware differs".to_owned(),
        };
        return vec![finding(context, what, why)];
    }
    let Some(expected) = expected else { return Vec::new() };
    if context.units.iter().filter_map(|unit| main_firmware(unit)).all(|main| main == expected) {
        return Vec::new();
    }
    let why = "the units do not have the expected version: if a unit with that version is added later, \
               the bank stops with fault 71";
    vec![finding(context, format!("main firmware is not {expected}"), why)]
}

fn finding(context: &Context<'_>, what: String, why: &str) -> Finding {
    RULE.finding(Severity::Error, what, each(&context.units, main_firmware), why).advise(&[
        "ask the seller for one main firmware for all units and the tool that installs it",
        "update one unit after another, then switch all units off and on again",
    ])
}

#[cfg(test)]
mod tests {
    use pi18_proto::Version;

    use crate::{
        Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, first_finding, healthy},
    };

    #[test]
    fn difference_is_reported_once_with_or_without_fault_71() {
        let bank = bank_of(&["main=06303", "main=06440"]);
        assert_eq!(findings(&bank), [("main-firmware", Severity::Error)]);
        assert_eq!(first_finding(&bank), "main firmware differs: sim:0 06303, sim:1 06440");
        let bank = bank_of(&["main=06303&fault=71", "main=06440&fault=71"]);
        assert_eq!(findings(&bank), [("main-firmware", Severity::Error)]);
        assert!(crate::check(&bank).findings[0].why.contains("fault 71"));
    }

    #[test]
    fn unexpected_version_is_error() {
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
            [("main-firmware", Severity::Error)]
        );
    }
}
