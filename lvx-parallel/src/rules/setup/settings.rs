//! `settings`: the twelve settings that must agree are the same on all units.
//!
//! These settings determine when a unit charges, discharges and uses the grid. Units of one bank with
//! different values work against each other. Voltages and currents of different models are not compared,
//! because their ranges differ.
//!
//! A difference is an error, except that of a maximum charge current: it harms neither the units nor the
//! battery, and owners choose it, for example for a unit with thinner cables (assumed).
//!
//! Source: the twelve settings that were compared when two LVX6048s were commissioned ("12/12 match").

use lvx_settings::Setting;

use super::difference::{self, MAKE_EQUAL};
use crate::{
    Finding, FindingKind, Severity,
    context::Context,
    rules::{BuiltIn, suppression::is_difference_judged},
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "settings",
    "one of the twelve settings that must agree differs",
    "the twelve settings that were compared when two LVX6048s were commissioned (\"12/12 match\")",
    &[&CHARGE_TARGET, &BATTERY_USE, &MACHINE_TYPE, &SOURCES, &CHARGE_CURRENT, &AC_CHARGE_CURRENT],
    check,
);

const BATTERY_LIMITS: &str = "choose the value that the maker of the battery allows; after a change of the battery \
                              type, compare the charge voltages with these limits before charging";

static CHARGE_TARGET: FindingKind = FindingKind::new(
    Severity::Error,
    "battery type, bulk or float voltage differs",
    "the units charge one battery with different targets: one stops while the other continues",
    &[BATTERY_LIMITS, MAKE_EQUAL],
);

static BATTERY_USE: FindingKind = FindingKind::new(
    Severity::Error,
    "cut-off, re-charge or re-discharge voltage differs",
    "the units stop and resume using the battery at different voltages, and the last one that uses it \
     carries all the load",
    &[BATTERY_LIMITS, MAKE_EQUAL],
);

static MACHINE_TYPE: FindingKind = FindingKind::new(
    Severity::Error,
    "the machine type differs",
    "one unit may feed into the grid while another one does not, so that they work against each other",
    &[
        "choose grid-tie only with the permission of the grid operator: such a unit feeds into the grid",
        MAKE_EQUAL,
    ],
);

static SOURCES: FindingKind = FindingKind::new(
    Severity::Error,
    "output, charger or solar priority differs",
    "the units take power from different sources at the same time and work against each other",
    &[MAKE_EQUAL],
);

static CHARGE_CURRENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "the maximum charge current differs",
    "the units do not share the charge current equally; this is harmless if it is on purpose",
    &[
        "if it is not on purpose, set this setting to the same value on all units (in a profile or on the \
         display)",
        "a unit refuses a new maximum charge current while it charges: set it at night, or on the display \
         (program 02)",
    ],
);

static AC_CHARGE_CURRENT: FindingKind = FindingKind::new(
    Severity::Warning,
    "the maximum AC charge current differs",
    "the units do not take the same current from the grid for charging; this is harmless if it is on \
     purpose",
    &[
        "if it is not on purpose, set this setting to the same value on all units (in a profile or on the \
         display)",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let differing = Setting::AGREEING.into_iter().filter(|&each| context.has_difference(each));
    differing
        .filter(|&each| is_difference_judged(context, each))
        .map(|each| difference::finding(&RULE, context, each, kind(each)))
        .collect()
}

fn kind(setting: Setting) -> &'static FindingKind {
    match setting {
        Setting::BatteryType | Setting::BulkVoltage | Setting::FloatVoltage => &CHARGE_TARGET,
        Setting::CutoffVoltage | Setting::RechargeVoltage | Setting::RedischargeVoltage => {
            &BATTERY_USE
        }
        Setting::MachineType => &MACHINE_TYPE,
        Setting::MaxChargeCurrent => &CHARGE_CURRENT,
        Setting::MaxAcChargeCurrent => &AC_CHARGE_CURRENT,
        _ => &SOURCES,
    }
}

#[cfg(test)]
mod tests {
    use lvx_settings::Setting;
    use pi18_proto::{BatteryType, ChargerPriority, Decivolts, SolarPriority};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, found},
    };

    #[test]
    fn each_of_twelve_settings_is_reported() {
        let switches = [
            "battery-type=1",
            "bulk=56.0",
            "float=53.0",
            "cutoff=47.0",
            "recharge=47.0",
            "redischarge=53.0",
            "max-charge=50",
            "max-ac-charge=20",
            "output-priority=0",
            "charger-priority=1",
            "solar-priority=1",
            "machine-type=1",
        ];
        assert_eq!(switches.len(), Setting::AGREEING.len());
        for (switch, setting) in switches.into_iter().zip(Setting::AGREEING) {
            let bank = bank_of(&["", switch]);
            let found = findings(&bank);
            let settings: Vec<_> = found.iter().filter(|(rule, _)| *rule == "settings").collect();
            let is_current = switch.starts_with("max-");
            let severity = if is_current { Severity::Warning } else { Severity::Error };
            assert_eq!(settings, [&("settings", severity)], "{switch}");
            let is_other_error = |(rule, severity): &(&str, Severity)| {
                *rule != "settings" && *severity == Severity::Error
            };
            assert!(!found.iter().any(is_other_error), "{switch}: {found:?}");
            let label = crate::wording::uncapitalised(setting.label());
            assert!(
                first_finding(&bank).starts_with(&format!("{label} differs")),
                "{}",
                first_finding(&bank)
            );
        }
    }

    #[test]
    fn advice_names_key_of_setting() {
        let advice = |switch| crate::check(&bank_of(&["", switch])).findings[0].advice.clone();
        assert_eq!(
            advice("float=53.0")[1],
            "set float_voltage to the same value on all units (in a profile or on the display)"
        );
        let currents = advice("max-charge=50");
        assert!(currents[0].contains("set max_charge_current to"), "{currents:?}");
    }

    #[test]
    fn equal_settings_are_healthy() {
        let changed = found(|units| {
            for unit in units {
                let rated = unit.rated.value_mut().unwrap();
                rated.battery_type = BatteryType(7);
                rated.bulk_voltage = Decivolts(575);
                rated.charger_priority = ChargerPriority::ONLY_SOLAR;
                rated.solar_priority = SolarPriority(9);
            }
        });
        assert_eq!(changed, []);
    }

    #[test]
    fn current_limits_100_and_60_are_one_finding() {
        let bank = bank_of(&["max-charge=100", "max-charge=60"]);
        assert_eq!(findings(&bank), [("settings", Severity::Warning)]);
        assert_eq!(first_finding(&bank), "maximum charge current differs: sim:0 100 A, sim:1 60 A");
    }
}
