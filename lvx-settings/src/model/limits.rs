//! The values that a unit can be set to, and the source of each limit.
//!
//! The unit reports some limits: its rated battery voltage selects the table of voltages, and its lists
//! give the currents. `pi18-proto` has the ranges of the protocol sheets, which are narrowed here.

use std::collections::BTreeMap;

use pi18_proto::{
    BatteryType, ChargeVoltage, Currents, CutoffVoltage, Decivolts, Model, OutputFrequency,
    OutputVoltage, RechargeVoltage, RedischargeVoltage,
};

use serde::Serialize;

use super::{
    class::Class,
    setting::Setting,
    unit::Unit,
    value::{SettingValue, Shape, word},
};

/// The values that one unit can be set to.
///
/// | settings | source of the limit |
/// |---|---|
/// | battery voltages | table of the PI18 sheets for the unit's rated battery voltage |
/// | maximum charge currents | the unit's lists (`MCHGCR`, `MUCHGCR`) |
/// | output voltage | PI18 sheets: the low or the high voltages, depending on the unit's present one |
/// | battery type | PI18 sheets, by product line |
/// | other codes | every code with a name |
///
/// ```
/// use lvx_settings::{HostClock, Limits, Setting, Unit};
/// use pi18_transport::Client;
///
/// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
/// let limits = Limits::of(&unit);
/// let value = Setting::BulkVoltage.parse("64.0 V")?;
/// let error = limits.check(Setting::BulkVoltage, value).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "expected one of 48.0…58.4 V (PI18, MCHGV of a 48 V unit), found 64.0 V"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Limits(BTreeMap<Setting, Limit>);

/// The allowed values of one setting of a unit, and their source.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Limit {
    /// The allowed values.
    pub allowed: Allowed,
    /// The source of the limit: a command of the protocol, or a list of the unit.
    pub origin: String,
    /// Another way to set the setting to a value that is not allowed.
    pub otherwise: Option<&'static str>,
}

/// The values that a setting can be set to.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Allowed {
    /// Quantities in steps of the wire, ascending.
    Steps {
        /// The values; empty if no value is known to be accepted.
        steps: Vec<u16>,
        /// Number of digits after the decimal point.
        decimals: u8,
        /// Unit of measure.
        unit: &'static str,
    },
    /// Currents in amperes from the list of the unit, ascending.
    Listed(Vec<u16>),
    /// Numbers of the allowed codes.
    Codes(Vec<u8>),
    /// Every value of the setting's type.
    Any,
}

/// The error for a value that a unit cannot be set to.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, thiserror::Error)]
#[error("expected {allowed} ({origin}), found {value}{}", otherwise.map_or(String::new(), |hint| format!("; {hint}")))]
#[non_exhaustive]
pub struct LimitError {
    /// The setting.
    pub setting: Setting,
    /// The value.
    pub value: SettingValue,
    /// The allowed values, as text.
    pub allowed: String,
    /// The source of the limit: a command of the protocol, or a list of the unit.
    pub origin: String,
    /// Another way to set the setting to the value.
    pub otherwise: Option<&'static str>,
}

impl Limits {
    /// Returns the limits of a unit.
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

    /// Returns the limit of a setting.
    #[must_use]
    pub fn get(&self, setting: Setting) -> &Limit {
        const NONE: &Limit =
            &Limit { allowed: Allowed::Codes(Vec::new()), origin: String::new(), otherwise: None };
        self.0.get(&setting).unwrap_or(NONE)
    }

    /// Checks that the unit can be set to a value.
    ///
    /// # Errors
    /// If the unit cannot be set to it.
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
    /// Returns whether a value is allowed.
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
    /// Returns the values as text for an error message, such as `one of 10, 20, 30 … 80 A`.
    ///
    /// Values with equal distances are shortened. For an empty list, the text says that no value is known
    /// to be accepted.
    #[must_use]
    pub fn describe(&self, setting: Setting) -> String {
        match self {
            Self::Steps { steps, .. } if steps.is_empty() => {
                "a value that the unit accepts, but none is known".to_owned()
            }
            Self::Steps { steps, decimals, unit } => {
                format!("one of {} {unit}", runs(steps, *decimals))
            }
            Self::Listed(amperes) if amperes.is_empty() => {
                "a value that the unit accepts, but none is known".to_owned()
            }
            Self::Listed(amperes) => format!("one of {} A", runs(amperes, 0)),
            Self::Codes(codes) => {
                let named = |shape: Shape| match shape {
                    Shape::Words(name) => {
                        codes.iter().filter_map(|&code| name(code)).map(word).collect()
                    }
                    shape => shape.words(),
                };
                format!("one of {}", named(setting.shape()).join(", "))
            }
            Self::Any => setting.shape().expected(),
        }
    }
}

impl Class {
    /// Returns the limit of one of the settings [`Self::BATTERY`] on a unit of this class.
    pub(crate) fn battery(self, setting: Setting, model: Option<Model>) -> Limit {
        match setting {
            Setting::CutoffVoltage => self.limit(setting, |v| CutoffVoltage::new(v).is_ok()),
            Setting::RechargeVoltage => self.limit(setting, |v| RechargeVoltage::new(v).is_ok()),
            Setting::RedischargeVoltage => redischarge(self, model),
            _ => self.limit(setting, |v| ChargeVoltage::new(v).is_ok()),
        }
    }

    /// Returns the voltages of this class that the sheets allow.
    fn limit(self, setting: Setting, is_allowed: impl Fn(Decivolts) -> bool) -> Limit {
        let all = (0..=999).filter(|&n| self.holds(Decivolts(n)) && is_allowed(Decivolts(n)));
        let origin = match self.rated() {
            Decivolts(0) => "there is no table for this rated battery voltage".to_owned(),
            Decivolts(rated) => format!("{} of a {} V unit", sheet(setting), rated / 10),
        };
        Limit { allowed: volts(all.collect()), origin, otherwise: None }
    }
}

fn volts(steps: Vec<u16>) -> Allowed {
    Allowed::Steps { steps, decimals: Decivolts::DECIMALS, unit: Decivolts::UNIT }
}

/// Returns whether the unit belongs to the product line of the LVX6048, on which refusals beyond the
/// sheets were observed.
pub(crate) fn is_observed(model: Option<Model>) -> bool {
    model == Some(Model::V2_LV)
}

/// Returns the limit of the re-discharge voltage, in which 0 means "until full".
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

/// Returns the limit of a charge current from the list of the unit.
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
            None => format!("the unit refuses {query}, which lists them"),
        },
        otherwise: program,
    }
}

/// Returns the limit of the output voltage: 101 to 127 V on low-voltage units, twice that on others.
fn output_voltage(present: Decivolts) -> Limit {
    let is_low = |voltage: u16| voltage < 1500;
    let steps = OutputVoltage::ALL.iter().map(|voltage| voltage.number());
    Limit {
        allowed: volts(steps.filter(|&voltage| is_low(voltage) == is_low(present.0)).collect()),
        origin: format!("{} of a unit with {present}", sheet(Setting::OutputVoltage)),
        otherwise: None,
    }
}

/// Returns the battery types of a product line.
///
/// Source: PI18 2017 (0 to 2) and 2022, which names the product lines for the others except Pylontech and
/// WECO. Those are allowed on lines that reply to `GMN` (assumed).
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
    let line =
        model.map_or("of a unit without a product line".to_owned(), |model| format!("of {model}"));
    Limit {
        allowed: Allowed::Codes(codes.into_iter().map(|code| code.0).collect()),
        origin: format!("{} {line}", sheet(Setting::BatteryType)),
        otherwise: None,
    }
}

/// Returns the limit of a setting that is the same for all units: every code with a name, or any value.
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

/// Returns the origin for a limit of the protocol sheets.
fn sheet(setting: Setting) -> String {
    format!("PI18, {}", setting.group().mnemonic())
}

/// Returns the values as text, with long series of values at equal distances shortened: `2, 10, 20, 30 … 80`,
/// `48.0…58.4`, `0.0, 48.0…58.0 in steps of 1.0`.
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
    fn values_with_equal_distances_are_shortened() {
        assert_eq!(runs(&[10, 20, 30, 40, 50, 60, 70, 80], 0), "10, 20, 30 … 80");
        assert_eq!(runs(&[2, 10, 20, 30, 40], 0), "2, 10, 20, 30 … 40");
        assert_eq!(runs(&[10, 20, 30], 0), "10, 20, 30");
        assert_eq!(runs(&[25], 0), "25");
        assert_eq!(runs(&[0, 480, 490, 500], 1), "0.0, 48.0…50.0 in steps of 1.0");
        assert_eq!(runs(&[u16::MAX - 1, u16::MAX], 0), "65534, 65535");
    }
}
