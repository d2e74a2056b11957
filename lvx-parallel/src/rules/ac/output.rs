//! `output`: all units measure the same output.
//!
//! Compares voltages of units on one phase, and frequencies of all. Outputs in parallel have one voltage:
//! if the units measure different ones, voltage is lost in a cable or a contact, or the outputs are not
//! connected. Units without output are left out. A difference counts as in `grid`: an output that follows a
//! generator drifts.
//!
//! Limits: `output_voltage_spread`, 5 V, and `frequency_spread`, 0.5 Hz (both assumed: tolerance of two
//! voltmeters on one wire); for a generator `source_drift`, 20 % (assumed: 108 to 132 V).

use crate::{
    Finding, FindingKind, Severity,
    advice::LIVE_TERMINALS,
    context::{Context, Measured, OUTPUT, OutputGroup},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "output",
    "output voltages or frequencies differ (output_voltage_spread, frequency_spread, source_drift)",
    "assumed: tolerance of two voltmeters on one wire; a generator has 108 to 132 V and 57 to 63 Hz",
    &[&DIFFERENT],
    check,
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "the output voltages of units on one phase differ by more than output_voltage_spread, or output \
     frequencies by more than frequency_spread, in both readings; by more than source_drift if the output \
     follows a grid that drifts",
    "outputs in parallel have one voltage; either the difference is lost in a cable or a \
     contact, or the outputs are not connected",
    &[
        "connect no outputs that are separate now: outputs that are not synchronised destroy each other",
        LIVE_TERMINALS,
        "check the output breaker, wires and terminals of the unit that differs, and that its output is \
         connected only to outputs of the same phase",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let has_output = |each: &Measured<'_>| each.status.output_voltage.0 > 0;
    let thresholds = context.thresholds();
    let (max, drift) = (thresholds.output_voltage_spread, thresholds.source_drift);
    let by_group = |group: OutputGroup<'_, '_>| {
        let group = group.only(has_output);
        let units = &group.units;
        let gap = OUTPUT.voltage_gap(units, max, drift)?;
        let (place, found, max) = (group.place(), gap.found, gap.max);
        Some(finding(format!("output voltages{place} differ by {found}, more than {max}"), units))
    };
    let findings: Vec<_> = context.output_groups().into_iter().filter_map(by_group).collect();
    if !findings.is_empty() {
        return findings;
    }
    let units: Vec<_> = context.measured.iter().filter(|each| has_output(each)).collect();
    let gap = OUTPUT.frequency_gap(&units, thresholds.frequency_spread, drift);
    let what =
        gap.map(|gap| format!("output frequencies differ by {}, more than {}", gap.found, gap.max));
    what.map(|what| finding(what, &units)).into_iter().collect()
}

fn finding(what: String, units: &[&Measured<'_>]) -> Finding {
    let shown = |each: &&Measured<'_>| {
        each.value(format_args!("{} {}", each.status.output_voltage, each.status.output_frequency))
    };
    RULE.report(&DIFFERENT, what, units.iter().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, found, measure},
    };

    #[test]
    fn output_beyond_threshold_is_reported() {
        let with = |volts| {
            found(|units| measure(units, 1, |status| status.output_voltage = Decivolts(volts)))
        };
        assert_eq!(with(1251), [("output", Severity::Warning)]);
        assert_eq!(with(1250), []);
        let hertz =
            found(|units| measure(units, 0, |status| status.output_frequency = Decihertz(610)));
        assert_eq!(hertz, [("output", Severity::Warning)]);
    }

    #[test]
    fn unit_without_output_is_left_out() {
        assert_eq!(findings(&bank_of(&["", "fault=07"])), [("fault", Severity::Error)]);
    }

    #[test]
    fn difference_in_one_reading_is_ignored() {
        let volts = found(|units| units[1].status.value_mut().unwrap().output_voltage.0 += 70);
        assert_eq!(volts, []);
        let hertz = found(|units| units[1].status.value_mut().unwrap().output_frequency.0 += 9);
        assert_eq!(hertz, []);
    }

    #[test]
    fn outputs_are_compared_within_phase() {
        let mut bank = bank_of(&["output-mode=5", "output-mode=6", "output-mode=6"]);
        measure(&mut bank.units, 0, |status| status.output_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), []);
        measure(&mut bank.units, 2, |status| status.output_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), [("output", Severity::Warning)]);
    }
}
