//! `docs/rules.md`: the list of all rules, written from their declarations.

use std::{collections::BTreeMap, fmt::Write, fs, path::PathBuf};

use lvx_parallel::{Checks, FindingKind, Rule, Severity, Thresholds};

/// The environment variable with which this test writes the page instead of comparing it.
const UPDATE: &str = "UPDATE_DOCS";

/// A step that is at least as long, and in at least `SHARED` findings, is printed once.
const LONG: usize = 120;
const SHARED: usize = 3;

#[test]
fn page_of_rules_follows_declarations() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rules.md"));
    let page = page();
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differing = written.lines().zip(page.lines()).find(|(old, new)| old != new);
    assert!(
        written == page,
        "docs/rules.md: expected the declarations of the rules, which {UPDATE}=1 writes; {differing:?}"
    );
}

#[test]
fn every_threshold_is_used_by_a_rule() {
    let checks = Checks::default();
    for info in Thresholds::LIST {
        let is_used =
            checks.each_rule().any(|rule| rule.thresholds().any(|used| used.key == info.key));
        assert!(is_used, "{}", info.key);
        assert!(info.origin.starts_with("Default "), "{}: {}", info.key, info.origin);
    }
}

fn page() -> String {
    let checks = Checks::default();
    let shared = steps_in_several_findings();
    let mut page = HEAD.to_owned();
    for rule in checks.each_rule() {
        let info = rule.info();
        let id = &info.id;
        // Names of thresholds in parentheses follow the summary.
        let summary = info.summary.split(" (").next().unwrap_or_default();
        writeln!(page, "| [{id}](#{id}) | {} | {summary} |", severities(rule)).unwrap();
    }
    for rule in checks.each_rule() {
        section(&mut page, rule, &shared);
    }
    page.push_str("\n## Steps in several findings\n");
    for step in &shared {
        write!(page, "\n- {step}\n").unwrap();
    }
    page.push_str(THRESHOLDS);
    for (info, (key, value)) in Thresholds::LIST.iter().zip(Thresholds::default().values()) {
        writeln!(page, "| `{key}` | {value} | {} | {} |", info.summary, info.origin).unwrap();
    }
    page
}

/// Returns the severities of the findings of a rule, the greatest first.
fn severities(rule: &dyn Rule) -> String {
    let is_used = |severity: &Severity| rule.kinds().iter().any(|kind| kind.severity == *severity);
    let used = [Severity::Error, Severity::Warning, Severity::Info].into_iter().filter(is_used);
    used.map(|severity| severity.to_string()).collect::<Vec<_>>().join(", ")
}

fn section(page: &mut String, rule: &dyn Rule, shared: &[&str]) {
    let info = rule.info();
    write!(page, "\n## {}\n\n{}.\n\n", info.id, capitalised(&info.summary)).unwrap();
    writeln!(page, "- Looks at: {}", rule.looks_at()).unwrap();
    let (needs, evidence) = (rule.needs(), rule.evidence().without(rule.needs()));
    if !needs.is_empty() {
        writeln!(page, "- Questions: {needs}").unwrap();
    }
    if !evidence.is_empty() {
        writeln!(page, "- Further questions, if something was found: {evidence}").unwrap();
    }
    let thresholds: Vec<_> =
        rule.thresholds().map(|info| format!("[`{}`](#thresholds)", info.key)).collect();
    if !thresholds.is_empty() {
        writeln!(page, "- Thresholds: {}", thresholds.join(", ")).unwrap();
    }
    writeln!(page, "- Source: {}", info.source).unwrap();
    for FindingKind { severity, condition, why, advice, .. } in rule.kinds() {
        write!(page, "\n**{severity}** if: {condition}\n\n> {why}\n").unwrap();
        for (number, step) in (1..).zip(*advice) {
            let lead = if number == 1 { "\n" } else { "" };
            if shared.contains(step) {
                let link = "[in full](#steps-in-several-findings)";
                writeln!(page, "{lead}{number}. {} ({link})", short(step)).unwrap();
            } else {
                writeln!(page, "{lead}{number}. {step}").unwrap();
            }
        }
    }
}

/// Returns the long steps that several findings have.
pub(crate) fn steps_in_several_findings() -> Vec<&'static str> {
    let checks = Checks::default();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for kind in checks.each_rule().flat_map(|rule| rule.kinds().to_vec()) {
        for step in kind.advice {
            *counts.entry(step).or_default() += 1;
        }
    }
    counts.retain(|step, count| *count >= SHARED && step.len() >= LONG);
    counts.into_keys().collect()
}

/// Returns the beginning of a step that is printed in full elsewhere.
pub(crate) fn short(step: &str) -> String {
    format!("{} …", step.split(':').next().unwrap_or(step))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const HEAD: &str = "\
# The rules

<!-- Written by the test `page_of_rules_follows_declarations`; do not edit. -->

`lvx sync-check` applies these rules to a bank; [Is the bank healthy?](health.md) explains how to choose them and how to
change their thresholds. For each rule, this page has the values that it looks at, the questions that it asks, its
thresholds and the origin of its limits. Then follows each kind of finding: severity and condition, the reason why it
matters, and the steps to take. A finding about several units, or with several causes, can have further steps.

Terminals stay live although a unit has stopped. Steps that touch electrical parts are for an electrician. If something
smokes or burns, get everyone out and call the fire service. Many steps take the power off: supply medical devices
elsewhere first.

| rule | severities | finds |
|---|---|---|
";

const THRESHOLDS: &str = "
## Thresholds

| threshold | default | limit | origin |
|---|---|---|---|
";
