//! The content of a profile, and the places of its keys in the text.

use pi18_proto::{Model, SerialNumber, Version};
use serde::Serialize;

use super::{Key, Place, Places, diagnostic::Source};
use crate::{Battery, Settings, Unit, model::value::word};

/// Settings for units, with the units and the battery that they are made for.
///
/// A profile is a YAML file for people:
///
/// ```yaml
/// name: LFP bank in the garage
/// applies_to:
///   models: [infinisolar_v_ii_lv]   # also: serials, main_firmware
/// battery:
///   chemistry: lfp                  # lfp, nmc or lead_acid
///   cells: 16                       # in series
///   max_cell_voltage: 3.60 V
///   min_cell_voltage: 2.80 V
///   max_bank_charge_current: 120 A  # of all units together
/// bulk_voltage: 56.4 V
/// max_charge_current: 60 A
/// output_priority: solar_battery_utility
/// ac_charge_window: 23:00-06:00
/// backlight: off
/// ```
///
/// - Keys at the top level are the [keys](crate::Setting::key) of settings, and `name`, `applies_to` and
///   `battery`. Settings that are missing are not changed.
/// - Quantities may omit their unit: `56.4 V` and `56.4` are equal. Codes are words, as
///   [`Shape::words`](crate::Shape::words) returns them; `code 7` is a number without a name.
/// - `applies_to` limits the profile to some units, so that it cannot be applied to others by mistake.
/// - `battery` is the battery guard of the profile. It may only narrow the guard of the site.
/// - A guard that names its [packs](crate::Packs) needs no other keys:
///   `battery: {packs: eg4-lp4-v2, count: 3}`.
/// - Anchors, aliases and tags of YAML are errors.
///
/// ```
/// use lvx_settings::{Permissions, Profile, validate};
///
/// let profile = Profile::parse("bank.yaml", "
/// battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}
/// bulk_voltage: 56.4 V
/// max_charge_current: 60 A
/// ")?;
/// assert!(!validate(&profile, &Permissions::default()).has_errors());
/// assert_eq!(profile.profile().battery.unwrap().cells, Some(16));
/// # Ok::<(), lvx_settings::Diagnostics>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Profile {
    /// Name of the profile.
    pub name: Option<String>,
    /// The units that the profile is for.
    pub applies_to: AppliesTo,
    /// The battery guard.
    pub battery: Option<Battery>,
    /// The settings that the profile states.
    pub settings: Settings,
}

/// The units that a profile is for. An empty list allows all units.
///
/// ```
/// use lvx_settings::{HostClock, Profile, Unit};
/// use pi18_transport::Client;
///
/// let profile = Profile::parse("v.yaml", "applies_to: {models: infinisolar_v}\nbacklight: off\n")?;
/// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
/// let reason = profile.profile().applies_to.refuses(&unit).unwrap();
/// assert!(reason.starts_with("the profile is for model infinisolar_v, but unit 96132206100410"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AppliesTo {
    /// Serial numbers of the units.
    pub serials: Vec<SerialNumber>,
    /// Product lines of the units.
    pub models: Vec<Model>,
    /// Firmware versions of the main processor.
    pub main_firmware: Vec<Version>,
}

/// A profile with its text, so that diagnostics can underline places in it.
///
/// ```
/// use lvx_settings::Profile;
///
/// let parsed = Profile::parse("bank.yaml", "backlight: off\n")?;
/// assert_eq!(parsed.name(), "bank.yaml");
/// assert_eq!(parsed.into_profile().to_yaml(), "backlight: off\n");
/// # Ok::<(), lvx_settings::Diagnostics>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParsedProfile {
    pub(super) profile: Profile,
    pub(super) places: Places,
    pub(super) source: Source,
}

impl From<Settings> for Profile {
    /// Returns a profile that states these settings, for all units and without a battery guard.
    fn from(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }
}

impl AppliesTo {
    /// Returns the reasons why the profile is not for a unit; `None` if it is.
    #[must_use]
    pub fn refuses(&self, unit: &Unit) -> Option<String> {
        let reasons: Vec<_> = self.refusals(unit).into_iter().map(|(_, reason)| reason).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Returns the reasons why the profile is not for a unit, each with its key.
    pub(crate) fn refusals(&self, unit: &Unit) -> Vec<(Key, String)> {
        let mut found = Vec::new();
        let mut refuse = |key: Key, what: &str, expected: Vec<String>, has: String| {
            let expected = expected.join(" or ");
            let serial = unit.serial_number;
            found.push((
                key,
                format!("the profile is for {what} {expected}, but unit {serial} {has}"),
            ));
        };
        if !self.serials.is_empty() && !self.serials.contains(&unit.serial_number) {
            let expected = self.serials.iter().map(ToString::to_string).collect();
            refuse(Key::Serials, "serial number", expected, "has another".to_owned());
        }
        if !self.models.is_empty() && !unit.model.is_some_and(|model| self.models.contains(&model))
        {
            let expected = self.models.iter().map(|&model| model_text(model)).collect();
            let has = unit.model.map_or("does not report its model".to_owned(), |model| {
                format!("is {}", model_text(model))
            });
            refuse(Key::Models, "model", expected, has);
        }
        if !self.main_firmware.is_empty() && !self.main_firmware.contains(&unit.firmware.main) {
            let expected = self.main_firmware.iter().map(ToString::to_string).collect();
            let has = format!("has {}", unit.firmware.main);
            refuse(Key::MainFirmware, "main firmware", expected, has);
        }
        found
    }
}

impl ParsedProfile {
    /// Returns the profile.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns the profile without its text.
    #[must_use]
    pub fn into_profile(self) -> Profile {
        self.profile
    }

    /// Returns the name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source.name
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the place of a key, if the text has it.
    pub(crate) fn place(&self, key: Key) -> Option<&Place> {
        self.places.get(&key)
    }
}

/// Returns a model as a profile writes it.
pub(super) fn model_text(model: Model) -> String {
    model.name().map_or_else(|| format!("{:02}", model.0), word)
}
