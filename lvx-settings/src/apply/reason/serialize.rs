//! Reasons and causes as objects: their kind, their data and their text.

use std::time::Duration;

use pi18_proto::{Amperes, SerialNumber};
use serde::{Serialize, Serializer};

use super::{Cause, Reason, RefusalCause};
use crate::{
    BrokenRule, Difference, Group, Objection, SettingReport, Settings, apply::action::outcome_name,
};

/// The object of a reason or of a cause. Fields without a value are left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "snake_case")]
struct Object<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<SerialNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Amperes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a Settings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'a SettingReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objections: Option<&'a [Objection]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<&'a [Difference]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a BrokenRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<SerialNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    likely: Option<&'a [RefusalCause]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(rename = "within_s", skip_serializing_if = "Option::is_none")]
    within: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a Cause>,
    text: String,
}

impl<'a> Object<'a> {
    fn new(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    fn error(kind: &'static str, error: &'a str) -> Self {
        Self { error: Some(error), ..Self::new(kind) }
    }

    /// Returns the object of a reason about a write to a unit.
    fn write(kind: &'static str, unit: SerialNumber, to: &'a Settings, cause: &'a Cause) -> Self {
        Self { unit: Some(unit), to: Some(to), cause: Some(cause), ..Self::new(kind) }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object = match self {
            Self::Interrupted => Object::new("interrupted"),
            Self::NotConfirmed => Object::new("not_confirmed"),
            Self::EarlierRunUndone => Object::new("earlier_run_undone"),
            Self::Unread { error } => Object::error("unread", error),
            Self::Objected(objections) => {
                Object { objections: Some(objections), ..Object::new("objected") }
            }
            Self::Charging { unit, place, current } => Object {
                unit: Some(*unit),
                place: Some(place),
                current: Some(*current),
                ..Object::new("charging")
            },
            Self::NotSaved { error } => Object::error("not_saved", error),
            Self::NotRecorded { error } => Object::error("not_recorded", error),
            Self::NotTaken { unit, group, to, cause } => {
                Object { group: *group, ..Object::write("not_taken", *unit, to, cause) }
            }
            Self::VoltagesReplaced { unit, to, cause } => {
                Object::write("voltages_replaced", *unit, to, cause)
            }
            Self::LastReading { unit, cause } => {
                Object { unit: Some(*unit), cause: Some(cause), ..Object::new("last_reading") }
            }
            Self::Changed { unit, setting } => {
                Object { unit: Some(*unit), setting: Some(setting), ..Object::new("changed") }
            }
            Self::NotUndone { unit, group, to, cause } => {
                Object { group: *group, ..Object::write("not_undone", *unit, to, cause) }
            }
            Self::NotWrittenBack { unit, to, cause } => {
                Object::write("not_written_back", *unit, to, cause)
            }
        };
        Object { text: self.to_string(), ..object }.serialize(serializer)
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object = match self {
            Self::Interrupted => Object::new("interrupted"),
            Self::NotRecorded { error } => Object::error("not_recorded", error),
            Self::Link { error } => Object::error("link", error),
            Self::Flapping => Object::new("flapping"),
            Self::Lost => Object::new("lost"),
            Self::NotRead => Object::new("not_read"),
            Self::OtherUnit { found } => {
                Object { found: Some(*found), ..Object::new("other_unit") }
            }
            Self::Swapped { found, after } => {
                Object { found: Some(*found), cause: after.as_deref(), ..Object::new("swapped") }
            }
            Self::Renumbered { found, after } => {
                Object { found: *found, cause: after.as_deref(), ..Object::new("renumbered") }
            }
            Self::NoNumber => Object::new("no_number"),
            Self::Changed(differences) => {
                Object { differences: Some(differences), ..Object::new("changed") }
            }
            Self::RuleBroken(rule) => Object { rule: Some(rule), ..Object::new("rule_broken") },
            Self::NotAllowed { .. } => Object::new("not_allowed"),
            Self::NoVoltages(rule) => Object { rule: Some(rule), ..Object::new("no_voltages") },
            Self::VoltagesReplaced { to, cause } => {
                Object { to: Some(to), cause: Some(cause), ..Object::new("voltages_replaced") }
            }
            Self::NoCommand => Object::new("no_command"),
            Self::Refused { likely } => Object { likely: Some(likely), ..Object::new("refused") },
            Self::NotShown { outcome, attempts, within } => Object {
                outcome: Some(outcome_name(*outcome)),
                attempts: Some(*attempts),
                within: Some(Duration::as_secs_f64(within)),
                ..Object::new("not_shown")
            },
            Self::NotSent { attempts, error } => Object {
                attempts: Some(*attempts),
                error: error.as_deref(),
                ..Object::new("not_sent")
            },
            Self::Unsteady => Object::new("unsteady"),
            Self::Pending => Object::new("pending"),
            Self::InDoubt(cause) => Object { cause: Some(cause), ..Object::new("in_doubt") },
        };
        Object { text: self.to_string(), ..object }.serialize(serializer)
    }
}
