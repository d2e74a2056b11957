//! All units feed the same output.

use pi18_proto::FaultCode;

use super::{Rule, further_settings, grid};
use crate::{
    Finding, Severity,
    case::{Case, Live, spread},
};

pub(super) static RULE: Rule = Rule::new(
    "output",
    "output voltages or frequencies differ (output_voltage_spread, frequency_spread)",
    "assumed: voltmeters of two units on one wire",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    // A cause that is told explains it.
    if further_settings::output_differs(case)
        || grid::is_found(case)
        || case.tells_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS])
    {
        return Vec::new();
    }
    let on: Vec<&Live<'_>> =
        case.live.iter().filter(|live| live.status.output_voltage.0 > 0).collect();
    let volts = spread(on.iter().map(|live| live.status.output_voltage));
    let hertz = spread(on.iter().map(|live| live.status.output_frequency));
    let thresholds = case.thresholds();
    let what = if volts > thresholds.output_voltage_spread && !case.has_phases() {
        format!("output voltages differ by {volts}, more than {}", thresholds.output_voltage_spread)
    } else if hertz > thresholds.frequency_spread {
        format!("output frequencies differ by {hertz}, more than {}", thresholds.frequency_spread)
    } else {
        return Vec::new();
    };
    let shown = |live: &&Live<'_>| {
        live.value(format_args!("{} {}", live.status.output_voltage, live.status.output_frequency))
    };
    let why = "outputs in parallel have one voltage; what is measured differently is lost in a cable or \
               contact, or the outputs are not connected";
    vec![RULE.tell(Severity::Warning, what, on.iter().map(shown).collect(), why).advise(&[
        "check the output breaker, wires and screws of the unit that differs",
        "measure between the outputs with a meter before touching anything",
    ])]
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
}
