//! The settings of PI18 inverters.

mod apply;
mod battery;
mod clock;
mod diagnostic;
mod error;
mod group;
mod journal;
mod limits;
mod plan;
mod profile;
mod rules;
mod run;
mod setting;
mod settings;
mod unit;
mod validate;
mod value;

pub use apply::{
    Action, Apply, Command, Ending, Event, Options, Progress, Report, SettingReport, State,
    Trouble, UnitReport, Way, Write,
};
pub use battery::{Battery, Chemistry, Millivolts};
pub use clock::{ClockOffset, HostClock};
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity, Style};
pub use error::Error;
pub use group::Group;
pub use journal::{Direction, Journal, Past, Record};
pub use limits::{Allowed, Limit, LimitError, Limits};
pub use plan::{Obstacle, Obstacles, Permissions, Plan, PlannedUnit, Step};
pub use profile::{AppliesTo, ParsedProfile, Profile, profile_schema};
pub use rules::{Broken, broken};
pub use run::{Audit, Keeper, Units, run};
pub use setting::{Setting, Settings};
pub use settings::Difference;
pub use unit::Unit;
pub use validate::{validate, validate_for};
pub use value::{Code, Shape, Value, ValueError, Window};
