//! All units run the same firmware on their main processor, the expected one if one is given.

use pi18_proto::{FaultCode, Version};

use super::Rule;
use crate::{
    Finding, Severity, UnitSnapshot,
    case::{Case, differ, each},
};

pub(super) static RULE: Rule = Rule::new(
    "main-firmware",
    "main firmware differs between units, or is not the expected one",
    "observed on LVX6048s: 06303 beside 06440 raised fault 71, 06306 on both ended it",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    if differs(case) {
        let active = case.has_fault(&[FaultCode::PARALLEL_FIRMWARE]);
        let why = if active {
            "this is what fault 71 says, which stops the bank right now"
        } else {
            "units of one bank with different main firmware stop with fault 71"
        };
        let mut finding = tell(case, "main firmware differs".to_owned(), why);
        if let Some(expected) = case.checks.expected_firmware {
            finding.what = format!("main firmware differs, {expected} is expected");
        }
        return vec![finding];
    }
    let Some(expected) = case.checks.expected_firmware else { return Vec::new() };
    if case.units.iter().filter_map(|unit| main(unit)).all(|main| main == expected) {
        return Vec::new();
    }
    let why = "you said which version the units are to have; a unit that joins later with it would \
               stop the bank with fault 71";
    vec![tell(case, format!("main firmware is not {expected}"), why)]
}

fn tell(case: &Case<'_>, what: String, why: &str) -> Finding {
    RULE.tell(Severity::Error, what, each(&case.units, main), why).advise(&[
        "ask the seller for one main firmware for all units and the tool that writes it",
        "update one unit after another, then switch all off and on again",
    ])
}

pub(super) fn differs(case: &Case<'_>) -> bool {
    differ(&case.units, main)
}

fn main(unit: &UnitSnapshot) -> Option<Version> {
    Some(unit.firmware.value()?.main)
}
