//! Settings and their values, the limits and rules that they must obey, and the state of a unit.

pub(crate) mod battery;
pub(crate) mod class;
pub(crate) mod clock;
mod command;
mod group;
pub(crate) mod limits;
mod macros;
pub(crate) mod rules;
mod setting;
pub(crate) mod settings;
mod unit;
pub(crate) mod value;

pub use battery::{Battery, Chemistry, GuardError, Millivolts};
pub use clock::{ClockOffset, HostClock};
pub use limits::{Allowed, Limit, LimitError, Limits};
pub use rules::{Broken, OutputModeConflict, are_phases, broken, output_mode_conflict};
pub use setting::{Group, Setting, Settings};
pub use settings::Difference;
pub use unit::Unit;
pub use value::{Code, SettingValue, Shape, ValueError, Window};
