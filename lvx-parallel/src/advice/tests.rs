//! Checks of the advice of all rules.

use std::collections::BTreeSet;

use pi18_proto::{FaultCode, FaultsAndWarnings, Reply, WorkingMode};

use super::*;
use crate::{FindingKind, Rule, rules::ALL, wording::uncapitalised};

/// Words for electrical parts. A word that begins with one of them counts.
const PARTS: [&str; 20] = [
    "terminal",
    "lug",
    "cable",
    "wire",
    "wiring",
    "screw",
    "breaker",
    "fuse",
    "board",
    "connector",
    "plug",
    "isolator",
    "string",
    "contact",
    "conductor",
    "socket",
    "neutral",
    "busbar",
    "fan",
    "relay",
];

/// Steps that name an electrical part and need not come after [`LIVE_TERMINALS`]: their beginnings, each with the reason.
const HARMLESS: &[(&str, &str)] = &[
    (RESTART, "only looks at breakers and fuses"),
    (CHARGE_LIMITS, "operates a switch made for it"),
    (OVERCHARGED, "operates a switch made for it"),
    (OPENED, "finds a reason, before anything is closed"),
    (MODE_FOLLOWS_WIRING, "an electrician compares"),
    ("have an electrician measure", "an electrician measures"),
    ("have an electrician look", "an electrician looks, and measures"),
    ("compare again while charging", "compares numbers"),
    ("open PV at its DC isolator, never at a plug", "operates a switch made for it"),
    (
        "have the electrician shorten a string",
        "after an electrician has measured, with the isolator open",
    ),
    ("compare the power of the string", "compares numbers"),
    ("look whether the output breaker of the idle unit is on", "looks, and switches nothing"),
    ("look whether the battery breaker and the AC input breaker", "looks, and switches nothing"),
    (BURNT, "operates switches made for it, in an emergency"),
    ("leave PV open until an electrician has measured", "an electrician measures"),
    ("check again; if a unit is always slow, check its data cable", "a data cable of the computer"),
    ("check its data cable and adapter at the computer", "a data cable of the computer"),
    ("look for cables between the link ports of the packs", "data cables without power"),
    ("pull the cables between the link ports of the packs", "data cables without power"),
    ("look whether the pack is on", "looks, and switches nothing"),
    ("look which pack each adapter is plugged into", "looks, at data cables"),
    ("look at the pack: is it on", "looks, and switches nothing"),
    ("leave an open breaker of a pack open", "says when not to operate a switch"),
    ("have the pack serviced: a sense wire", "the maker of the pack looks"),
    ("compare the lengths of the cables", "compares lengths"),
];

/// Returns every declared finding, reported or only explained, each with the name of its rule.
fn all_kinds() -> Vec<(&'static str, &'static FindingKind)> {
    let of_rule =
        |rule: &'static dyn Rule| rule.kinds().iter().map(|kind| (&*rule.info().id, *kind));
    let mut all: Vec<_> = ALL.iter().flat_map(|rule| of_rule(rule)).collect();
    all.extend((0..=u8::MAX).map(|code| ("mode", mode(WorkingMode(code)))));
    all
}

/// Returns the first part that a step names.
fn part(step: &str) -> Option<&str> {
    let mut words = step.split(|letter: char| !letter.is_alphabetic());
    words.find(|word| PARTS.iter().any(|part| word.starts_with(part)))
}

fn is_harmless(step: &str) -> bool {
    HARMLESS.iter().any(|(start, _)| step.starts_with(start))
}

/// Returns the steps that name an electrical part and come before the step on live terminals.
fn unsafe_steps<'a>(advice: &[&'a str]) -> Vec<&'a str> {
    let until_live = advice.iter().copied().take_while(|step| *step != LIVE_TERMINALS);
    until_live.filter(|step| part(step).is_some() && !is_harmless(step)).collect()
}

#[test]
fn steps_on_electrical_parts_come_after_live_terminals() {
    let found: Vec<_> = all_kinds()
        .into_iter()
        .flat_map(|(rule, kind)| {
            unsafe_steps(kind.advice).into_iter().map(move |step| (rule, step))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn step_before_live_terminals_is_found() {
    let step = "check the lugs on both ends";
    assert_eq!(unsafe_steps(&["wait", step, LIVE_TERMINALS]), [step]);
    assert_eq!(unsafe_steps(&["wait", LIVE_TERMINALS, step]), [""; 0]);
    assert_eq!(unsafe_steps(&[RESTART, "wait"]), [""; 0]);
}

#[test]
fn harmless_steps_exist() {
    let steps: BTreeSet<_> = all_kinds().iter().flat_map(|(_, kind)| kind.advice).collect();
    for (start, _) in HARMLESS {
        assert!(
            steps.iter().any(|step| step.starts_with(start) && part(step).is_some()),
            "{start}"
        );
    }
}

#[test]
fn restart_is_said_in_one_way() {
    let others = ["off and on", "switch the unit on", "switch all units on", "on again"];
    for (rule, kind) in all_kinds() {
        for step in kind.advice.iter().filter(|step| **step != RESTART && **step != LIVE_TERMINALS)
        {
            assert!(others.iter().all(|other| !step.contains(other)), "{rule}: {step}");
        }
    }
}

#[test]
fn steps_against_fire_are_first() {
    for (rule, kind) in all_kinds() {
        for (number, step) in kind.advice.iter().enumerate() {
            assert!(![BURNT, OVERCHARGED].contains(step) || number == 0, "{rule}: {step}");
        }
    }
}

#[test]
fn loads_that_stay_off_are_named_before_restart() {
    for (rule, kind) in all_kinds() {
        let stay_off = |step: &&str| step.contains("loads") && step.contains("leave them off");
        let stay_off = kind.advice.iter().any(|step| *step != BURNT && stay_off(step));
        for steps in kind.advice.windows(2).filter(|steps| stay_off && steps[1] == RESTART) {
            assert!(steps[0].contains("load"), "{rule}: {}", steps[0]);
        }
    }
}

#[test]
fn texts_are_lower_case_without_full_stop() {
    let abbreviations = ["AC ", "EEPROM", "GS ", "MPPT", "PGS", "PV ", "BMS", "L1 "];
    for (rule, kind) in all_kinds() {
        for text in [kind.condition, kind.why].iter().chain(kind.advice) {
            let begins = text.starts_with(|letter: char| !letter.is_uppercase())
                || abbreviations.iter().any(|each| text.starts_with(each));
            assert!(begins && !text.ends_with('.') && !text.contains("  "), "{rule}: {text:?}");
        }
    }
}

#[test]
fn conditions_name_their_codes() {
    for code in 1..=u8::MAX {
        let condition = fault(FaultCode(code), Sharing::OneOutput).condition;
        let name = format!("fault {}", FaultCode(code));
        assert_eq!(condition.starts_with(&name), FaultCode(code).name().is_some(), "{condition}");
    }
    for info in FaultsAndWarnings::FIELDS.iter().skip(1) {
        let condition = warning(info.name).condition;
        assert!(condition.starts_with(&uncapitalised(info.label)), "{condition}");
    }
    for code in 0..=u8::MAX {
        let condition = mode(WorkingMode(code)).condition;
        let name = WorkingMode(code).name();
        let is_named = |name| condition.starts_with(&format!("mode {code:02} {name}"));
        assert_eq!(name.is_some_and(is_named), name.is_some(), "{condition}");
    }
}
