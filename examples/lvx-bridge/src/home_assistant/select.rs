//! A setting that may be changed.

use lvx_settings::Setting;
use serde_json::{Map, Value as Json, json};

use crate::{control::ControlItem, mqtt::Topics};

/// Which settings the configuration allows to change.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Settings that may be changed.
    pub allowed: Vec<Setting>,
    /// Whether commands are taken over MQTT. Without settings that may be changed, these are only the buttons.
    pub over_mqtt: bool,
}

impl Controls {
    /// Returns whether the key is that of the select of a setting that may be changed over MQTT.
    pub(super) fn has_select(&self, key: &str) -> bool {
        self.over_mqtt && self.allowed.iter().any(|setting| self::key(*setting) == key)
    }
}

/// Returns the key of the select of a setting.
pub(super) fn key(setting: Setting) -> String {
    format!("set_{}", setting.key())
}

/// Returns key and description of the select of a setting; `None` if no value suits every unit.
///
/// The state is the value that all units have, read back from them. So a command that is refused or still in
/// progress shows the old value. The attributes say what each unit has, and why the last change failed.
pub(super) fn component(
    item: &ControlItem,
    device_id: &str,
    topics: &Topics,
) -> Option<(String, Map<String, Json>)> {
    if item.options.is_empty() {
        return None;
    }
    let setting = item.setting.key();
    let key = key(item.setting);
    let control = format!("((value_json.control | default({{}})).{setting} | default({{}}))");
    let object = json!({
        "platform": "select",
        "unique_id": format!("{device_id}_{key}"),
        "name": capitalized(item.setting.label()),
        "entity_category": "config",
        "options": item.options,
        "optimistic": false,
        "state_topic": topics.statics(),
        "value_template": format!(
            "{{% set v = {control}.value | default(none) %}}{{{{ v if v in {} else none }}}}",
            Json::from(item.options.as_slice())
        ),
        "command_topic": topics.command(),
        "command_template": command_template(setting),
        "json_attributes_topic": topics.statics(),
        "json_attributes_template": format!(
            "{{% set c = {control} %}}{{{{ dict(units=c.units | default({{}}), pending=c.pending | default(none), \
             blocked=c.blocked | default(none), failure=c.failure | default(none)) | tojson }}}}"
        ),
    });
    let Json::Object(object) = object else { return None };
    Some((key, object))
}

/// Returns the template of a command. The bridge refuses a command without id or expiry, so that no repeated or late
/// message does anything.
pub(super) fn command_template(key: &str) -> String {
    format!(
        "{{\"id\": \"ha-{{{{ (now().timestamp() * 1000000) | int }}}}\", \"key\": \"{key}\", \
         \"to\": {{{{ value | tojson }}}}, \"expires\": {{{{ now().timestamp() + {EXPIRY_SECONDS} }}}}}}"
    )
}

/// Time after which the bridge must not carry out a command, in seconds. The clocks of both computers differ a little.
const EXPIRY_SECONDS: u32 = 30;

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
