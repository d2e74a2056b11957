//! `unread`: every unit was read completely.
//!
//! Rules cannot judge missing answers. This rule reports units that could not be read, answers that are
//! missing, and phases that `GS` does not report. [`not_asked`] reports questions that the chosen rules need
//! but that were not asked, and [`newer_format`] reports a file of a later version; both run even if this
//! rule is not chosen.

use pi18_proto::ProtocolId;

use crate::{
    BankSnapshot, Finding, Question, Questions, Reason, Severity, UnitSnapshot,
    context::{Context, each, observed},
    rules::BuiltIn,
    snapshot::{self, ESSENTIAL},
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "unread",
    "a unit could not be read, or not completely",
    "answers that were not read cannot be judged",
    &[],
    check,
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
    let severity = if is_essential { Severity::Warning } else { Severity::Info };
    let rules = rules_that_need(lacking).join(", ");
    let why = format!("without the answers, these rules judge only a part: {rules}");
    let finding = RULE.finding(severity, "some questions were not asked", values, &why);
    Some(finding.advise(&["read the units again with the same checks"]))
}

/// Returns the finding about a saved bank whose format this version does not know. It is reported even if
/// this rule is not chosen.
pub(crate) fn newer_format(context: &Context<'_>) -> Option<Finding> {
    let (known, version) = (BankSnapshot::VERSION, context.newer_format?);
    let what =
        format!("the bank was saved in a later format: version {version}, known are 1 to {known}");
    let why = "what this version does not know was not judged";
    let finding = RULE.finding(Severity::Info, what, Vec::new(), why);
    Some(finding.advise(&["judge the bank with the version that saved it, or a later one"]))
}

/// Returns the finding about units with three phases, of which only the first is read.
fn phases(context: &Context<'_>) -> Option<Finding> {
    let values = each(&context.units, |unit| {
        unit.model.value().filter(|_| unit.shows_first_phase_only()).map(|model| model.model)
    });
    let what = "only the first of three phases was judged";
    let why = "GS does not report the other phases, nor a third PV string";
    (!values.is_empty()).then(|| RULE.finding(Severity::Info, what, values, why))
}

/// Returns the finding about a unit that could not be read.
fn lost(unit: &UnitSnapshot) -> Option<Finding> {
    if let Some(found) = unit.protocol.value().filter(|found| *found != ProtocolId::PI18) {
        let values = vec![observed(unit, format_args!("PI{}", found.protocol_id))];
        let why = "its replies cannot be decoded";
        let what = "a unit does not use protocol PI18";
        return Some(RULE.finding(Severity::Error, what, values, why));
    }
    let gap = unit.lost.as_ref()?;
    let has_answered = unit.identity.value().is_some();
    let what = match (has_answered, gap.reason) {
        (false, _) => "a unit could not be read",
        (true, Reason::Gone) => "a unit disappeared while it was read",
        (true, _) => "a unit stopped answering while it was read",
    };
    let values = vec![observed(unit, short(&gap.text, &unit.name))];
    let why = "the unit may have a fault, be switched off, or have lost its cable; the others were \
               judged without it";
    Some(RULE.finding(Severity::Error, what, values, why).advise(&[
        "look at its display: is it on, does it show a fault?",
        "check its cable and adapter, and whether another program uses them",
    ]))
}

/// Returns the finding about missing answers. A refusal counts only if every unit should answer the question,
/// or another unit did.
fn gaps(unit: &UnitSnapshot, context: &Context<'_>) -> Option<Finding> {
    let is_answered_by_others = |query: &str| {
        context.units.iter().any(|other| {
            other.lost.is_none() && other.gaps().iter().all(|(_, missing, _)| missing != query)
        })
    };
    let mut severity = Severity::Info;
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
            severity = Severity::Warning;
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
    let why = "missing answers were not judged";
    let finding = RULE.finding(severity, "some answers are missing", values, why);
    Some(if severity == Severity::Info { finding } else { finding.advise(&["check again"]) })
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
