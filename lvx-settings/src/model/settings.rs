//! Operations on settings with their values: comparison, combination, serialization.

use std::{fmt, str::FromStr};

use pi18_proto::{AnyReply, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::{
    parse_error::ParseError,
    setting::{Setting, Settings},
    value::SettingValue,
};

/// A setting whose value differs between two sets of settings.
///
/// ```
/// use lvx_settings::Settings;
/// use pi18_proto::Decivolts;
///
/// let now = Settings::build(|s| s.bulk_voltage = Some(Decivolts(564)));
/// let target = Settings::build(|s| s.bulk_voltage = Some(Decivolts(560)));
/// let difference = now.differences(&target).next().unwrap();
/// assert_eq!(difference.to_string(), "Bulk (C.V.) voltage: 56.4 V -> 56.0 V");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The setting.
    pub setting: Setting,
    /// The value in the first set; `None` if it has none.
    pub from: Option<SettingValue>,
    /// The value in the second set.
    pub to: SettingValue,
}

impl Settings {
    /// Returns settings whose values `fill` sets; the others have no value.
    ///
    /// ```
    /// use lvx_settings::Settings;
    /// use pi18_proto::Decivolts;
    ///
    /// let settings = Settings::build(|s| s.float_voltage = Some(Decivolts(540)));
    /// assert_eq!(settings.iter().count(), 1);
    /// ```
    #[must_use]
    pub fn build(fill: impl FnOnce(&mut Self)) -> Self {
        let mut settings = Self::default();
        fill(&mut settings);
        settings
    }

    /// Returns the settings that have a value, in the order of [`Setting::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Setting, SettingValue)> + '_ {
        Setting::ALL.iter().filter_map(|&setting| Some((setting, self.get(setting)?)))
    }

    /// Returns whether no setting has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns a copy with every value that is set in `over` replaced.
    ///
    /// ```
    /// use lvx_settings::Settings;
    /// use pi18_proto::{Amperes, Decivolts};
    ///
    /// let unit = Settings::build(|s| {
    ///     s.float_voltage = Some(Decivolts(540));
    ///     s.max_charge_current = Some(Amperes(60));
    /// });
    /// let profile = Settings::build(|s| s.float_voltage = Some(Decivolts(535)));
    /// let result = unit.overlaid(&profile);
    /// assert_eq!(result.float_voltage, Some(Decivolts(535)));
    /// assert_eq!(result.max_charge_current, Some(Amperes(60)));
    /// ```
    #[must_use]
    pub fn overlaid(&self, over: &Self) -> Self {
        let mut all = *self;
        for (setting, value) in over.iter() {
            all.put(setting, Some(value));
        }
        all
    }

    /// Returns a copy with only the chosen settings.
    ///
    /// ```
    /// use lvx_settings::{HostClock, Unit};
    /// use pi18_transport::Client;
    ///
    /// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
    /// let installation = unit.settings().only(|setting| setting.group().is_installation());
    /// assert_eq!(installation.iter().count(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn only(&self, chosen: impl Fn(Setting) -> bool) -> Self {
        let mut kept = Self::default();
        for (setting, value) in self.iter().filter(|(setting, _)| chosen(*setting)) {
            kept.put(setting, Some(value));
        }
        kept
    }

    /// Returns the changes that give these settings every value of `target`.
    pub fn differences<'a>(&'a self, target: &'a Self) -> impl Iterator<Item = Difference> + 'a {
        target
            .iter()
            .map(|(setting, to)| Difference { setting, from: self.get(setting), to })
            .filter(|difference| difference.from.is_none_or(|from| !same(from, difference.to)))
    }

    /// Returns whether these settings have every value of `target`.
    ///
    /// ```
    /// use lvx_settings::Settings;
    /// use pi18_proto::Switch;
    ///
    /// let unit = Settings::build(|s| {
    ///     s.backlight = Some(Switch::ON);
    ///     s.fault_record = Some(Switch::OFF);
    /// });
    /// let target = Settings::build(|s| s.backlight = Some(Switch::ON));
    /// assert!(unit.satisfy(&target));
    /// assert!(!target.satisfy(&unit));
    /// ```
    #[must_use]
    pub fn satisfy(&self, target: &Self) -> bool {
        self.differences(target).next().is_none()
    }

    /// Sets a value that was read from the same setting, so that its type matches.
    pub(crate) fn put(&mut self, setting: Setting, value: Option<SettingValue>) {
        debug_assert!(self.set(setting, value).is_ok());
        // Release builds skip the assertion.
        let _ = self.set(setting, value);
    }
}

/// Returns whether two values of a setting count as equal: clocks may differ by the tolerance.
pub(crate) fn same(one: SettingValue, other: SettingValue) -> bool {
    match (one, other) {
        (SettingValue::Clock(one), SettingValue::Clock(other)) => one.agrees(other),
        _ => one == other,
    }
}

/// Returns whether two states of a unit have equal values for the same settings.
pub(crate) fn alike(one: &Settings, other: &Settings) -> bool {
    Setting::ALL.iter().all(|&setting| match (one.get(setting), other.get(setting)) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one == other,
    })
}

/// Returns the settings that a reply reports; `host` is the time of this computer when it arrived.
pub(crate) fn shown(reply: &AnyReply, host: Option<DateTime>) -> Settings {
    let mut settings = Settings::default();
    settings.take(reply, host);
    settings
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.setting.label())?;
        match self.from {
            Some(from) => write!(f, "{from} -> {}", self.to),
            None => write!(f, "expected {}, found no such setting", self.to),
        }
    }
}

/// Writes a map from keys to values as text.
impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (setting, value) in self.iter() {
            map.serialize_entry(setting.key(), &value.to_string())?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from the keys of settings to values")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = Settings::default();
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    if FORMER.contains(&&*key) {
                        continue;
                    }
                    let setting: Setting = key.parse().map_err(de::Error::custom)?;
                    let value = setting.parse(&text).map_err(de::Error::custom)?;
                    if settings.get(setting).is_some() {
                        return Err(de::Error::custom(format!(
                            "expected each setting once, found {key} again"
                        )));
                    }
                    settings.set(setting, Some(value)).map_err(de::Error::custom)?;
                }
                Ok(settings)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// Keys in files of earlier versions that are no longer settings. They are ignored.
const FORMER: [&str; 1] = ["buzzer_silenced"];

/// Writes the key of the setting.
impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl FromStr for Setting {
    type Err = ParseError;

    /// Reads a key or an alias.
    fn from_str(key: &str) -> Result<Self, ParseError> {
        Self::from_key(key).ok_or_else(|| ParseError::new("the key of a setting", key))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}
