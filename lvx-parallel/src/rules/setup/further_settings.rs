//! `further-settings`: settings that rule `settings` does not compare are the same on all units.
//!
//! Output voltage and frequency must be equal, or the bank stops with fault 86. Different input ranges
//! and time windows make one unit use the grid while another does not. Differences of other settings are
//! reported as information. The clock and the output mode have their own rules.
//!
//! Source: PI18 2017 and 2022, "PIRI", "FLAG", "ACCT", "ACLT"; table of faults, 86.

use lvx_settings::Setting;
use pi18_proto::FaultCode;

use super::difference::{self, MAKE_EQUAL};
use crate::{
    Finding, FindingKind, Severity, advice,
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
    &[&OUTPUT_FAULT, &OUTPUT, &GRID, &WINDOW, &RESTART, &OTHER],
    check,
);

static OUTPUT_FAULT: FindingKind = FindingKind::new(
    Severity::Error,
    "output voltage or frequency differs, and fault 86 is active",
    "this is the cause of fault 86, with which a bank stops",
    &[LOADS_OFF, FOR_THE_LOADS, MAKE_EQUAL, advice::RESTART],
);

static OUTPUT: FindingKind = FindingKind::new(
    Severity::Error,
    "output voltage or frequency differs",
    "units that share an output must have the same value; the bank stops with fault 86",
    &[LOADS_OFF, FOR_THE_LOADS, MAKE_EQUAL, advice::RESTART],
);

static GRID: FindingKind = FindingKind::new(
    Severity::Warning,
    "input voltage range or regulation state differs",
    "one unit disconnects from the grid while the other stays connected",
    &[MAKE_EQUAL],
);

static WINDOW: FindingKind = FindingKind::new(
    Severity::Warning,
    "an AC time window differs",
    "one unit takes power from the grid while the other does not",
    &[MAKE_EQUAL],
);

static RESTART: FindingKind = FindingKind::new(
    Severity::Warning,
    "overload bypass, overload restart or over-temperature restart differs",
    "after an overload the units do not restart together",
    &[MAKE_EQUAL],
);

static OTHER: FindingKind = FindingKind::new(
    Severity::Info,
    "another setting differs",
    "it does not affect how the units work together",
    &[MAKE_EQUAL],
);

const LOADS_OFF: &str =
    "switch the loads off first, because the output goes down; change the setting in standby";
const FOR_THE_LOADS: &str =
    "choose the voltage and the frequency that the loads are made for: others destroy them";

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
        .map(|each| difference::finding(&RULE, context, each, kind(context, each)))
        .collect()
}

fn kind(context: &Context<'_>, setting: Setting) -> &'static FindingKind {
    match setting {
        Setting::OutputVoltage | Setting::OutputFrequency
            if context.has_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS]) =>
        {
            &OUTPUT_FAULT
        }
        Setting::OutputVoltage | Setting::OutputFrequency => &OUTPUT,
        Setting::InputRange | Setting::RegulationState => &GRID,
        Setting::AcChargeWindow | Setting::AcLoadWindow => &WINDOW,
        Setting::OverloadBypass | Setting::OverloadRestart | Setting::OverTemperatureRestart => {
            &RESTART
        }
        _ => &OTHER,
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
    fn fault_86_of_different_models_is_reported() {
        let mut bank = bank_of(&["model=05&fault=86", "model=07&fault=86"]);
        bank.units[1].rated.value_mut().unwrap().output_voltage = Decivolts(1100);
        assert_eq!(findings(&bank), [("fault", Severity::Error), ("ratings", Severity::Error)]);
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
