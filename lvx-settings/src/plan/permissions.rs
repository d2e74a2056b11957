//! What a plan may do beyond the usual.

use crate::{Battery, Setting};

/// What a plan may do beyond the usual, and the battery guard of the site. The default permits nothing
/// and knows no battery.
///
/// A library does not look for a site's guard: the program reads it ([`Battery::parse`]) and hands it
/// over here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Permissions {
    /// The battery guard that holds for every unit of the site. A profile or a plan may only narrow
    /// it.
    pub battery: Option<Battery>,
    /// The installation settings that may be changed: each must be named.
    pub allow_installation: Vec<Setting>,
    /// Charge voltages may be written although no complete battery guard is known. A guard that is
    /// known still holds.
    pub no_battery_guard: bool,
    /// A setting on which the units of a bank must agree may be changed on some of them only.
    pub part_of_bank: bool,
}

impl Permissions {
    /// Returns the permissions with the battery guard of the site.
    #[must_use]
    pub fn with_battery(self, battery: Battery) -> Self {
        Self { battery: Some(battery), ..self }
    }

    /// Returns the permissions with more installation settings that may be changed.
    #[must_use]
    pub fn with_installation(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.allow_installation.extend(settings);
        self
    }

    /// Returns the permissions with the waiver: charge voltages may be written although no complete
    /// battery guard is known.
    #[must_use]
    pub fn without_battery_guard(self) -> Self {
        Self { no_battery_guard: true, ..self }
    }

    /// Returns the permissions with one to change settings on which the units of a bank must agree on
    /// some of them only.
    #[must_use]
    pub fn with_part_of_bank(self) -> Self {
        Self { part_of_bank: true, ..self }
    }
}
