//! All settings beside the twelve.

use lvx_settings::Setting;
use pi18_proto::FaultCode;

use super::{Rule, ratings, settings};
use crate::{Finding, Severity, case::Case};

pub(super) static RULE: Rule = Rule::new(
    "further-settings",
    "a setting beside the twelve differs: ranges, output, flags, time windows",
    "PI18 2017 and 2022, \"PIRI\", \"FLAG\", \"ACCT\", \"ACLT\"; table of faults, 86",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    // The clock moves and the output mode belongs to a unit's place: they have rules of their own.
    let further = Setting::ALL.iter().copied().filter(|setting| {
        !Setting::AGREEING.contains(setting)
            && !matches!(setting, Setting::Clock | Setting::OutputMode)
    });
    let differing = further.filter(|&setting| case.has_difference(setting));
    let judged = differing.filter(|&setting| !(is_output(setting) && ratings::differs(case)));
    judged
        .map(|setting| {
            let (severity, why) = weight(case, setting);
            settings::tell(&RULE, case, setting, severity, why)
        })
        .collect()
}

/// Whether output voltages or frequencies are set differently.
pub(super) fn output_differs(case: &Case<'_>) -> bool {
    [Setting::OutputVoltage, Setting::OutputFrequency]
        .into_iter()
        .any(|setting| case.has_difference(setting))
}

fn is_output(setting: Setting) -> bool {
    matches!(setting, Setting::OutputVoltage | Setting::OutputFrequency)
}

fn weight(case: &Case<'_>, setting: Setting) -> (Severity, &'static str) {
    match setting {
        Setting::OutputVoltage | Setting::OutputFrequency
            if case.has_fault(&[FaultCode::PARALLEL_OUTPUT_SETTINGS]) =>
        {
            (Severity::Error, "this is what fault 86 says, which stops the bank right now")
        }
        Setting::OutputVoltage | Setting::OutputFrequency => (
            Severity::Error,
            "units that share an output need the same; the bank stops with fault 86",
        ),
        Setting::InputVoltageRange | Setting::RegulationState => {
            (Severity::Warning, "one unit leaves the grid while the other stays on it")
        }
        Setting::AcChargingWindow | Setting::AcLoadWindow => {
            (Severity::Warning, "one unit takes power from the grid while the other does not")
        }
        Setting::OverloadBypass | Setting::OverloadRestart | Setting::OverTemperatureRestart => {
            (Severity::Warning, "after an overload the units do not come back together")
        }
        _ => (Severity::Info, "it makes no difference to how the units work together"),
    }
}
