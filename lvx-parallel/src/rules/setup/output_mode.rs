//! `output-mode`: the output modes fit together: all units parallel, or at least one on each of two or three
//! phases.
//!
//! A unit that is set to single does not expect other units on its output. The bank stops with fault 86.
//! Which modes fit together is decided by [`lvx_settings::output_mode_conflict`].
//!
//! The advice never says which mode is right: the mode follows the wiring, which an electrician has to compare.
//!
//! Source: PI18 2017 and 2022, "PIRI": output mode.

use lvx_settings::output_mode_conflict;
use pi18_proto::{FaultCode, OutputMode};

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    advice::{LIVE_TERMINALS, MODE_FOLLOWS_WIRING},
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "output-mode",
    "a unit of a bank is set to single, or output modes do not fit together",
    "PI18 2017 and 2022, \"PIRI\": output mode",
    &[&WITH_FAULT, &CONFLICT],
    check,
);

const STEPS: &[&str] = &[
    MODE_FOLLOWS_WIRING,
    "if a mode is wrong, have it set in standby with the loads off (display, program 28): parallel on units \
     that share one output, and the mode of its phase on a unit of a phase",
    LIVE_TERMINALS,
    "if the wiring is wrong, have it changed",
];

static WITH_FAULT: FindingKind = FindingKind::new(
    Severity::Error,
    "a unit is set to single or the output modes do not fit together, and fault 86 is active",
    "this is the cause of fault 86, with which a bank stops",
    STEPS,
);

static CONFLICT: FindingKind = FindingKind::new(
    Severity::Error,
    "a unit is set to single or the output modes do not fit together",
    "units that share an output without being set to it work against each other; the bank stops with fault 86",
    STEPS,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // Where units show parallel in `PIRI` and a phase in `PRIn`, a unit without the latter may have a phase too.
    let has_phase_in_rating =
        |unit: &UnitSnapshot| unit.own_rating().is_some() && unit.output_mode() != in_piri(unit);
    let needs_rating = context.units.iter().any(|unit| has_phase_in_rating(unit));
    let is_known = |unit: &&&UnitSnapshot| {
        let is_parallel = unit.output_mode() == Some(OutputMode::PARALLEL);
        !(needs_rating && is_parallel) || unit.own_rating().is_some()
    };
    let known = context.units.iter().filter(is_known);
    let modes: Vec<_> = known.filter_map(|unit| unit.output_mode()).collect();
    let is_whole = context.is_whole() && modes.len() == context.units.len();
    if context.units.len().max(context.known_size()) < 2 || modes.is_empty() {
        return Vec::new();
    }
    let Some(what) = output_mode_conflict(&modes, is_whole) else { return Vec::new() };
    let has_fault = context.has_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS]);
    let kind = if has_fault { &WITH_FAULT } else { &CONFLICT };
    let values = each(&context.units, UnitSnapshot::output_mode);
    vec![RULE.report(kind, what.to_string(), values)]
}

fn in_piri(unit: &UnitSnapshot) -> Option<OutputMode> {
    Some(unit.rated.value()?.output_mode)
}

#[cfg(test)]
mod tests {
    use pi18_proto::OutputMode;

    use crate::{
        Answer, Gap, Reason, Severity,
        rules::testing::{bank_of, findings, first_finding},
    };

    const FOUND: [(&str, Severity); 1] = [("output-mode", Severity::Error)];

    #[test]
    fn single_and_conflicting_modes_are_errors() {
        let bank = bank_of(&["", "output-mode=0"]);
        assert_eq!(findings(&bank), FOUND);
        assert_eq!(
            first_finding(&bank),
            "a unit of this bank is set to single: sim:0 parallel, sim:1 single"
        );
        assert_eq!(findings(&bank_of(&["", "output-mode=2"])), FOUND);
        assert_eq!(findings(&bank_of(&["output-mode=5", "output-mode=2"])), FOUND);
        assert_eq!(findings(&bank_of(&["output-mode=5", "output-mode=5"])), FOUND);
        assert_eq!(findings(&bank_of(&["output-mode=2", "output-mode=3"])), FOUND);
        let fault = "output-mode=0&fault=86";
        assert_eq!(findings(&bank_of(&["", fault])), FOUND);
    }

    #[test]
    fn single_unit_and_complete_phases_are_healthy() {
        assert_eq!(findings(&bank_of(&["output-mode=0"])), []);
        assert_eq!(findings(&bank_of(&["output-mode=5", "output-mode=6"])), []);
        let three = ["output-mode=2", "output-mode=3", "output-mode=4", "output-mode=2"];
        assert_eq!(findings(&bank_of(&three)), []);
    }

    #[test]
    fn unit_of_bank_given_alone_must_not_be_single() {
        let mut bank = bank_of(&["", "output-mode=0"]);
        bank.units.remove(0);
        let found = findings(&bank);
        assert_eq!(found, [("output-mode", Severity::Error), ("bank-size", Severity::Warning)]);
    }

    #[test]
    fn unit_with_unread_rating_is_not_judged_beside_phases_of_two() {
        let mut bank = bank_of(&["output-mode=5", "output-mode=6"]);
        for unit in &mut bank.units {
            unit.rated.value_mut().unwrap().output_mode = OutputMode::PARALLEL;
        }
        assert_eq!(findings(&bank), []);
        bank.units[1].ratings[1] = Answer::Missing(Gap::new(Reason::Silent, ""));
        assert!(!findings(&bank).contains(&FOUND[0]));
    }
}
