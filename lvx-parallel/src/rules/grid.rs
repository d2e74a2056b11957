//! All units see the same grid.

use pi18_proto::FaultCode;

use super::Rule;
use crate::{
    Finding, Severity,
    case::{Case, spread},
};

pub(super) static RULE: Rule = Rule::new(
    "grid",
    "grid voltages or frequencies differ (grid_voltage_spread, frequency_spread)",
    "assumed: voltmeters of two units on one wire",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let voltages = || case.live.iter().map(|live| live.status.grid_voltage);
    let frequencies = || case.live.iter().map(|live| live.status.grid_frequency);
    let [most_volts, most_hertz] = [
        case.thresholds().grid_voltage_spread.to_string(),
        case.thresholds().frequency_spread.to_string(),
    ];
    let volts_differ =
        !case.has_phases() && spread(voltages()) > case.thresholds().grid_voltage_spread;
    let hertz_differ = spread(frequencies()) > case.thresholds().frequency_spread;
    if case.tells_fault(&[FaultCode::PARALLEL_LINE]) || !(volts_differ || hertz_differ) {
        return Vec::new();
    }
    let what = match (volts_differ, hertz_differ) {
        (true, _) => {
            format!("grid voltages differ by {}, more than {most_volts}", spread(voltages()))
        }
        _ => {
            format!("grid frequencies differ by {}, more than {most_hertz}", spread(frequencies()))
        }
    };
    let shown = |live: &crate::case::Live<'_>| {
        live.value(format_args!("{} {}", live.status.grid_voltage, live.status.grid_frequency))
    };
    let why = "units of a bank work on one grid; one that sees another leaves it alone, and a greater \
               difference stops the bank with fault 84";
    vec![RULE.tell(Severity::Warning, what, case.live.iter().map(shown).collect(), why).advise(&[
        "check the AC input breaker and wires of the unit that differs",
        "check that all units are on the same phase",
    ])]
}

/// Whether this rule speaks.
pub(super) fn is_found(case: &Case<'_>) -> bool {
    case.checks.has(&RULE.info) && !check(case).is_empty()
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, found, measure, told},
    };

    #[test]
    fn another_grid_is_told() {
        let with = |volts| {
            found(|units| measure(units, 1, |status| status.grid_voltage = Decivolts(volts)))
        };
        assert_eq!(with(1251), [("grid", Severity::Warning)]);
        assert_eq!(with(1250), []);
        let frequency = |hertz| {
            found(|units| measure(units, 1, |status| status.grid_frequency = Decihertz(hertz)))
        };
        assert_eq!(frequency(606), [("grid", Severity::Warning)]);
        assert_eq!(frequency(605), []);
    }

    #[test]
    fn a_unit_without_grid_in_battery_mode_is_one_cause() {
        let mut bank = bank_of(&["sun=30&load=200", "mode=03&warn=line-fail"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(0));
        assert_eq!(findings(&bank), [("grid", Severity::Warning)]);
        assert!(told(&bank).starts_with("grid voltages differ by 120.0 V"), "{}", told(&bank));
    }

    #[test]
    fn a_fault_says_the_same_and_phases_differ() {
        let mut bank = bank_of(&["fault=84", "fault=84"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(0));
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        let mut bank = bank_of(&["output-mode=5", "output-mode=6"]);
        measure(&mut bank.units, 1, |status| status.grid_voltage = Decivolts(1270));
        assert_eq!(findings(&bank), []);
    }
}
