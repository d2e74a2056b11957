//! Classes of units by their rated battery voltage.

use pi18_proto::Decivolts;

use super::setting::Setting;

/// The units with one rated battery voltage, for which the protocol sheets have a table of voltages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Class(Option<u16>);

impl Class {
    /// The classes with a table: 12, 24 and 48 V.
    pub(crate) const ALL: [Self; 3] = [Self(Some(120)), Self(Some(240)), Self(Some(480))];

    /// The settings with a table for each class.
    pub(crate) const BATTERY: [Setting; 5] = [
        Setting::BulkVoltage,
        Setting::FloatVoltage,
        Setting::CutoffVoltage,
        Setting::RechargeVoltage,
        Setting::RedischargeVoltage,
    ];

    /// Returns the class of units with this rated battery voltage.
    pub(crate) fn of(rated: Decivolts) -> Self {
        let is_known = |class: &Self| class.0 == Some(rated.0);
        Self::ALL.into_iter().find(is_known).unwrap_or(Self(None))
    }

    /// Returns the rated battery voltage, 0 if the class has no table.
    pub(crate) fn rated(self) -> Decivolts {
        Decivolts(self.0.unwrap_or(0))
    }

    /// Returns whether a battery voltage can belong to this class.
    ///
    /// The tables do not overlap: each class has the voltages within a quarter of its rated one.
    pub(crate) fn holds(self, voltage: Decivolts) -> bool {
        self.0.is_some_and(|rated| (rated * 3 / 4..=rated * 5 / 4).contains(&voltage.0))
    }
}
