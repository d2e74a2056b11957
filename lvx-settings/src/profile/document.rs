//! A profile, and the places of its keys in its text.

use pi18_proto::{Model, SerialNumber, Version};

use super::{Key, Place, Places, diagnostic::Source};
use crate::{Battery, Settings, Unit, model::value::word};

/// What somebody wants units to be set to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// What it is called.
    pub name: Option<String>,
    /// For which units it is.
    pub applies_to: AppliesTo,
    /// The battery that it is made for.
    pub battery: Option<Battery>,
    /// The settings that it states.
    pub settings: Settings,
}

/// For which units a profile is; what is empty says nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AppliesTo {
    /// Their serial numbers.
    pub serials: Vec<SerialNumber>,
    /// Their product lines.
    pub models: Vec<Model>,
    /// The firmware of their main processors.
    pub main_firmware: Vec<Version>,
}

/// A profile, and where in its file everything stands.
#[derive(Clone, Debug)]
pub struct ParsedProfile {
    pub(super) profile: Profile,
    pub(super) places: Places,
    pub(super) source: Source,
}

impl AppliesTo {
    /// Why the profile is not for a unit; `None` if it is.
    #[must_use]
    pub fn refuses(&self, unit: &Unit) -> Option<String> {
        let reasons: Vec<_> = self.refusals(unit).into_iter().map(|(_, reason)| reason).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    pub(crate) fn refusals(&self, unit: &Unit) -> Vec<(Key, String)> {
        let mut found = Vec::new();
        let mut refuse = |key: Key, what: &str, wanted: Vec<String>, has: String| {
            let wanted = wanted.join(" or ");
            let serial = unit.serial_number;
            found.push((key, format!("the profile is for {what} {wanted}, unit {serial} {has}")));
        };
        if !self.serials.is_empty() && !self.serials.contains(&unit.serial_number) {
            let wanted = self.serials.iter().map(ToString::to_string).collect();
            refuse(Key::Serials, "serial number", wanted, "is another".to_owned());
        }
        if !self.models.is_empty() && !unit.model.is_some_and(|model| self.models.contains(&model))
        {
            let wanted = self.models.iter().map(|&model| model_text(model)).collect();
            let has = unit.model.map_or("does not say its model".to_owned(), |model| {
                format!("is {}", model_text(model))
            });
            refuse(Key::Models, "model", wanted, has);
        }
        if !self.main_firmware.is_empty() && !self.main_firmware.contains(&unit.firmware.main) {
            let wanted = self.main_firmware.iter().map(ToString::to_string).collect();
            let has = format!("has {}", unit.firmware.main);
            refuse(Key::MainFirmware, "main firmware", wanted, has);
        }
        found
    }
}

impl ParsedProfile {
    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The profile alone.
    #[must_use]
    pub fn into_profile(self) -> Profile {
        self.profile
    }

    /// What its file is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source.name
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Where a key stands; nowhere if it is not there.
    pub(crate) fn place(&self, key: Key) -> Option<&Place> {
        self.places.get(&key)
    }
}

/// How a profile writes a model.
pub(super) fn model_text(model: Model) -> String {
    model.name().map_or_else(|| format!("{:02}", model.0), word)
}
