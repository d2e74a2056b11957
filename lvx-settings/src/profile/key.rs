//! The keys of a profile, and where they may stand.

use std::{collections::BTreeMap, ops::Range};

use crate::Setting;

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
    Setting(Setting),
}

/// Where a key and its value stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// As it is written, which may be an alias.
    pub(crate) name: String,
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

pub(crate) type Places = BTreeMap<Key, Place>;

/// What keys stand in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Top,
    AppliesTo,
    Battery,
}

impl Part {
    pub(super) const ALL: [Self; 3] = [Self::Top, Self::AppliesTo, Self::Battery];

    /// Its keys, those of the settings left out.
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
            ],
        }
    }

    /// The key of a text.
    pub(super) fn key(self, text: &str) -> Option<Key> {
        let own = self.own().iter().find(|(known, _)| *known == text).map(|(_, key)| *key);
        let setting = || Setting::from_key(text).map(Key::Setting);
        own.or_else(|| if self == Self::Top { setting() } else { None })
    }

    /// All that may stand in it.
    pub(super) fn texts(self) -> impl Iterator<Item = &'static str> {
        let settings = if self == Self::Top { Setting::ALL } else { &[] };
        let named = |setting: &Setting| {
            std::iter::once(setting.key()).chain(setting.aliases().iter().copied())
        };
        self.own().iter().map(|(text, _)| *text).chain(settings.iter().flat_map(named))
    }

    /// What an error calls it.
    pub(super) const fn place(self) -> &'static str {
        match self {
            Self::Top => "at the top",
            Self::AppliesTo => "under applies_to",
            Self::Battery => "under battery",
        }
    }
}

impl Key {
    /// The key of the battery guard that is written so.
    pub(crate) fn of_battery(text: &str) -> Option<Self> {
        Part::Battery.key(text)
    }
}
