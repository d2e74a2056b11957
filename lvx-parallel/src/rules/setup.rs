//! Rules about the settings of the units.

pub(super) mod battery_type;
pub(super) mod clock;
mod difference;
pub(super) mod further_settings;
pub(super) mod output_mode;
pub(super) mod selectable_currents;
pub(super) mod setting_rules;
pub(super) mod settings;
