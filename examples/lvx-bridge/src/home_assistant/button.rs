//! A button for something that a bank can be asked to do.

use serde_json::{Map, Value as Json, json};

use super::select::command_template;
use crate::{entity::Action, mqtt::Topics};

/// Returns key and description of the button of an action.
pub(super) fn component(
    action: &Action,
    device_id: &str,
    topics: &Topics,
) -> (String, Map<String, Json>) {
    let category = if action.diagnostic { "diagnostic" } else { "config" };
    let members = [
        ("platform", json!("button")),
        ("unique_id", json!(format!("{device_id}_{}", action.key))),
        ("name", json!(action.name)),
        ("entity_category", json!(category)),
        ("command_topic", json!(topics.command())),
        ("command_template", json!(command_template(action.key))),
        ("payload_press", json!(Action::PRESS)),
    ];
    let object = members.map(|(key, value)| (key.to_owned(), value));
    (action.key.to_owned(), object.into_iter().collect())
}
