//! Settings with their values: compared, laid over each other, as text.

use std::fmt;

use pi18_proto::{AnyReply, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::{
    setting::{Setting, Settings},
    value::SettingValue,
};

/// A setting that has one value here and should have, or has, another there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// What is set.
    pub setting: Setting,
    /// The one value; `None` if the unit does not have the setting.
    pub from: Option<SettingValue>,
    /// The other.
    pub to: SettingValue,
}

impl Settings {
    /// Those that have a value, in the order of [`Setting::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Setting, SettingValue)> + '_ {
        Setting::ALL.iter().filter_map(|&setting| Some((setting, self.get(setting)?)))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// These, and of those that `over` states, its.
    #[must_use]
    pub fn overlaid(&self, over: &Self) -> Self {
        let mut all = *self;
        for (setting, value) in over.iter() {
            all.put(setting, Some(value));
        }
        all
    }

    /// Of these, the ones chosen.
    #[must_use]
    pub fn only(&self, chosen: impl Fn(Setting) -> bool) -> Self {
        let mut kept = Self::default();
        for (setting, value) in self.iter().filter(|(setting, _)| chosen(*setting)) {
            kept.put(setting, Some(value));
        }
        kept
    }

    /// What has to change for these to become what `wanted` states.
    pub fn differences<'a>(&'a self, wanted: &'a Self) -> impl Iterator<Item = Difference> + 'a {
        wanted
            .iter()
            .map(|(setting, to)| Difference { setting, from: self.get(setting), to })
            .filter(|difference| difference.from.is_none_or(|from| !same(from, difference.to)))
    }

    /// Whether these are all that `wanted` states.
    #[must_use]
    pub fn satisfy(&self, wanted: &Self) -> bool {
        self.differences(wanted).next().is_none()
    }

    /// The same with one value changed; a value always fits that came out of the same setting.
    pub(crate) fn put(&mut self, setting: Setting, value: Option<SettingValue>) {
        debug_assert!(self.set(setting, value).is_ok());
        // In a release build the assertion is not there.
        let _ = self.set(setting, value);
    }
}

/// Whether two values of a setting are no difference.
pub(crate) fn same(one: SettingValue, other: SettingValue) -> bool {
    match (one, other) {
        (SettingValue::Clock(one), SettingValue::Clock(other)) => one.agrees(other),
        _ => one == other,
    }
}

/// Whether two states of a unit are the same as far as they go; a clock may be a little off.
pub(crate) fn alike(one: &Settings, other: &Settings) -> bool {
    Setting::ALL.iter().all(|&setting| match (one.get(setting), other.get(setting)) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one == other,
    })
}

/// Returns the settings that a reply reports; `host` is the time of this computer when it came.
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
            None => write!(f, "the unit does not have it, wanted {}", self.to),
        }
    }
}

/// A map from keys to the texts that a profile takes.
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
                f.write_str("settings by their keys")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = Settings::default();
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    if FORMER.contains(&&*key) {
                        continue;
                    }
                    let setting = Setting::from_key(&key)
                        .ok_or_else(|| de::Error::custom(format!("no setting {key:?}")))?;
                    let value = setting.parse(&text).map_err(de::Error::custom)?;
                    if settings.get(setting).is_some() {
                        return Err(de::Error::custom(format!("{key} is there twice")));
                    }
                    settings.set(setting, Some(value)).map_err(de::Error::custom)?;
                }
                Ok(settings)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// Keys that files of earlier versions may hold, and that are no settings any more.
const FORMER: [&str; 1] = ["buzzer_silenced"];

/// A setting by its key.
impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Self::from_key(&key).ok_or_else(|| de::Error::custom(format!("no setting {key:?}")))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}
