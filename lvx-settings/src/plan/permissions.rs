//! The battery guard and the permissions under which a plan is made.

use crate::{Battery, Setting};

/// The battery guard of the site, and permissions for writes that a plan refuses by default. The default
/// has no guard and no permission.
///
/// The program reads the guard of the site, for example with [`Battery::parse`], and passes it here.
///
/// ```
/// use lvx_settings::{Battery, Chemistry, Millivolts, Permissions, Setting};
///
/// let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
/// let permissions =
///     Permissions::default().with_battery(battery).with_installation([Setting::OutputMode]);
/// assert_eq!(permissions.allow_installation, [Setting::OutputMode]);
/// assert!(!permissions.part_of_bank);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Permissions {
    /// The battery guard of every unit of the site. A profile or a plan may only narrow it.
    pub battery: Option<Battery>,
    /// The installation settings that may be changed, each by name.
    pub allow_installation: Vec<Setting>,
    /// Whether charge voltages may be written without a complete battery guard. An incomplete guard still
    /// limits the values that it states.
    pub no_battery_guard: bool,
    /// Whether a setting that must be equal in a bank may be changed on some of its units only.
    pub part_of_bank: bool,
}

impl Permissions {
    /// Returns the permissions with the battery guard of the site.
    #[must_use]
    pub fn with_battery(self, battery: Battery) -> Self {
        Self { battery: Some(battery), ..self }
    }

    /// Returns the permissions with additional installation settings that may be changed.
    #[must_use]
    pub fn with_installation(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.allow_installation.extend(settings);
        self
    }

    /// Returns the permissions with the waiver to write charge voltages without a complete battery guard.
    #[must_use]
    pub fn without_battery_guard(self) -> Self {
        Self { no_battery_guard: true, ..self }
    }

    /// Returns the permissions to change settings that must be equal in a bank on some of its units only.
    #[must_use]
    pub fn with_part_of_bank(self) -> Self {
        Self { part_of_bank: true, ..self }
    }
}
