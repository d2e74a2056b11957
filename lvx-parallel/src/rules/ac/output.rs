//! `output`: all units measure the same output.
//!
//! Compares voltages of units on one phase, and frequencies of all. Outputs in parallel have one voltage:
//! if the units measure different ones, voltage is lost in a cable or a contact, or the outputs are not
//! connected. Units without output are left out. The difference must last, as for `battery-voltage`.
//!
//! Limits: `output_voltage_spread`, 5 V, and `frequency_spread`, 0.5 Hz (both assumed: tolerance of two
//! voltmeters on one wire).

use crate::{
    Finding, Severity,
    context::{Context, Measured, OutputGroup, lasting_spread},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "output",
    "output voltages or frequencies differ (output_voltage_spread, frequency_spread)",
    "assumed: tolerance of two voltmeters on one wire",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let has_output = |each: &Measured<'_>| each.status.output_voltage.0 > 0;
    let max = context.thresholds().output_voltage_spread;
    let by_group = |group: OutputGroup<'_, '_>| {
        let group = group.only(has_output);
        let units = &group.units;
        let found = lasting_spread(units, max, |s| s.output_voltage, |s| s.output_voltage)?;
        let place = group.place();
        Some(finding(format!("output voltages{place} differ by {found}, more than {max}"), units))
    };
    let findings: Vec<_> = context.output_groups().into_iter().filter_map(by_group).collect();
    if !findings.is_empty() {
        return findings;
    }
    let max = context.thresholds().frequency_spread;
    let units: Vec<_> = context.measured.iter().filter(|each| has_output(each)).collect();
    let found = lasting_spread(&units, max, |s| s.output_frequency, |s| s.output_frequency);
    let what = found.map(|found| format!("output frequencies differ by {found}, more than {max}"));
    what.map(|what| finding(what, &units)).into_iter().collect()
}

fn finding(what: String, units: &[&Measured<'_>]) -> Finding {
    let shown = |each: &&Measured<'_>| {
        each.value(format_args!("{} {}", each.status.output_voltage, each.status.output_frequency))
    };
    let why = "outputs in parallel have one voltage; either the difference is lost in a cable or a \
               contact, or the outputs are not connected";
    RULE.finding(Severity::Warning, what, units.iter().map(shown).collect(), why).advise(&[
        "check the output breaker, wires and screws of the unit that differs",
        "measure between the outputs with a meter before touching anything",
    ])
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
