//! An entity that shows a value, from its row in the table.

use std::time::Duration;

use pi18_proto::Form;
use serde_json::{Map, Value as Json};

use crate::{
    entity::{Entity, Kind, Message},
    mqtt::Topics,
};

/// Where the values of a device are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Identifier of the device.
    pub(super) device_id: &'a str,
    /// Expression for the object in a message that has the values.
    pub(super) values: &'a str,
    /// Topics of the bank.
    pub(super) topics: &'a Topics,
    /// Time without a message after which a live value is unavailable.
    pub(super) expire_after: Duration,
}

/// Returns key and description of an entity.
pub(super) fn component<T>(row: &Entity<T>, place: &Place<'_>) -> (String, Map<String, Json>) {
    let is_flag = row.kind == Kind::Flag;
    let mut object = Map::new();
    let mut set = |key: &str, value: Json| _ = object.insert(key.to_owned(), value);
    set("platform", if is_flag { "binary_sensor" } else { "sensor" }.into());
    set("unique_id", format!("{}_{}", place.device_id, row.key).into());
    set("name", row.name.into());
    set("value_template", template(row, place.values).into());
    match row.message {
        Message::State => set("expire_after", place.expire_after.as_secs().max(1).into()),
        Message::Static => set("state_topic", place.topics.statics().into()),
    }
    if is_flag {
        set("payload_on", "True".into());
        set("payload_off", "False".into());
    }
    if !row.class.is_empty() {
        set("device_class", row.class.into());
    }
    if let Some(options) = options(row) {
        set("options", options);
    }
    if !row.unit.is_empty() {
        set("unit_of_measurement", row.unit.into());
    }
    match row.kind {
        Kind::Measurement => set("state_class", "measurement".into()),
        Kind::Counter | Kind::Daily => set("state_class", "total_increasing".into()),
        Kind::Number | Kind::Enum | Kind::Flag | Kind::Text => {}
    }
    if matches!(row.kind, Kind::Measurement | Kind::Number | Kind::Counter | Kind::Daily) {
        set("suggested_display_precision", row.decimals.into());
    }
    if row.diagnostic {
        set("entity_category", "diagnostic".into());
    }
    if !row.enabled {
        set("enabled_by_default", false.into());
    }
    (row.key.to_owned(), object)
}

/// Returns the names that Home Assistant lists for the value.
fn options<T>(row: &Entity<T>) -> Option<Json> {
    if row.class != "enum" {
        return None;
    }
    let Form::Code(names) = row.field()?.form else { return None };
    Some(names.iter().map(|name| name.name).collect::<Vec<_>>().into())
}

/// Returns the template that finds the value in a message. What is missing or `null` is `None`, which Home Assistant
/// shows as unknown.
///
/// The name of a code has to be one of the options: Home Assistant logs any other and keeps the old one.
fn template<T>(row: &Entity<T>, values: &str) -> String {
    let key = row.key;
    if let Some(options) = options(row) {
        return format!(
            "{{% set v = {values}.{key} | default(none) %}}{{{{ v if v in {options} else none }}}}"
        );
    }
    if row.kind == Kind::Enum {
        // A code without a name is shown as its number.
        return format!(
            "{{% set u = {values} %}}{{% set n = (u.codes | default({{}})).{key} | default(none) %}}\
             {{{{ 'code ' ~ n if n is not none else u.{key} | default(none) }}}}"
        );
    }
    format!("{{{{ {values}.{key} | default(none) }}}}")
}
