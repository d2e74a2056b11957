//! Objections: reasons why the present state of the units does not permit a plan.

use std::fmt;

use pi18_proto::SerialNumber;
use serde::Serialize;

use crate::{Obstacle, PlannedUnit, Setting};

/// A reason why the present state of the units does not permit a plan.
///
/// `Display` writes the place and the text. See [`Plan::objections`](crate::Plan::objections).
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Objection {
    /// Kind of the objection.
    pub kind: ObjectionKind,
    /// The unit that the objection concerns, by address and serial number, or another place, such as `plan`.
    pub place: String,
    /// Serial number of the unit in the plan; `None` if the objection does not concern one unit.
    pub unit: Option<SerialNumber>,
    /// The settings concerned; may be empty.
    pub settings: Vec<Setting>,
    /// Description of the objection, and advice.
    pub text: String,
}

/// Kinds of objections, for programs that offer a remedy.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObjectionKind {
    /// Another unit answers at the address.
    OtherUnit,
    /// The firmware, the model or the rating of the unit changed since the plan was made.
    UnitChanged,
    /// The unit has a fault.
    Fault,
    /// A setting changed since the plan was made.
    SettingChanged,
    /// The output mode can be set in standby only.
    NotInStandby,
    /// The unit would refuse a write because it charges. A run with
    /// [`Options::wait_idle`](crate::Options::wait_idle) waits until it no longer charges.
    Charging,
    /// The plan is inconsistent, or breaks a rule for the units in their present state.
    Plan,
}

impl Objection {
    /// Returns an objection about a unit of the plan.
    pub(super) fn new(kind: ObjectionKind, planned: &PlannedUnit, text: impl fmt::Display) -> Self {
        Self {
            kind,
            place: planned.place(),
            unit: Some(planned.unit.serial_number),
            settings: Vec::new(),
            text: text.to_string(),
        }
    }

    /// Returns an objection about the plan itself.
    pub(super) fn of_plan(text: String) -> Self {
        let place = "plan".to_owned();
        Self { kind: ObjectionKind::Plan, place, unit: None, settings: Vec::new(), text }
    }

    pub(super) fn about(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }
}

impl From<Obstacle> for Objection {
    fn from(obstacle: Obstacle) -> Self {
        let text = obstacle.text();
        let Obstacle { place, settings, .. } = obstacle;
        Self { kind: ObjectionKind::Plan, place, unit: None, settings, text }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
