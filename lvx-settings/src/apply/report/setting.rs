//! The values of one setting after a run.

use std::fmt;

use serde::Serialize;

use crate::{Setting, SettingValue};

/// One setting of a unit after a run.
///
/// Values are `None` if the unit does not have the setting, and `now` also if it could not be read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SettingReport {
    /// The setting.
    pub setting: Setting,
    /// Value before the run.
    pub old: Option<SettingValue>,
    /// Value that the plan gives the setting.
    pub new: Option<SettingValue>,
    /// Value after the run, from two equal readings in a row.
    pub now: Option<SettingValue>,
}

impl fmt::Display for SettingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: Option<SettingValue>| {
            value.map_or("unknown".to_owned(), |value| value.to_string())
        };
        write!(
            f,
            "{}: now {} (old {}, new {})",
            self.setting,
            text(self.now),
            text(self.old),
            text(self.new)
        )
    }
}
