//! All settings beside the twelve.

use lvx_settings::Setting;
use pi18_proto::FaultCode;

use super::{Rule, ratings, settings};
use crate::{Finding, Severity, context::Context};

pub(super) static RULE: Rule = Rule::new(
    "further-settings",
    "a setting beside the twelve differs: ranges, output, flags, time windows",
    "PI18 2017 and 2022, \"PIRI\", \"FLAG\", \"ACCT\", \"ACLT\"; table of faults, 86",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // The clock moves and the output mode belongs to a unit's place: they have rules of their own.
    let further = Setting::ALL.iter().copied().filter(|setting| {
        !Setting::AGREEING.contains(setting)
            && !matches!(setting, Setting::Clock | Setting::OutputMode)
    });
    let differing = further.filter(|&setting| context.has_difference(setting));
    let judged = differing.filter(|&setting| !(is_output(setting) && ratings::differs(context)));
    judged
        .map(|setting| {
            let (severity, why) = weight(context, setting);
            settings::finding(&RULE, context, setting, severity, why)
        })
        .collect()
}

/// Whether output voltages or frequencies are set differently.
pub(super) fn output_differs(context: &Context<'_>) -> bool {
    let outputs = [Setting::OutputVoltage, Setting::OutputFrequency];
    context.checks.has(&RULE.info)
        && outputs.into_iter().any(|setting| context.has_difference(setting))
}

fn is_output(setting: Setting) -> bool {
    matches!(setting, Setting::OutputVoltage | Setting::OutputFrequency)
}

fn weight(context: &Context<'_>, setting: Setting) -> (Severity, &'static str) {
    match setting {
        Setting::OutputVoltage | Setting::OutputFrequency
            if context.has_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS]) =>
        {
            (Severity::Error, "this is what fault 86 says, which stops the bank right now")
        }
        Setting::OutputVoltage | Setting::OutputFrequency => (
            Severity::Error,
            "units that share an output need the same; the bank stops with fault 86",
        ),
        Setting::InputRange | Setting::RegulationState => {
            (Severity::Warning, "one unit leaves the grid while the other stays on it")
        }
        Setting::AcChargeWindow | Setting::AcLoadWindow => {
            (Severity::Warning, "one unit takes power from the grid while the other does not")
        }
        Setting::OverloadBypass | Setting::OverloadRestart | Setting::OverTemperatureRestart => {
            (Severity::Warning, "after an overload the units do not come back together")
        }
        _ => (Severity::Info, "it makes no difference to how the units work together"),
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decihertz, Decivolts, InputRange, RegulationState, Switch, TimeOfDay};

    use crate::{
        Severity, UnitSnapshot,
        rules::testing::{bank_of, findings, found},
    };

    fn only(severity: Severity) -> Vec<(&'static str, Severity)> {
        vec![("further-settings", severity)]
    }

    fn rated(change: impl Fn(&mut pi18_proto::RatedInformation)) -> Vec<(&'static str, Severity)> {
        found(|units| change(units[1].rated.value_mut().unwrap()))
    }

    #[test]
    fn an_output_that_is_set_differently_is_an_error_and_names_the_fault() {
        assert_eq!(rated(|rated| rated.output_voltage = Decivolts(1100)), only(Severity::Error));
        assert_eq!(rated(|rated| rated.output_frequency = Decihertz(500)), only(Severity::Error));
        let mut bank = bank_of(&["fault=86", "fault=86"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        bank.units[1].rated.value_mut().unwrap().output_voltage = Decivolts(1100);
        assert_eq!(findings(&bank), only(Severity::Error));
        assert!(crate::check(&bank).findings[0].why.contains("fault 86"));
    }

    #[test]
    fn ranges_and_windows_are_warned_of() {
        assert_eq!(rated(|rated| rated.input_range = InputRange::UPS), only(Severity::Warning));
        let first = Some(RegulationState::FIRST);
        assert_eq!(rated(|rated| rated.regulation = first), only(Severity::Warning));
        let night = found(|units| {
            let window = units[1].ac_charge_window.value_mut().unwrap();
            window.end = TimeOfDay::new(6, 0).unwrap();
        });
        assert_eq!(night, only(Severity::Warning));
    }

    #[test]
    fn flags_are_told_by_their_weight() {
        let flag = |unit: &mut UnitSnapshot| {
            let flags = unit.flags.value_mut().unwrap();
            flags.overload_restart = Switch::ON;
        };
        assert_eq!(found(|units| flag(&mut units[1])), only(Severity::Warning));
        assert_eq!(found(|units| units.iter_mut().for_each(flag)), []);
        let backlight = found(|units| units[0].flags.value_mut().unwrap().backlight = Switch::OFF);
        assert_eq!(backlight, only(Severity::Info));
    }

    #[test]
    fn what_an_older_unit_does_not_have_is_no_difference() {
        assert_eq!(rated(|rated| rated.regulation = None), []);
    }
}
