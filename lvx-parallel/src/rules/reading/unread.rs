//! `unread`: every unit was read completely.
//!
//! Rules cannot judge missing answers. This rule reports units that could not be read, answers that are
//! missing, and phases that `GS` does not report. [`not_asked`] reports questions that the chosen rules need
//! but that were not asked, and [`newer_format`] reports a file of a later version; both run even if this
//! rule is not chosen.

use pi18_proto::ProtocolId;

use crate::{
    BankSnapshot, Finding, FindingKind, Question, Questions, Reason, Severity, UnitSnapshot,
    context::{Context, each, observed},
    rules::BuiltIn,
    snapshot::{self, ESSENTIAL},
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "unread",
    "a unit could not be read, or not completely",
    "answers that were not read cannot be judged",
    &[
        &OTHER_PROTOCOL,
        &LOST,
        &MISSING_ESSENTIAL,
        &MISSING,
        &NOT_ASKED_ESSENTIAL,
        &NOT_ASKED,
        &FIRST_PHASE_ONLY,
        &LATER_FORMAT,
    ],
    check,
);

static OTHER_PROTOCOL: FindingKind = FindingKind::new(
    Severity::Error,
    "a unit uses another protocol than PI18",
    "its replies cannot be decoded",
    &[],
);

static LOST: FindingKind = FindingKind::new(
    Severity::Error,
    "a unit could not be read, or stopped answering",
    "the unit may have a fault, be switched off, or have lost its data cable; the others were judged without it",
    &[
        "look at its display: is it on, does it show a fault?",
        "check its data cable and adapter at the computer, and whether another program uses them",
    ],
);

const MISSING_WHY: &str = "missing answers were not judged";

static MISSING_ESSENTIAL: FindingKind = FindingKind::new(
    Severity::Warning,
    "an answer is missing for another reason than a refusal, or is one that every unit should give, or is older than \
     max_age",
    MISSING_WHY,
    &["check again"],
);

static MISSING: FindingKind = FindingKind::new(
    Severity::Info,
    "a unit refused a question that another one answered",
    MISSING_WHY,
    &[],
);

const NOT_ASKED_WHY: &str = "without the answers, these rules judge only a part";

static NOT_ASKED_ESSENTIAL: FindingKind = FindingKind::new(
    Severity::Warning,
    "a question was not asked that every unit should answer",
    NOT_ASKED_WHY,
    &["read the units again with the same checks"],
);

static NOT_ASKED: FindingKind = FindingKind::new(
    Severity::Info,
    "a question was not asked that a rule needs",
    NOT_ASKED_WHY,
    &["read the units again with the same checks"],
);

static FIRST_PHASE_ONLY: FindingKind = FindingKind::new(
    Severity::Info,
    "a unit has three phases",
    "GS does not report the other phases, nor a third PV string",
    &[],
);

static LATER_FORMAT: FindingKind = FindingKind::new(
    Severity::Info,
    "the bank was saved in a format that this version does not know",
    "what this version does not know was not judged",
    &["judge the bank with the version that saved it, or a later one"],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let units = context.units.iter();
    let missing = units.filter_map(|unit| lost(unit).or_else(|| gaps(unit, context)));
    missing.chain(phases(context)).collect()
}

/// Returns the finding about questions that the chosen rules need and that were not asked, because the bank
/// was read for another task or saved by an older version. `rules_that_need` returns the rules that need any
/// of the given questions.
pub(crate) fn not_asked(
    context: &Context<'_>,
    needed: Questions,
    rules_that_need: impl Fn(Questions) -> Vec<String>,
) -> Option<Finding> {
    let lacking = snapshot::not_asked(context.given.iter().copied(), needed);
    if lacking.is_empty() {
        return None;
    }
    let values = each(&context.units, |unit| {
        let lacking = needed.without(unit.asked());
        (unit.lost.is_none() && !lacking.is_empty()).then_some(lacking)
    });
    let is_essential = lacking.iter().any(|each| ESSENTIAL.has(each));
    let kind = if is_essential { &NOT_ASKED_ESSENTIAL } else { &NOT_ASKED };
    let mut finding = RULE.report(kind, "some questions were not asked", values);
    finding.why = format!("{NOT_ASKED_WHY}: {}", rules_that_need(lacking).join(", "));
    Some(finding)
}

/// Returns the finding about a saved bank whose format this version does not know. It is reported even if
/// this rule is not chosen.
pub(crate) fn newer_format(context: &Context<'_>) -> Option<Finding> {
    let (known, version) = (BankSnapshot::VERSION, context.newer_format?);
    let what =
        format!("the bank was saved in a later format: version {version}, known are 1 to {known}");
    Some(RULE.report(&LATER_FORMAT, what, Vec::new()))
}

/// Returns the finding about units with three phases, of which only the first is read.
fn phases(context: &Context<'_>) -> Option<Finding> {
    let values = each(&context.units, |unit| {
        unit.model.value().filter(|_| unit.shows_first_phase_only()).map(|model| model.model)
    });
    let what = "only the first of three phases was judged";
    (!values.is_empty()).then(|| RULE.report(&FIRST_PHASE_ONLY, what, values))
}

/// Returns the finding about a unit that could not be read.
fn lost(unit: &UnitSnapshot) -> Option<Finding> {
    if let Some(found) = unit.protocol.value().filter(|found| *found != ProtocolId::PI18) {
        let values = vec![observed(unit, format_args!("PI{}", found.protocol_id))];
        return Some(RULE.report(&OTHER_PROTOCOL, "a unit does not use protocol PI18", values));
    }
    let gap = unit.lost.as_ref()?;
    let has_answered = unit.identity.value().is_some();
    let what = match (has_answered, gap.reason) {
        (false, _) => "a unit could not be read",
        (true, Reason::Gone) => "a unit disappeared while it was read",
        (true, _) => "a unit stopped answering while it was read",
    };
    let values = vec![observed(unit, short(&gap.text, &unit.name))];
    Some(RULE.report(&LOST, what, values))
}

/// Returns the finding about missing answers. A refusal counts only if every unit should answer the question,
/// or another unit did.
fn gaps(unit: &UnitSnapshot, context: &Context<'_>) -> Option<Finding> {
    let is_answered_by_others = |query: &str| {
        context.units.iter().any(|other| {
            other.lost.is_none() && other.gaps().iter().all(|(_, missing, _)| missing != query)
        })
    };
    let mut kind = &MISSING;
    let mut missing: Vec<(&str, Vec<String>)> = Vec::new();
    for (question, query, gap) in unit.gaps() {
        let is_refused = gap.reason == Reason::Refused;
        // A single unit may refuse questions about its bank.
        let is_about_bank = matches!(question, Question::ParallelRating | Question::ParallelStatus);
        let is_essential = ESSENTIAL.has(question);
        if is_refused && (is_about_bank || !(is_essential || is_answered_by_others(&query))) {
            continue;
        }
        if !is_refused || is_essential {
            kind = &MISSING_ESSENTIAL;
        }
        let why = reason(gap.reason);
        match missing.iter_mut().find(|(known, _)| *known == why) {
            Some((_, queries)) => queries.push(query),
            None => missing.push((why, vec![query])),
        }
    }
    if missing.is_empty() {
        return None;
    }
    let lists: Vec<_> =
        missing.iter().map(|(why, queries)| format!("{} {why}", queries.join(", "))).collect();
    let values = vec![observed(unit, lists.join("; "))];
    Some(RULE.report(kind, "some answers are missing", values))
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NotAsked => "not asked",
        Reason::Refused => "refused",
        Reason::Silent => "without a valid reply",
        Reason::Gone => "not answered",
        Reason::Old => "read too long before the others (max_age)",
        Reason::Other => "missing for a reason that this version does not know",
        Reason::Unreadable => "answered with a reply that cannot be decoded",
    }
}

/// Returns an error without the name of the unit, which the finding already shows.
fn short(text: &str, name: &str) -> String {
    let rest = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
    let short = rest.unwrap_or(text);
    if short.is_empty() { "for an unknown reason".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Count, Query};

    use crate::{
        Gap, Reason, Severity, UnitSnapshot, check,
        rules::testing::{bank_of, findings, first_finding, found, healthy},
    };

    fn gap(reason: Reason) -> Gap {
        Gap { reason, text: "sim:1: expected a reply, found nothing".to_owned() }
    }

    #[test]
    fn unreachable_unit_is_error() {
        let mut bank = healthy();
        bank.units[1] = UnitSnapshot::lost("sim:1", gap(Reason::Silent));
        assert_eq!(findings(&bank), [("unread", Severity::Error)]);
        let report = check(&bank);
        assert!(!report.complete);
        assert_eq!(
            report.findings[0].to_string(),
            "a unit could not be read: sim:1 expected a reply, found nothing"
        );
    }

    #[test]
    fn missing_answer_is_warning() {
        let found = found(|units| units[1].take(Query::Flags, Err(gap(Reason::Silent))));
        assert_eq!(found, [("unread", Severity::Warning)]);
    }

    #[test]
    fn refusal_by_some_units_is_info_and_by_all_ignored() {
        let refuse = |unit: &mut UnitSnapshot| {
            unit.take(Query::MachineModel, Err(gap(Reason::Refused)));
        };
        assert_eq!(found(|units| refuse(&mut units[1])), [("unread", Severity::Info)]);
        assert_eq!(found(|units| units.iter_mut().for_each(refuse)), []);
        let essential = found(|units| {
            for unit in units {
                unit.take(Query::FirmwareVersions, Err(gap(Reason::Refused)));
            }
        });
        assert_eq!(essential, [("unread", Severity::Warning), ("unread", Severity::Warning)]);
    }

    #[test]
    fn other_protocol_is_error() {
        let found = found(|units| {
            units[1].protocol.value_mut().unwrap().protocol_id = Count(30);
        });
        assert_eq!(found, [("unread", Severity::Error)]);
    }

    #[test]
    fn phases_that_are_not_judged_are_reported() {
        let bank = bank_of(&["model=04", "model=04"]);
        assert_eq!(findings(&bank), [("unread", Severity::Info)]);
        assert_eq!(
            first_finding(&bank),
            "only the first of three phases was judged: sim:0 + sim:1 InfiniSolar V III"
        );
        let report = check(&bank);
        assert!(report.verdict().starts_with("healthy as far as it was judged"), "{report}");
        assert!(report.rows.iter().any(|row| row.label == "output (first phase)"), "{report}");
    }
}
