//! The settings of PI18 inverters.

mod battery;
mod clock;
mod error;
mod group;
mod limits;
mod plan;
mod rules;
mod setting;
mod settings;
mod unit;
mod value;

pub use battery::{Battery, Chemistry, Millivolts};
pub use clock::{ClockOffset, HostClock};
pub use error::Error;
pub use group::Group;
pub use limits::{Allowed, Limit, LimitError, Limits};
pub use plan::{Obstacle, Permissions, Plan, PlannedUnit, Step};
pub use rules::{Broken, broken};
pub use setting::{Setting, Settings};
pub use settings::Difference;
pub use unit::Unit;
pub use value::{Code, Shape, Value, ValueError, Window};
