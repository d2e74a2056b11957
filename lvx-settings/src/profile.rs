//! Profiles: what somebody wants units to be set to, as a file.
//!
//! A profile states some settings or all of them; what it does not state is left alone. Beside them
//! it may have guards: for which units it is, and what the battery's cells take.

pub(crate) mod diagnostic;
mod key;
mod read;
mod schema;
mod tree;
mod validate;
mod write;

use pi18_proto::{Model, SerialNumber, Version};

pub use diagnostic::{Diagnostic, DiagnosticSeverity, DiagnosticStyle, Diagnostics, Label};
pub(crate) use key::{Key, Place, Places};
pub use schema::profile_schema;
pub use validate::{BankDiagnostics, validate, validate_for, validate_for_bank};

use diagnostic::Source;

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
    profile: Profile,
    places: Places,
    source: Source,
}

impl Profile {
    /// Reads a profile; `name` is what errors call the file.
    ///
    /// ```
    /// use lvx_settings::Profile;
    ///
    /// let profile = Profile::parse("bank.yaml", "bulk_voltage: 56.4 V\nfloat_voltage: 54\n")?;
    /// assert_eq!(profile.profile().settings.iter().count(), 2);
    ///
    /// let wrong = Profile::parse("bank.yaml", "bulk_voltge: 56.4 V\n").unwrap_err();
    /// assert!(wrong.to_string().contains("did you mean bulk_voltage?"));
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// All that is wrong in it, at once. Whether the values are sound together is a matter of
    /// [`validate`](crate::validate()).
    pub fn parse(name: &str, text: &str) -> Result<ParsedProfile, Diagnostics> {
        read::profile(name, text)
    }

    /// The same from a file's bytes.
    ///
    /// # Errors
    /// The same, and if it is no UTF-8.
    pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<ParsedProfile, Diagnostics> {
        read::bytes(name, bytes)
    }

    /// Reads a profile from words such as `bulk_voltage=55.2`; `name` is what errors call them, and they
    /// show the words in a line.
    ///
    /// ```
    /// use lvx_settings::Profile;
    ///
    /// let profile = Profile::from_words("command line", &["float_voltage=54", "backlight=off"])?;
    /// assert_eq!(profile.profile().settings.iter().count(), 2);
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong in them, at once; that there are none.
    pub fn from_words(name: &str, words: &[&str]) -> Result<ParsedProfile, Diagnostics> {
        read::words(name, words)
    }

    /// A unit's settings as a profile for units like it.
    ///
    /// Without installation settings, the clock and numbers that have no name: those are not for
    /// carrying over.
    #[must_use]
    pub fn from_unit(unit: &Unit) -> Self {
        write::from_unit(unit)
    }

    /// As YAML, without a comment. It parses back to the same profile if that is one that a file can
    /// have.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        write::plain(self)
    }

    /// As YAML in which every setting is explained and has its limits on `unit`. It parses back to
    /// the same profile; what the profile does not state of the unit's settings is there as a comment.
    #[must_use]
    pub fn commented(&self, unit: &Unit) -> String {
        write::commented(self, unit)
    }
}

impl Battery {
    /// Reads the battery guard of a site from its text: the keys that a profile has under `battery`,
    /// with or without that key. `name` is what errors call the file.
    ///
    /// ```
    /// use lvx_settings::Battery;
    ///
    /// let text = "chemistry: lfp\ncells: 16\nmax_cell_voltage: 3.60 V\nmin_cell_voltage: 2.80 V\n";
    /// assert_eq!(Battery::parse("battery.yaml", text)?.cells, Some(16));
    /// assert!(Battery::parse("battery.yaml", "chemistry: lfp\n").is_err());
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong in it, at once; a guard that is incomplete or cannot be right.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        read::battery(name, text)
    }

    /// Returns the guard as YAML, as a profile has it.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        write::battery(self)
    }
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
fn model_text(model: Model) -> String {
    model.name().map_or_else(|| format!("{:02}", model.0), word)
}
