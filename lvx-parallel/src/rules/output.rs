//! All units feed the same output.

use pi18_proto::FaultCode;

use super::{Rule, further_settings, grid};
use crate::{
    Finding, Severity,
    context::{Context, Measured, Sharing, lasting_spread},
};

pub(super) static RULE: Rule = Rule::new(
    "output",
    "output voltages or frequencies differ (output_voltage_spread, frequency_spread)",
    "assumed: voltmeters of two units on one wire",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // A cause that is told explains it.
    if further_settings::output_differs(context)
        || grid::is_found(context)
        || context.tells_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS])
    {
        return Vec::new();
    }
    let on = |live: &Measured<'_>| live.status.output_voltage.0 > 0;
    let most = context.thresholds().output_voltage_spread;
    let by_phase = |sharing: Sharing<'_, '_>| {
        let sharing = sharing.only(on);
        let units = &sharing.units;
        let found = lasting_spread(units, most, |s| s.output_voltage, |s| s.output_voltage)?;
        let place = sharing.place();
        Some(finding(format!("output voltages{place} differ by {found}, more than {most}"), units))
    };
    let findings: Vec<_> = context.sharing().into_iter().filter_map(by_phase).collect();
    if !findings.is_empty() {
        return findings;
    }
    let most = context.thresholds().frequency_spread;
    let units: Vec<_> = context.live.iter().filter(|live| on(live)).collect();
    let found = lasting_spread(&units, most, |s| s.output_frequency, |s| s.output_frequency);
    let what = found.map(|found| format!("output frequencies differ by {found}, more than {most}"));
    what.map(|what| finding(what, &units)).into_iter().collect()
}

fn finding(what: String, units: &[&Measured<'_>]) -> Finding {
    let shown = |live: &&Measured<'_>| {
        live.value(format_args!("{} {}", live.status.output_voltage, live.status.output_frequency))
    };
    let why = "outputs in parallel have one voltage; what is measured differently is lost in a cable or \
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
    fn another_output_is_told() {
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
    fn a_unit_without_output_has_none_to_compare() {
        assert_eq!(findings(&bank_of(&["", "fault=07"])), [("fault", Severity::Error)]);
    }

    #[test]
    fn what_does_not_last_is_no_difference() {
        let volts = found(|units| units[1].status.value_mut().unwrap().output_voltage.0 += 70);
        assert_eq!(volts, []);
        let hertz = found(|units| units[1].status.value_mut().unwrap().output_frequency.0 += 9);
        assert_eq!(hertz, []);
    }

    #[test]
    fn units_of_one_phase_have_one_output() {
        let mut bank = bank_of(&["output-mode=5", "output-mode=6", "output-mode=6"]);
        measure(&mut bank.units, 0, |status| status.output_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), []);
        measure(&mut bank.units, 2, |status| status.output_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), [("output", Severity::Warning)]);
    }
}
