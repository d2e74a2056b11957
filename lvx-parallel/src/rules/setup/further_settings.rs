//! `further-settings`: settings that rule `settings` does not compare are the same on all units.
//!
//! Output voltage and frequency must be equal, or the bank stops with fault 86. Different input ranges
//! and time windows make one unit use the grid while another does not. Differences of other settings are
//! reported as information. The clock and the output mode have their own rules.
//!
//! Source: PI18 2017 and 2022, "PIRI", "FLAG", "ACCT", "ACLT"; table of faults, 86.

use lvx_settings::Setting;
use pi18_proto::FaultCode;

use super::difference;
use crate::{
    Finding, Severity,
    context::Context,
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "further-settings",
    "one of the other settings differs: ranges, output, flags, time windows",
    "PI18 2017 and 2022, \"PIRI\", \"FLAG\", \"ACCT\", \"ACLT\"; table of faults, 86",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let further = Setting::ALL.iter().copied().filter(|setting| {
        !Setting::AGREEING.contains(setting)
            && !matches!(setting, Setting::Clock | Setting::OutputMode)
    });
    let differing = further.filter(|&setting| context.has_difference(setting));
    let is_judged = |setting: &Setting| {
        let is_output = matches!(setting, Setting::OutputVoltage | Setting::OutputFrequency);
        !(is_output && is_suppressed(context, Effect::OutputSetting))
    };
    differing
        .filter(is_judged)
        .map(|setting| {
            let (severity, why) = weight(context, setting);
            difference::finding(&RULE, context, setting, severity, why)
        })
        .collect()
}

fn weight(context: &Context<'_>, setting: Setting) -> (Severity, &'static str) {
    match setting {
        Setting::OutputVoltage | Setting::OutputFrequency
            if context.has_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS]) =>
        {
            (Severity::Error, "this is the cause of fault 86, which stops the bank right now")
        }
        Setting::OutputVoltage | Setting::OutputFrequency => (
            Severity::Error,
            "units that share an output must have the same value; the bank stops with fault 86",
        ),
        Setting::InputRange | Setting::RegulationState => (
            Severity::Warning,
            "one unit disconnects from the grid while the other stays connected",
        ),
        Setting::AcChargeWindow | Setting::AcLoadWindow => {
            (Severity::Warning, "one unit takes power from the grid while the other does not")
        }
        Setting::OverloadBypass | Setting::OverloadRestart | Setting::OverTemperatureRestart => {
            (Severity::Warning, "after an overload the units do not restart together")
        }
        _ => (Severity::Info, "it does not affect how the units work together"),
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
    fn output_setting_difference_is_error_naming_fault_86() {
        assert_eq!(rated(|rated| rated.output_voltage = Decivolts(1100)), only(Severity::Error));
        assert_eq!(rated(|rated| rated.output_frequency = Decihertz(500)), only(Severity::Error));
        let mut bank = bank_of(&["fault=86", "fault=86"]);
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        bank.units[1].rated.value_mut().unwrap().output_voltage = Decivolts(1100);
        assert_eq!(findings(&bank), only(Severity::Error));
        assert!(crate::check(&bank).findings[0].why.contains("fault 86"));
    }

    #[test]
    fn range_and_window_differences_are_warnings() {
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
    fn flag_severity_depends_on_flag() {
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
    fn setting_missing_on_older_unit_is_no_difference() {
        assert_eq!(rated(|rated| rated.regulation = None), []);
    }
}
