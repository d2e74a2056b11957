//! The keys of a profile, and the levels that they belong to.

use std::{collections::BTreeMap, ops::Range};

use crate::{PackLimits, Setting};

/// A key of a profile.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Key {
    Name,
    AppliesTo,
    Serials,
    Models,
    MainFirmware,
    Battery,
    Chemistry,
    Cells,
    MaxCellVoltage,
    MinCellVoltage,
    MaxBankChargeCurrent,
    Packs,
    Count,
    PackLimits,
    PackLimit(&'static str),
    Setting(Setting),
}

/// The place of a key and of its value in the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The key as it is written; may be an alias.
    pub(crate) name: String,
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

pub(crate) type Places = BTreeMap<Key, Place>;

/// A level of a profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Top,
    AppliesTo,
    Battery,
    PackLimits,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Top, Self::AppliesTo, Self::Battery, Self::PackLimits];

    /// Returns the keys of this level without the settings.
    const fn own(self) -> &'static [(&'static str, Key)] {
        match self {
            Self::Top => {
                &[("name", Key::Name), ("applies_to", Key::AppliesTo), ("battery", Key::Battery)]
            }
            Self::AppliesTo => &[
                ("serials", Key::Serials),
                ("models", Key::Models),
                ("main_firmware", Key::MainFirmware),
            ],
            Self::Battery => &[
                ("chemistry", Key::Chemistry),
                ("cells", Key::Cells),
                ("max_cell_voltage", Key::MaxCellVoltage),
                ("min_cell_voltage", Key::MinCellVoltage),
                ("max_bank_charge_current", Key::MaxBankChargeCurrent),
                ("packs", Key::Packs),
                ("count", Key::Count),
                ("pack_limits", Key::PackLimits),
            ],
            Self::PackLimits => &[],
        }
    }

    /// Returns the key with this text.
    pub(super) fn key(self, text: &str) -> Option<Key> {
        let own = self.own().iter().find(|(known, _)| *known == text).map(|(_, key)| *key);
        let setting = || Setting::from_key(text).map(Key::Setting);
        own.or_else(|| match self {
            Self::Top => setting(),
            Self::PackLimits => limit_keys().find(|known| *known == text).map(Key::PackLimit),
            _ => None,
        })
    }

    /// Returns the texts of all keys of this level.
    pub(super) fn texts(self) -> impl Iterator<Item = &'static str> {
        let settings = if self == Self::Top { Setting::ALL } else { &[] };
        let named = |setting: &Setting| {
            std::iter::once(setting.key()).chain(setting.aliases().iter().copied())
        };
        let limits = limit_keys().filter(move |_| self == Self::PackLimits);
        let own = self.own().iter().map(|(text, _)| *text);
        own.chain(settings.iter().flat_map(named)).chain(limits)
    }

    /// Returns the name of the level in errors.
    pub(super) const fn place(self) -> &'static str {
        match self {
            Self::Top => "at the top level",
            Self::AppliesTo => "under applies_to",
            Self::Battery => "under battery",
            Self::PackLimits => "under pack_limits",
        }
    }
}

/// Returns the keys of the limits of packs.
fn limit_keys() -> impl Iterator<Item = &'static str> {
    PackLimits::LIST.iter().map(|limit| limit.key)
}

impl Key {
    /// Returns the key of the battery guard with this text.
    pub(crate) fn of_battery(text: &str) -> Option<Self> {
        Part::Battery.key(text)
    }
}
