//! The settings of PI18 inverters.

mod battery;
mod clock;
mod diagnostic;
mod error;
mod group;
mod limits;
mod profile;
mod rules;
mod setting;
mod settings;
mod unit;
mod validate;
mod value;

pub use battery::{Battery, Chemistry, Millivolts};
pub use clock::{ClockOffset, HostClock};
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity, Style};
pub use error::Error;
pub use group::Group;
pub use limits::{Allowed, Limit, LimitError, Limits};
pub use profile::{AppliesTo, ParsedProfile, Profile, profile_schema};
pub use rules::{Broken, broken};
pub use setting::{Setting, Settings};
pub use settings::Difference;
pub use unit::Unit;
pub use validate::{validate, validate_for};
pub use value::{Code, Shape, Value, ValueError, Window};
