//! The rules between settings. They must hold after every write.

mod output_modes;

use std::fmt;

use pi18_proto::{Amperes, Decivolts};
use serde::Serialize;

use crate::{Battery, Setting, Settings, model::battery::Millivolts};

pub use output_modes::{OutputModeConflict, are_phases, output_mode_conflict};

/// A rule that some settings break together.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BrokenRule {
    /// Name of the rule.
    pub rule: &'static str,
    /// The settings that break the rule together.
    pub settings: Vec<Setting>,
    /// Description of the conflict, with the values.
    pub text: String,
    /// Advice: the change that keeps the rule.
    pub advice: String,
}

impl BrokenRule {
    /// Returns whether the rule compares settings with the battery guard rather than with each other.
    #[must_use]
    pub fn is_of_guard(&self) -> bool {
        [CELL_TOO_HIGH, CELL_TOO_LOW, BANK_CURRENT, PACK_VOLTAGE].contains(&self.rule)
    }
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.text, self.advice)
    }
}

/// Returns every rule that these settings break, between each other or, if there is one, with the battery
/// guard. Settings without a value break no rule.
///
/// | rule | broken if |
/// |---|---|
/// | `float-above-bulk` | `float_voltage` > `bulk_voltage` |
/// | `cutoff-above-recharge` | `cutoff_voltage` > `recharge_voltage` |
/// | `redischarge-not-above-recharge` | `redischarge_voltage` <= `recharge_voltage`, except 0 |
/// | `redischarge-above-float` | `redischarge_voltage` > `float_voltage` |
/// | `ac-above-all` | `max_ac_charge_current` > `max_charge_current` |
/// | `cell-too-high` | bulk, float or re-discharge voltage per cell above the guard's range |
/// | `cell-too-low` | cut-off or re-charge voltage per cell below the guard's range |
/// | `bank-charge-current` | `max_charge_current` > `max_bank_charge_current` of the guard |
/// | `pack-charge-voltage` | bulk, float or re-discharge voltage above `max_charge_voltage` of the packs |
///
/// The last four require a battery guard, and `pack-charge-voltage` one that names its [`Packs`](crate::Packs).
///
/// ```
/// use lvx_settings::{Settings, broken_rules};
/// use pi18_proto::Decivolts;
///
/// let settings = Settings::build(|s| {
///     s.bulk_voltage = Some(Decivolts(540));
///     s.float_voltage = Some(Decivolts(560));
/// });
/// let rules = broken_rules(&settings, None);
/// assert_eq!(rules[0].rule, "float-above-bulk");
/// assert_eq!(rules[0].text, "float_voltage 56.0 V is above bulk_voltage 54.0 V");
/// ```
///
/// Source of the rules between settings: observed on LVX6048s, which refuse other values, and the notes
/// of the PI18 sheets on the voltages.
#[must_use]
pub fn broken_rules(settings: &Settings, battery: Option<&Battery>) -> Vec<BrokenRule> {
    let mut found = Vec::new();
    found.extend(order("float-above-bulk", settings, Setting::FloatVoltage, Setting::BulkVoltage));
    found.extend(order(
        "cutoff-above-recharge",
        settings,
        Setting::CutoffVoltage,
        Setting::RechargeVoltage,
    ));
    found.extend(redischarge_not_above_recharge(settings));
    found.extend(order(
        "redischarge-above-float",
        settings,
        Setting::RedischargeVoltage,
        Setting::FloatVoltage,
    ));
    found.extend(ac_above_all(settings));
    if let Some(battery) = battery {
        found.extend(cells(settings, battery));
        found.extend(above_bank(settings, battery));
        found.extend(above_packs(settings, battery));
    }
    found
}

/// Returns the value of a setting that is a voltage.
fn volts(settings: &Settings, setting: Setting) -> Option<Decivolts> {
    match settings.get(setting)? {
        crate::SettingValue::Voltage(voltage) => Some(voltage),
        _ => None,
    }
}

/// Checks that the first setting is not above the second.
fn order(
    rule: &'static str,
    settings: &Settings,
    lower: Setting,
    upper: Setting,
) -> Option<BrokenRule> {
    let (low, high) = (volts(settings, lower)?, volts(settings, upper)?);
    (low > high).then(|| BrokenRule {
        rule,
        settings: vec![lower, upper],
        text: format!("{lower} {low} is above {upper} {high}"),
        advice: format!("lower {lower} or raise {upper}; equal is allowed"),
    })
}

/// Checks that re-discharge is above re-charge, unless it is 0 ("until full").
fn redischarge_not_above_recharge(settings: &Settings) -> Option<BrokenRule> {
    let (recharge, redischarge) = (settings.recharge_voltage?, settings.redischarge_voltage?);
    (redischarge.0 != 0 && redischarge <= recharge).then(|| BrokenRule {
        rule: "redischarge-not-above-recharge",
        settings: vec![Setting::RedischargeVoltage, Setting::RechargeVoltage],
        text: format!("redischarge_voltage {redischarge} is not above recharge_voltage {recharge}"),
        advice: "raise redischarge_voltage or lower recharge_voltage".to_owned(),
    })
}

/// Checks that the limit for charging from utility is not above the limit for all sources.
fn ac_above_all(settings: &Settings) -> Option<BrokenRule> {
    let (ac, all): (Amperes, Amperes) =
        (settings.max_ac_charge_current?, settings.max_charge_current?);
    (ac > all).then(|| BrokenRule {
        rule: "ac-above-all",
        settings: vec![Setting::MaxAcChargeCurrent, Setting::MaxChargeCurrent],
        text: format!("max_ac_charge_current {ac} is above max_charge_current {all}"),
        advice: "lower max_ac_charge_current or raise max_charge_current".to_owned(),
    })
}

/// Checks that one unit alone does not exceed the charge current of the bank.
fn above_bank(settings: &Settings, battery: &Battery) -> Option<BrokenRule> {
    let (own, bank) = (settings.max_charge_current?, battery.max_bank_charge_current?);
    (own > bank).then(|| BrokenRule {
        rule: BANK_CURRENT,
        settings: vec![Setting::MaxChargeCurrent],
        text: format!("max_charge_current {own} is above max_bank_charge_current {bank}"),
        advice: "lower max_charge_current; the currents of all units together count".to_owned(),
    })
}

/// Checks that no voltage charges a pack above the limit of its maker.
fn above_packs(settings: &Settings, battery: &Battery) -> Vec<BrokenRule> {
    let Some(packs) = &battery.packs else { return Vec::new() };
    let limit = packs.limits().max_charge_voltage;
    let charge = [Setting::BulkVoltage, Setting::FloatVoltage, Setting::RedischargeVoltage];
    let above = charge.into_iter().filter_map(|setting| {
        let voltage = volts(settings, setting).filter(|voltage| *voltage > limit)?;
        Some(BrokenRule {
            rule: PACK_VOLTAGE,
            settings: vec![setting],
            text: format!(
                "{setting} {voltage} is above {limit}, the max_charge_voltage of {} packs",
                packs.model
            ),
            advice: format!("lower {setting} to at most {limit}"),
        })
    });
    above.collect()
}

/// Checks that no voltage charges or discharges a cell beyond its range.
fn cells(settings: &Settings, battery: &Battery) -> Vec<BrokenRule> {
    let Some(cells) = battery.cells.filter(|cells| *cells > 0) else { return Vec::new() };
    let mut found = Vec::new();
    let mut check = |setting, limit: Option<Millivolts>, is_top: bool| {
        let (Some(voltage), Some(limit)) = (volts(settings, setting), limit) else { return };
        // 0 means "until full".
        if voltage.0 == 0 {
            return;
        }
        let (pack, bound) = (u32::from(voltage.0) * 100, u32::from(cells) * u32::from(limit.0));
        let beyond = if is_top { pack > bound } else { pack < bound };
        if beyond {
            let cell = pack / u32::from(cells);
            let cell = Millivolts(u16::try_from(cell).unwrap_or(u16::MAX));
            // Rounded to 0.1 V, towards the safe side.
            let bound = if is_top { bound / 100 } else { bound.div_ceil(100) };
            let (side, rule) =
                if is_top { ("above", CELL_TOO_HIGH) } else { ("below", CELL_TOO_LOW) };
            found.push(BrokenRule {
                rule,
                settings: vec![setting],
                text: format!("{setting} {voltage} is {cell} per cell, {side} {limit}"),
                advice: format!(
                    "{cells} cells in series {} {}.{} V",
                    if is_top { "allow at most" } else { "require at least" },
                    bound / 10,
                    bound % 10
                ),
            });
        }
    };
    for setting in [Setting::BulkVoltage, Setting::FloatVoltage, Setting::RedischargeVoltage] {
        check(setting, battery.highest_cell(), true);
    }
    for setting in [Setting::CutoffVoltage, Setting::RechargeVoltage] {
        check(setting, battery.lowest_cell(), false);
    }
    found
}

pub(crate) const CELL_TOO_HIGH: &str = "cell-too-high";
pub(crate) const CELL_TOO_LOW: &str = "cell-too-low";
pub(crate) const BANK_CURRENT: &str = "bank-charge-current";
pub(crate) const PACK_VOLTAGE: &str = "pack-charge-voltage";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chemistry, PackModel, Packs};

    /// Returns the rules broken by voltages in decivolts: cut-off, re-charge, re-discharge, float, bulk.
    fn broken_by(voltages: [u16; 5]) -> Vec<&'static str> {
        let [cutoff, recharge, redischarge, float, bulk] = voltages.map(|v| Some(Decivolts(v)));
        let settings = Settings {
            cutoff_voltage: cutoff,
            recharge_voltage: recharge,
            redischarge_voltage: redischarge,
            float_voltage: float,
            bulk_voltage: bulk,
            ..Settings::default()
        };
        let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
        broken_rules(&settings, Some(&battery)).iter().map(|rule| rule.rule).collect()
    }

    #[test]
    fn values_at_a_bound_keep_the_rule_and_values_beyond_break_it() {
        assert_eq!(broken_by([480, 480, 540, 540, 564]), [""; 0]);
        assert_eq!(broken_by([481, 480, 540, 540, 564]), ["cutoff-above-recharge"]);
        assert_eq!(broken_by([480, 480, 480, 540, 564]), ["redischarge-not-above-recharge"]);
        assert_eq!(broken_by([480, 480, 541, 540, 564]), ["redischarge-above-float"]);
        assert_eq!(broken_by([480, 480, 540, 565, 564]), ["float-above-bulk"]);
        assert_eq!(broken_by([480, 480, 0, 540, 564]), [""; 0]);
        assert_eq!(broken_by([480, 480, 540, 540, 576]), [""; 0]);
        assert_eq!(broken_by([480, 480, 540, 540, 577]), ["cell-too-high"]);
        assert_eq!(broken_by([480, 480, 577, 577, 577]), ["cell-too-high"; 3]);
        assert_eq!(broken_by([448, 448, 540, 540, 564]), [""; 0]);
        assert_eq!(broken_by([447, 447, 540, 540, 564]), ["cell-too-low"; 2]);
    }

    #[test]
    fn charge_voltage_above_the_limit_of_the_packs_is_refused_within_the_cell_range() {
        let guard = Packs::new(PackModel::Eg4Lp4V2, 3).unwrap().guard();
        let broken = |bulk, float| {
            let settings = Settings::build(|s| {
                s.bulk_voltage = Some(Decivolts(bulk));
                s.float_voltage = Some(Decivolts(float));
            });
            broken_rules(&settings, Some(&guard)).iter().map(ToString::to_string).collect()
        };
        let none: Vec<String> = broken(568, 540);
        assert_eq!(none, [""; 0]);
        let one: Vec<String> = broken(569, 568);
        assert_eq!(
            one,
            ["bulk_voltage 56.9 V is above 56.8 V, the max_charge_voltage of eg4-lp4-v2 packs; \
              lower bulk_voltage to at most 56.8 V"]
        );
        let settings = Settings::build(|s| s.bulk_voltage = Some(Decivolts(569)));
        assert!(broken_rules(&settings, Some(&guard)).iter().all(BrokenRule::is_of_guard));
    }

    #[test]
    fn settings_without_values_break_no_rule() {
        assert_eq!(broken_rules(&Settings::default(), Some(&Battery::default())), []);
    }
}
