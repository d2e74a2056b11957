//! What a unit can be set to, and who says so.
//!
//! The unit itself decides as far as it can be asked: its rated battery voltage picks the table, its
//! lists give the currents. What the sheets allow on any unit stands in `pi18-proto` and is only
//! narrowed here.

use std::collections::BTreeMap;

use pi18_proto::{
    BatteryType, ChargeVoltage, Currents, CutoffVoltage, Decivolts, Model, OutputFrequency,
    OutputVoltage, RechargeVoltage, RedischargeVoltage,
};

use crate::{Setting, SettingValue, Unit, model::value::Shape};

/// What one unit can be set to.
#[derive(Clone, Debug)]
pub struct Limits(BTreeMap<Setting, Limit>);

/// What one setting of a unit can be set to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limit {
    /// The values.
    pub allowed: Allowed,
    /// Who says so.
    pub origin: String,
    /// What to do to have another value all the same.
    pub otherwise: Option<&'static str>,
}

/// The values that a setting can be set to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Allowed {
    /// Quantities, in steps of the wire, ascending.
    Steps {
        /// Each of them; none if nothing is known to be taken.
        steps: Vec<u16>,
        /// Digits after the point.
        decimals: u8,
        /// The unit.
        unit: &'static str,
    },
    /// Currents of the unit's own list, ascending.
    Listed(Vec<u16>),
    /// Codes.
    Codes(Vec<u8>),
    /// Everything of the setting's kind.
    Any,
}

/// A value that a unit cannot be set to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{value} is not {allowed} ({origin}){}", otherwise.map_or(String::new(), |hint| format!("; {hint}")))]
#[non_exhaustive]
pub struct LimitError {
    /// What was to be set.
    pub setting: Setting,
    /// To what.
    pub value: SettingValue,
    /// The values that it can be set to.
    pub allowed: String,
    /// Who says so.
    pub origin: String,
    /// What to do to have it all the same.
    pub otherwise: Option<&'static str>,
}

impl Limits {
    /// The limits of a unit.
    #[must_use]
    pub fn of(unit: &Unit) -> Self {
        let class = Class::of(unit.rated.battery_rated_voltage);
        let limit = |setting: Setting| match setting {
            setting if Class::BATTERY.contains(&setting) => class.battery(setting, unit.model),
            Setting::MaxChargeCurrent => currents(setting, unit.max_charge_currents.as_ref()),
            Setting::MaxAcChargeCurrent => currents(setting, unit.max_ac_charge_currents.as_ref()),
            Setting::OutputVoltage => output_voltage(unit.rated.output_voltage),
            Setting::OutputFrequency => Limit {
                allowed: Allowed::Steps {
                    steps: OutputFrequency::ALL.iter().map(|f| f.number() * 10).collect(),
                    decimals: 1,
                    unit: "Hz",
                },
                origin: sheet(setting),
                otherwise: None,
            },
            Setting::BatteryType => battery_type(unit.model),
            _ => of_kind(setting),
        };
        Self(Setting::ALL.iter().map(|&setting| (setting, limit(setting))).collect())
    }

    /// The limit of a setting.
    #[must_use]
    pub fn get(&self, setting: Setting) -> &Limit {
        const NONE: &Limit =
            &Limit { allowed: Allowed::Codes(Vec::new()), origin: String::new(), otherwise: None };
        self.0.get(&setting).unwrap_or(NONE)
    }

    /// Whether the unit can be set to it.
    ///
    /// # Errors
    /// If it cannot.
    pub fn check(&self, setting: Setting, value: SettingValue) -> Result<(), LimitError> {
        let limit = self.get(setting);
        if limit.allows(value) {
            return Ok(());
        }
        let (allowed, origin) = (limit.allowed.describe(setting), limit.origin.clone());
        Err(LimitError { setting, value, allowed, origin, otherwise: limit.otherwise })
    }
}

impl Limit {
    /// Whether a value is within it.
    #[must_use]
    pub fn allows(&self, value: SettingValue) -> bool {
        match (&self.allowed, value) {
            (Allowed::Steps { steps, .. }, SettingValue::Voltage(v)) => steps.contains(&v.0),
            (Allowed::Listed(amperes), SettingValue::Current(v)) => amperes.contains(&v.0),
            (Allowed::Steps { steps, .. }, SettingValue::Frequency(v)) => steps.contains(&v.0),
            (Allowed::Codes(codes), SettingValue::Code(code)) => codes.contains(&code.number),
            (Allowed::Codes(codes), SettingValue::Switch(switch)) => codes.contains(&switch.0),
            (Allowed::Any, _) => true,
            _ => false,
        }
    }
}

impl Allowed {
    /// The values as an error says them.
    #[must_use]
    pub fn describe(&self, setting: Setting) -> String {
        match self {
            Self::Steps { steps, .. } if steps.is_empty() => "known to be taken".to_owned(),
            Self::Steps { steps, decimals, unit } => {
                format!("one of {} {unit}", runs(steps, *decimals))
            }
            Self::Listed(amperes) if amperes.is_empty() => "known to be taken".to_owned(),
            Self::Listed(amperes) => format!("one of {} A", runs(amperes, 0)),
            Self::Codes(codes) => {
                let named = |shape: Shape| match shape {
                    Shape::Words(name) => codes
                        .iter()
                        .filter_map(|&code| name(code))
                        .map(crate::model::value::word)
                        .collect(),
                    shape => shape.words(),
                };
                format!("one of {}", named(setting.shape()).join(", "))
            }
            Self::Any => setting.shape().expected(),
        }
    }
}

/// What a battery voltage of the sheets' tables is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Class(Option<u16>);

impl Class {
    /// Those that have tables.
    pub(crate) const ALL: [Self; 3] = [Self(Some(120)), Self(Some(240)), Self(Some(480))];

    /// The settings that have a table for each class.
    pub(crate) const BATTERY: [Setting; 5] = [
        Setting::BulkVoltage,
        Setting::FloatVoltage,
        Setting::CutoffVoltage,
        Setting::RechargeVoltage,
        Setting::RedischargeVoltage,
    ];

    pub(crate) fn of(rated: Decivolts) -> Self {
        let known = |class: &Self| class.0 == Some(rated.0);
        Self::ALL.into_iter().find(known).unwrap_or(Self(None))
    }

    /// The rated battery voltage, 0 if there is no table for it.
    pub(crate) fn rated(self) -> Decivolts {
        Decivolts(self.0.unwrap_or(0))
    }

    /// What a unit of this class can have in one of [`Self::BATTERY`].
    pub(crate) fn battery(self, setting: Setting, model: Option<Model>) -> Limit {
        match setting {
            Setting::CutoffVoltage => self.limit(setting, |v| CutoffVoltage::new(v).is_ok()),
            Setting::RechargeVoltage => self.limit(setting, |v| RechargeVoltage::new(v).is_ok()),
            Setting::RedischargeVoltage => redischarge(self, model),
            _ => self.limit(setting, |v| ChargeVoltage::new(v).is_ok()),
        }
    }

    /// No table of one class has a value that another class could have: each holds its rated voltage
    /// give or take a quarter.
    pub(crate) fn holds(self, voltage: Decivolts) -> bool {
        self.0.is_some_and(|rated| (rated * 3 / 4..=rated * 5 / 4).contains(&voltage.0))
    }

    /// The voltages of this class that the sheets allow.
    fn limit(self, setting: Setting, allowed: impl Fn(Decivolts) -> bool) -> Limit {
        let all = (0..=999).filter(|&n| self.holds(Decivolts(n)) && allowed(Decivolts(n)));
        let origin = match self.0 {
            Some(rated) => format!("{} of a {} V unit", sheet(setting), rated / 10),
            None => "there is no table for this rated battery voltage".to_owned(),
        };
        Limit { allowed: volts(all.collect()), origin, otherwise: None }
    }
}

fn volts(steps: Vec<u16>) -> Allowed {
    Allowed::Steps { steps, decimals: Decivolts::DECIMALS, unit: Decivolts::UNIT }
}

/// Whether a unit is of the line on which refusals beyond the sheets were observed: the LVX6048's.
pub(crate) fn is_observed(model: Option<Model>) -> bool {
    model == Some(Model::V2_LV)
}

/// 0 means "until full".
fn redischarge(class: Class, model: Option<Model>) -> Limit {
    let setting = Setting::RedischargeVoltage;
    let mut limit = class.limit(setting, |v| RedischargeVoltage::new(v).is_ok());
    if is_observed(model) {
        limit.origin.push_str("; 0 is refused, as observed on the LVX6048");
    } else if let Allowed::Steps { steps, .. } = &mut limit.allowed
        && !steps.is_empty()
    {
        steps.insert(0, 0);
    }
    limit
}

fn currents(setting: Setting, list: Option<&Currents>) -> Limit {
    let query = if setting == Setting::MaxChargeCurrent { "MCHGCR" } else { "MUCHGCR" };
    let mut steps: Vec<_> = list.map_or(Vec::new(), |list| list.values().map(|a| a.0).collect());
    steps.sort_unstable();
    steps.dedup();
    let program =
        (setting == Setting::MaxChargeCurrent).then_some("set it on the display, program 02");
    Limit {
        allowed: Allowed::Listed(steps),
        origin: match list {
            Some(_) => query.to_owned(),
            None => format!("the unit does not say which: it refuses {query}"),
        },
        otherwise: program,
    }
}

/// Low-voltage units have 101 to 127 V, the others twice that.
fn output_voltage(present: Decivolts) -> Limit {
    let is_low = |voltage: u16| voltage < 1500;
    let steps = OutputVoltage::ALL.iter().map(|voltage| voltage.number());
    Limit {
        allowed: volts(steps.filter(|&voltage| is_low(voltage) == is_low(present.0)).collect()),
        origin: format!("{} of a unit that has {present}", sheet(Setting::OutputVoltage)),
        otherwise: None,
    }
}

/// Source: PI18 2017 (0 to 2) and 2022, which names the product lines of the others. Which lines take
/// Pylontech and WECO it does not say: those that answer `GMN` (assumed).
fn battery_type(model: Option<Model>) -> Limit {
    let mut codes = vec![BatteryType::AGM, BatteryType::FLOODED, BatteryType::USER];
    if let Some(model) = model {
        codes.extend([BatteryType::PYLONTECH, BatteryType::WECO]);
        if [Model::V3, Model::V3_TWIN, Model::V4, Model::V4_TWIN].contains(&model) {
            codes.push(BatteryType::SOLTARO);
        }
        if [Model::V4, Model::V4_TWIN].contains(&model) {
            codes.extend([BatteryType::LIB, BatteryType::LIC]);
        }
    }
    let line = model
        .map_or("of a unit that names no product line".to_owned(), |model| format!("of {model}"));
    Limit {
        allowed: Allowed::Codes(codes.into_iter().map(|code| code.0).collect()),
        origin: format!("{} {line}", sheet(Setting::BatteryType)),
        otherwise: None,
    }
}

/// Everything that has a name.
fn of_kind(setting: Setting) -> Limit {
    let allowed = match setting.shape() {
        Shape::Words(name) => {
            Allowed::Codes((0..=u8::MAX).filter(|&code| name(code).is_some()).collect())
        }
        Shape::Switch => Allowed::Codes(vec![0, 1]),
        _ => Allowed::Any,
    };
    Limit { allowed, origin: sheet(setting), otherwise: None }
}

fn sheet(setting: Setting) -> String {
    format!("PI18, {}", setting.group().mnemonic())
}

/// Each value, long runs of equal steps shortened: `2, 10, 20, 30 … 80`, `48.0…58.4`,
/// `0.0, 48.0…58.0 in steps of 1.0`.
fn runs(steps: &[u16], decimals: u8) -> String {
    let shown = |value: u16| match decimals {
        0 => value.to_string(),
        _ => format!("{}.{}", value / 10, value % 10),
    };
    let mut parts = Vec::new();
    let mut rest = steps;
    while let [first, more @ ..] = rest {
        let step = more.first().map_or(0, |second| second - first);
        let run =
            rest.windows(2).take_while(|pair| matches!(pair, [a, b] if b - a == step)).count();
        if run < 2 {
            parts.push(shown(*first));
            rest = more;
            continue;
        }
        let last = rest.get(run).copied().unwrap_or(*first);
        let [second, third] = [first + step, first + 2 * step].map(shown);
        let (first, last) = (shown(*first), shown(last));
        parts.push(match (decimals, step) {
            (0, _) if run == 2 => format!("{first}, {second}, {last}"),
            (0, _) => format!("{first}, {second}, {third} … {last}"),
            (_, 1) => format!("{first}…{last}"),
            _ => format!("{first}…{last} in steps of {}", shown(step)),
        });
        rest = rest.get(run + 1..).unwrap_or_default();
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_currents_show_their_steps() {
        assert_eq!(runs(&[10, 20, 30, 40, 50, 60, 70, 80], 0), "10, 20, 30 … 80");
        assert_eq!(runs(&[2, 10, 20, 30, 40], 0), "2, 10, 20, 30 … 40");
        assert_eq!(runs(&[10, 20, 30], 0), "10, 20, 30");
        assert_eq!(runs(&[25], 0), "25");
        assert_eq!(runs(&[0, 480, 490, 500], 1), "0.0, 48.0…50.0 in steps of 1.0");
        assert_eq!(runs(&[u16::MAX - 1, u16::MAX], 0), "65534, 65535");
    }
}
