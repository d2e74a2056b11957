//! Snapshots of the advice that can hurt someone, so that each change of its words is reviewed.

use std::fmt::Write;

use lvx_parallel::{Checks, Explanation, FindingKind};

use crate::rules_page::{short, steps_in_several_findings};

/// Returns the text of a finding, in which long steps of several findings are shortened.
fn words(title: &str, why: &str, steps: &[impl AsRef<str>]) -> String {
    let several = steps_in_several_findings();
    let mut text = format!("{title}\n    {why}\n");
    for (number, step) in (1..).zip(steps.iter().map(AsRef::as_ref)) {
        let step = if several.contains(&step) { short(step) } else { step.to_owned() };
        writeln!(text, "    {number}. {step}").unwrap();
    }
    text
}

fn explanations(all: impl Iterator<Item = Explanation>) -> String {
    all.map(|each| words(&each.what, each.why, &each.advice)).collect()
}

/// Returns the words of all findings of a rule.
fn declared(rule: &str) -> String {
    let checks = Checks::default();
    let rule = checks.each_rule().find(|each| each.info().id == rule).unwrap();
    let kind = |FindingKind { severity, condition, why, advice, .. }: &&FindingKind| {
        words(&format!("{severity}: {condition}"), why, advice)
    };
    rule.kinds().iter().map(kind).collect()
}

#[test]
fn words_of_steps_in_several_findings() {
    insta::assert_snapshot!(steps_in_several_findings().join("\n"));
}

#[test]
fn words_about_faults() {
    insta::assert_snapshot!(explanations(Explanation::faults()));
}

#[test]
fn words_about_warnings_and_modes() {
    insta::assert_snapshot!(explanations(Explanation::warnings().chain(Explanation::modes())));
}

#[test]
fn words_about_wiring_and_firmware() {
    let rules = ["output-mode", "main-firmware", "instance", "battery-voltage", "grid", "output"];
    insta::assert_snapshot!(rules.map(declared).join("\n"));
}
