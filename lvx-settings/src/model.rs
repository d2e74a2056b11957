//! Settings and their values, the limits and rules that they must obey, and the state of a unit.
//!
//! | file | content |
//! |---|---|
//! | `setting` | the table of all settings; `macros` turns it into types |
//! | `settings`, `group` | operations on several settings, and on the settings of one command |
//! | `value`, `clock`, `parse_error` | values and their text |
//! | `command` | values as arguments of commands |
//! | `unit` | the state of a unit, and how it is read |
//! | `limits`, `class` | the values that one unit accepts |
//! | `rules`, `battery` | the rules between settings, and the battery guard |
//!
//! A new setting is one entry of the table in `setting`. Keys, the schema of profiles, the comments of a
//! written profile, and the command all follow from it.

pub(crate) mod battery;
pub(crate) mod class;
pub(crate) mod clock;
mod command;
mod group;
pub(crate) mod limits;
mod macros;
pub(crate) mod parse_error;
pub(crate) mod rules;
mod setting;
pub(crate) mod settings;
mod unit;
pub(crate) mod value;

pub use battery::{
    Battery, Chemistry, GuardError, Millivolts, PackLimitInfo, PackLimits, PackModel,
    PackOverrides, Packs,
};
pub use clock::{ClockOffset, HostClock};
pub use limits::{Allowed, Limit, LimitError, Limits};
pub use parse_error::ParseError;
pub use rules::{BrokenRule, OutputModeConflict, are_phases, broken_rules, output_mode_conflict};
pub use setting::{Group, Setting, Settings};
pub use settings::Difference;
pub use unit::Unit;
pub use value::{Code, SettingValue, Shape, ValueError, Window};
