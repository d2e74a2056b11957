//! Classes of units by their rated battery voltage.

use pi18_proto::Decivolts;

use super::setting::Setting;

/// Units with the same rated battery voltage, for which the protocol sheets have one table of voltages.
///
/// `None` is any rated voltage without a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Class(Option<u16>);

impl Class {
    /// The classes with a table: 12, 24 and 48 V.
    pub(crate) const ALL: [Self; 3] = [Self(Some(120)), Self(Some(240)), Self(Some(480))];

    /// The settings whose allowed voltages depend on the class.
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
    /// The classes do not overlap: each holds the voltages within 25 % of its rated voltage.
    pub(crate) fn holds(self, voltage: Decivolts) -> bool {
        self.0.is_some_and(|rated| (rated * 3 / 4..=rated * 5 / 4).contains(&voltage.0))
    }
}
