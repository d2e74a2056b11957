//! Output modes fit together: all parallel, or every phase of three or of two.

use lvx_settings::output_mode_conflict;
use pi18_proto::{FaultCode, OutputMode};

use super::Rule;
use crate::{
    Finding, Severity,
    context::{Context, each},
};

pub(super) static RULE: Rule = Rule::new(
    "output-mode",
    "a unit of a bank is set to single, or output modes do not fit together",
    "PI18 2017 and 2022, \"PIRI\": output mode",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let modes: Vec<_> = context.units.iter().filter_map(|unit| mode(unit)).collect();
    if context.units.len().max(context.known_size()) < 2 || modes.is_empty() {
        return Vec::new();
    }
    let Some(what) = output_mode_conflict(&modes, context.is_whole()) else { return Vec::new() };
    let what = what.to_string();
    let why = if context.has_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS]) {
        "this is what fault 86 says, which stops the bank right now"
    } else {
        "units that do not know that they share an output fight over it; the bank stops with fault 86"
    };
    vec![RULE.finding(Severity::Error, &what, each(&context.units, mode), why).advise(&[
        "switch the loads off before anything else: the output mode can only be set in standby",
        "set all units to parallel, or give each phase its units (display, program 28)",
    ])]
}

fn mode(unit: &crate::UnitSnapshot) -> Option<OutputMode> {
    Some(unit.rated.value()?.output_mode)
}

/// Whether units feed phases of one kind, which have to differ.
pub(crate) fn are_phases(units: &[&crate::UnitSnapshot]) -> bool {
    let modes: Vec<_> = units.iter().filter_map(|unit| mode(unit)).collect();
    lvx_settings::are_phases(&modes)
}

/// Whether this rule speaks.
pub(super) fn is_found(context: &Context<'_>) -> bool {
    context.checks.has(&RULE.info) && !check(context).is_empty()
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, told},
    };

    const FOUND: [(&str, Severity); 1] = [("output-mode", Severity::Error)];

    #[test]
    fn single_in_a_bank_and_modes_that_do_not_fit_are_told() {
        let bank = bank_of(&["", "output-mode=0"]);
        assert_eq!(findings(&bank), FOUND);
        assert_eq!(
            told(&bank),
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
    fn single_alone_and_all_phases_are_well() {
        assert_eq!(findings(&bank_of(&["output-mode=0"])), []);
        assert_eq!(findings(&bank_of(&["output-mode=5", "output-mode=6"])), []);
        let three = ["output-mode=2", "output-mode=3", "output-mode=4", "output-mode=2"];
        assert_eq!(findings(&bank_of(&three)), []);
    }

    #[test]
    fn a_unit_of_a_bank_that_is_given_alone_is_not_to_be_single() {
        let mut bank = bank_of(&["", "output-mode=0"]);
        bank.units.remove(0);
        let found = findings(&bank);
        assert_eq!(found, [("output-mode", Severity::Error), ("bank-size", Severity::Warning)]);
    }
}
