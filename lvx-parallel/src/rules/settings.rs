//! The twelve settings that make two units agree.

use lvx_settings::{Setting, Shape};

use super::{Rule, ratings};
use crate::{
    Finding, Severity,
    context::{Context, each},
    report::text::uncapitalised,
};

pub(super) static RULE: Rule = Rule::new(
    "settings",
    "one of the twelve settings that must agree differs",
    "the twelve that were compared when two LVX6048 were commissioned (\"12/12 match\")",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let differing = Setting::AGREEING.into_iter().filter(|&setting| is_judged(context, setting));
    differing
        .map(|setting| finding(&RULE, context, setting, Severity::Error, why(setting)))
        .collect()
}

/// Voltages of units that are made for different batteries differ of course.
fn is_judged(context: &Context<'_>, setting: Setting) -> bool {
    let other_model = ratings::differs(context)
        && matches!(setting.shape(), Shape::Quantity { unit: "V" | "A", .. });
    !other_model && context.has_difference(setting)
}

/// Whether any of the twelve differs, which explains that units do not share as they should.
pub(super) fn is_found(context: &Context<'_>) -> bool {
    context.checks.has(&RULE.info)
        && Setting::AGREEING.into_iter().any(|setting| context.has_difference(setting))
}

pub(super) fn finding(
    rule: &Rule,
    context: &Context<'_>,
    setting: Setting,
    severity: Severity,
    why: &str,
) -> Finding {
    let what = format!("{} differs", uncapitalised(setting.label()));
    let values = each(&context.units, |unit| unit.settings().get(setting));
    let key = setting.key();
    let same = format!("set {key} to the same value on all units (a profile, or the display)");
    let first = "switch the loads off first: this takes the output down; set it in standby, then switch \
                 all units off and on again";
    let is_output = matches!(setting, Setting::OutputVoltage | Setting::OutputFrequency);
    let advice: &[&str] = if is_output { &[first, &same] } else { &[&same] };
    let mut finding = rule.finding(severity, what, values, why).advise(advice);
    if setting == Setting::MaxChargeCurrent {
        let hint = "a unit refuses another maximum charge current while it charges: do it at night, \
                    or on the display, program 02";
        finding = finding.advise(&[hint]);
    }
    finding
}

fn why(setting: Setting) -> &'static str {
    match setting {
        Setting::BatteryType | Setting::BulkVoltage | Setting::FloatVoltage => {
            "one battery is charged by two rules: one unit stops while the other goes on"
        }
        Setting::CutoffVoltage | Setting::RechargeVoltage | Setting::RedischargeVoltage => {
            "the units leave and take up the battery at different voltages, and the last one on it \
             carries all the load"
        }
        Setting::MaxChargeCurrent | Setting::MaxAcChargeCurrent => {
            "the units do not share the charging"
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
        rules::testing::{bank_of, findings, found, told},
    };

    #[test]
    fn each_of_the_twelve_is_told() {
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
            let label = crate::report::text::uncapitalised(setting.label());
            assert!(told(&bank).starts_with(&format!("{label} differs")), "{}", told(&bank));
        }
    }

    #[test]
    fn the_same_on_all_is_well_whatever_it_is() {
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
    fn a_hundred_amperes_beside_sixty_explain_the_currents() {
        let bank = bank_of(&["max-charge=100", "max-charge=60"]);
        assert_eq!(findings(&bank), [("settings", Severity::Error)]);
        assert_eq!(told(&bank), "maximum charge current differs: sim:0 100 A, sim:1 60 A");
    }
}
