//! Settings that control may change.

use lvx_settings::{Battery, Setting};
use pi18_proto::Risk;

/// Checks that control may change a setting of a site with this battery guard.
///
/// Control changes settings of daily risk that have a list of values, and the charge currents if the guard states
/// the maximum charge current of the bank. Other settings need a person at a terminal.
///
/// # Errors
/// What was expected and what was found, without the place.
pub fn check_allowed(setting: Setting, battery: Option<&Battery>) -> Result<(), String> {
    let key = setting.key();
    if matches!(setting, Setting::Clock | Setting::AcChargeWindow | Setting::AcLoadWindow) {
        return Err(format!("expected a setting with a list of values, found {key}"));
    }
    if matches!(setting, Setting::MaxChargeCurrent | Setting::MaxAcChargeCurrent) {
        let guard = battery.ok_or_else(|| {
            format!("expected a battery guard of the bank, which {key} needs, found none")
        })?;
        if let Some(error) = guard.incomplete().or_else(|| guard.errors().into_iter().next()) {
            return Err(format!("{key} needs a battery guard: {error}"));
        }
        if guard.max_bank_charge_current.is_none() {
            return Err(format!(
                "expected max_bank_charge_current in the battery guard, which {key} needs, found none"
            ));
        }
        return Ok(());
    }
    match setting.group().risk() {
        Risk::Daily => Ok(()),
        risk => Err(format!(
            "expected a setting of daily risk or a charge current, found {key}, which has {risk} risk"
        )),
    }
}

#[cfg(test)]
mod tests {
    use lvx_settings::{Chemistry, Millivolts};
    use pi18_proto::Amperes;

    use super::*;

    #[test]
    fn only_daily_settings_and_guarded_currents_are_allowed() {
        let guard = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
        let full = guard.with_max_bank_charge_current(Amperes(120));
        let allowed = |battery: Option<&Battery>| {
            let all = Setting::ALL.iter().filter(|s| check_allowed(**s, battery).is_ok());
            all.map(|setting| setting.key()).collect::<Vec<_>>()
        };
        let daily = [
            "output_priority",
            "charger_priority",
            "solar_priority",
            "input_range",
            "overload_bypass",
            "display_escape",
            "overload_restart",
            "over_temperature_restart",
            "backlight",
            "primary_source_alarm",
            "fault_record",
            "lithium_turn_on",
            "lithium_auto_turn_on",
        ];
        assert_eq!(allowed(None), daily);
        assert_eq!(allowed(Some(&guard)), daily);
        let currents = ["max_charge_current", "max_ac_charge_current"];
        assert_eq!(allowed(Some(&full)), [&currents[..], &daily].concat());
        let error = check_allowed(Setting::OutputMode, None).unwrap_err();
        assert_eq!(
            error,
            "expected a setting of daily risk or a charge current, found output_mode, which has installation \
             risk"
        );
    }
}
