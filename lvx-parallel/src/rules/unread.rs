//! Every unit was read to the end.

use pi18_proto::ProtocolId;

use super::Rule;
use crate::{
    Finding, Reason, Severity, UnitSnapshot,
    context::{Context, each, observed},
    finding::Observed,
    snapshot::ESSENTIAL,
};

pub(super) static RULE: Rule = Rule::new(
    "unread",
    "a unit could not be read, or not all of it",
    "what cannot be read cannot be judged",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let units = context.units.iter();
    units
        .filter_map(|unit| lost(unit).or_else(|| gaps(unit, context)))
        .chain(phases(context))
        .collect()
}

/// What the rules need and was not asked, by units that were not given up: a bank that was read for
/// another task, or saved by an older program. This is said whichever rules are chosen.
pub(crate) fn not_asked(context: &Context<'_>) -> Option<Finding> {
    let needed = context.checks.questions();
    let lacking = context.bank.not_asked(needed);
    if lacking.is_empty() {
        return None;
    }
    let values = each(&context.units, |unit| {
        let lacking = needed.without(unit.asked());
        (unit.lost.is_none() && !lacking.is_empty()).then_some(lacking)
    });
    let is_essential = lacking.iter().any(|each| ESSENTIAL.contains(&each.mnemonic()));
    let severity = if is_essential { Severity::Warning } else { Severity::Info };
    let rules = context.checks.in_need_of(lacking).join(", ");
    let why = format!("these rules need the answers, and judge without them only in part: {rules}");
    let finding = RULE.finding(severity, "some questions were not asked", values, &why);
    Some(finding.advise(&["read the units again with the same checks"]))
}

/// What is not asked of units with three phases.
fn phases(context: &Context<'_>) -> Option<Finding> {
    let values = each(&context.units, |unit| {
        unit.model.value().filter(|_| unit.shows_first_phase_only()).map(|model| model.model)
    });
    let what = "only the first of three phases was judged";
    let why = "GS tells nothing of the others, nor of a third string of panels";
    (!values.is_empty()).then(|| RULE.finding(Severity::Info, what, values, why))
}

fn lost(unit: &UnitSnapshot) -> Option<Finding> {
    if let Some(found) = unit.protocol.value().filter(|found| *found != ProtocolId::PI18) {
        let values = vec![observed(unit, format_args!("PI{}", found.protocol_id))];
        let why = "what it says cannot be understood";
        let what = "a unit does not speak PI18";
        return Some(RULE.finding(Severity::Error, what, values, why));
    }
    let gap = unit.lost.as_ref()?;
    let answered = unit.identity.value().is_some();
    let what = match (answered, gap.reason) {
        (false, _) => "a unit could not be read",
        (true, Reason::Gone) => "a unit went away while it was read",
        (true, _) => "a unit fell silent while it was read",
    };
    let values = vec![observed(unit, short(&gap.text, &unit.name))];
    let why = "it may stand with a fault, be switched off, or have lost its cable; the others were judged \
               without it";
    Some(RULE.finding(Severity::Error, what, values, why).advise(&[
        "look at its display: is it on, does it show a fault?",
        "check its cable and adapter, and whether another program uses them",
    ]))
}

/// Answers that are missing: what every unit knows, or what the others said.
fn gaps(unit: &UnitSnapshot, context: &Context<'_>) -> Option<Finding> {
    let said_by_others = |query: &str| {
        context.units.iter().any(|other| {
            other.lost.is_none() && other.gaps().iter().all(|(missing, _)| missing != query)
        })
    };
    let mut worst = Severity::Info;
    let mut missing: Vec<(&str, Vec<String>)> = Vec::new();
    for (query, gap) in unit.gaps() {
        let is_refused = gap.reason == Reason::Refused;
        // A unit that is alone may refuse these; older ones refuse the others.
        let is_of_bank = query.starts_with("PRI") || query.starts_with("PGS");
        let essential = ESSENTIAL.contains(&query.as_str());
        if is_refused && (is_of_bank || !(essential || said_by_others(&query))) {
            continue;
        }
        if !is_refused || essential {
            worst = Severity::Warning;
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
    let told: Vec<_> =
        missing.iter().map(|(why, queries)| format!("{} {why}", queries.join(", "))).collect();
    let values = vec![Observed { unit: unit.name.clone(), value: told.join("; ") }];
    let why = "what is missing was not judged";
    let finding = RULE.finding(worst, "some answers are missing", values, why);
    Some(if worst == Severity::Info { finding } else { finding.advise(&["check again"]) })
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NotAsked => "not asked",
        Reason::Refused => "refused",
        Reason::Silent => "without a sound answer",
        Reason::Gone => "not answered",
        Reason::Old => "read too long before the others (max_age)",
        Reason::Unreadable => "answered with something that cannot be read",
    }
}

/// An error without the place that it happened at, which stands before it already.
fn short(text: &str, name: &str) -> String {
    let rest = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
    let short = rest.unwrap_or(text);
    if short.is_empty() { "no reason is known".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Count, Query};

    use crate::{
        Gap, Reason, Severity, UnitSnapshot, check,
        rules::testing::{bank_of, findings, found, healthy, told},
    };

    fn gap(reason: Reason) -> Gap {
        Gap { reason, text: "sim:1: expected a reply, found nothing".to_owned() }
    }

    #[test]
    fn a_unit_that_could_not_be_reached_is_told() {
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
    fn an_answer_that_is_missing_is_told() {
        let found = found(|units| units[1].take(Query::Flags, Err(gap(Reason::Silent))));
        assert_eq!(found, [("unread", Severity::Warning)]);
    }

    #[test]
    fn what_only_some_refuse_is_mentioned_and_what_all_refuse_is_not() {
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
    fn another_protocol_is_told() {
        let found = found(|units| {
            units[1].protocol.value_mut().unwrap().protocol_id = Count(30);
        });
        assert_eq!(found, [("unread", Severity::Error)]);
    }

    #[test]
    fn two_phases_of_three_are_not_judged_and_that_is_said() {
        let bank = bank_of(&["model=04", "model=04"]);
        assert_eq!(findings(&bank), [("unread", Severity::Info)]);
        assert_eq!(
            told(&bank),
            "only the first of three phases was judged: sim:0 + sim:1 InfiniSolar V III"
        );
        let report = check(&bank);
        assert!(report.verdict().starts_with("healthy as far as it was judged"), "{report}");
        assert!(report.rows.iter().any(|row| row.label == "output (first phase)"), "{report}");
    }
}
