//! `settings`: the twelve settings that must agree are the same on all units.
//!
//! These settings determine when a unit charges, discharges and uses the grid. Units of one bank with
//! different values work against each other. Voltages and currents of different models are not compared,
//! because their ranges differ.
//!
//! Source: the twelve settings that were compared when two LVX6048s were commissioned ("12/12 match").

use lvx_settings::{Setting, Shape};

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
    "settings",
    "one of the twelve settings that must agree differs",
    "the twelve settings that were compared when two LVX6048s were commissioned (\"12/12 match\")",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let is_judged = |setting: &Setting| {
        let is_electrical = matches!(setting.shape(), Shape::Quantity { unit: "V" | "A", .. });
        !(is_electrical && is_suppressed(context, Effect::ElectricalSetting))
    };
    let differing = Setting::AGREEING.into_iter().filter(|&each| context.has_difference(each));
    differing
        .filter(is_judged)
        .map(|each| difference::finding(&RULE, context, each, Severity::Error, why(each)))
        .collect()
}

fn why(setting: Setting) -> &'static str {
    match setting {
        Setting::BatteryType | Setting::BulkVoltage | Setting::FloatVoltage => {
            "the units charge one battery with different targets: one stops while the other continues"
        }
        Setting::CutoffVoltage | Setting::RechargeVoltage | Setting::RedischargeVoltage => {
            "the units stop and resume using the battery at different voltages, and the last one that \
             uses it carries all the load"
        }
        Setting::MaxChargeCurrent | Setting::MaxAcChargeCurrent => {
            "the units do not share the charge current equally"
        }
        _ => {
            "the units take power from different sources at the same time and work against each other"
        }
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
            let settings: Vec<_> =
                found.iter().filter(|(_, severity)| *severity == Severity::Error).collect();
            assert_eq!(settings, [&("settings", Severity::Error)], "{switch}");
            let label = crate::wording::uncapitalised(setting.label());
            assert!(
                first_finding(&bank).starts_with(&format!("{label} differs")),
                "{}",
                first_finding(&bank)
            );
        }
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
        assert_eq!(findings(&bank), [("settings", Severity::Error)]);
        assert_eq!(first_finding(&bank), "maximum charge current differs: sim:0 100 A, sim:1 60 A");
    }
}
