//! All units run the same firmware on their main processor, the expected one if one is given.

use pi18_proto::{FaultCode, Version};

use super::Rule;
use crate::{
    Finding, Severity, UnitSnapshot,
    context::{Context, differ, each},
};

pub(super) static RULE: Rule = Rule::new(
    "main-firmware",
    "main firmware differs between units, or is not the expected one",
    "observed on LVX6048s: 06303 beside 06440 raised fault 71, 06306 on both ended it",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if differs(context) {
        let active = context.has_fault(&[FaultCode::PARALLEL_FIRMWARE]);
        let why = if active {
            "this is what fault 71 says, which stops the bank right now"
        } else {
            "units of one bank with different main firmware stop with fault 71"
        };
        let mut finding = finding(context, "main firmware differs".to_owned(), why);
        if let Some(expected) = context.checks.expected_firmware {
            finding.what = format!("main firmware differs, {expected} is expected");
        }
        return vec![finding];
    }
    let Some(expected) = context.checks.expected_firmware else { return Vec::new() };
    if context.units.iter().filter_map(|unit| main(unit)).all(|main| main == expected) {
        return Vec::new();
    }
    let why = "you said which version the units are to have; a unit that joins later with it would \
               stop the bank with fault 71";
    vec![finding(context, format!("main firmware is not {expected}"), why)]
}

/// Whether this rule speaks of a difference.
pub(super) fn is_found(context: &Context<'_>) -> bool {
    context.checks.has(&RULE.info) && differs(context)
}

fn finding(context: &Context<'_>, what: String, why: &str) -> Finding {
    RULE.finding(Severity::Error, what, each(&context.units, main), why).advise(&[
        "ask the seller for one main firmware for all units and the tool that writes it",
        "update one unit after another, then switch all off and on again",
    ])
}

pub(super) fn differs(context: &Context<'_>) -> bool {
    differ(&context.units, main)
}

fn main(unit: &UnitSnapshot) -> Option<Version> {
    Some(unit.firmware.value()?.main)
}

#[cfg(test)]
mod tests {
    use pi18_proto::Version;

    use crate::{
        Checks, Severity,
        rules::testing::{bank_of, findings, findings_of, healthy, told},
    };

    #[test]
    fn a_difference_is_told_once_with_or_without_the_fault() {
        let bank = bank_of(&["main=06303", "main=06440"]);
        assert_eq!(findings(&bank), [("main-firmware", Severity::Error)]);
        assert_eq!(told(&bank), "main firmware differs: sim:0 06303, sim:1 06440");
        let bank = bank_of(&["main=06303&fault=71", "main=06440&fault=71"]);
        assert_eq!(findings(&bank), [("main-firmware", Severity::Error)]);
        assert!(crate::check(&bank).findings[0].why.contains("fault 71"));
    }

    #[test]
    fn an_expected_version_is_held_against_all() {
        let expecting =
            |text| Checks { expected_firmware: Version::new(text), ..Checks::default() };
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
