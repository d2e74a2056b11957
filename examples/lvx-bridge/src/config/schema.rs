//! The JSON schema of the configuration, with which editors complete, explain and check it.

use serde_json::{Map, Value, json};

use super::{
    form::{Form, Key, Section, controllable_keys},
    keys::TOP,
};

/// Returns the JSON schema (draft 2020-12), made from the declaration of keys. It is slightly narrower than
/// [`Config::parse`](super::Config::parse): it allows one spelling of each word.
///
/// ```
/// let schema = lvx_bridge::config::schema();
/// assert_eq!(schema["properties"]["poll"]["properties"]["fast"]["default"], "5 s");
/// ```
#[must_use]
pub fn schema() -> Value {
    let mut schema = section(&TOP);
    if let Value::Object(object) = &mut schema {
        object.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        object.insert("title".into(), "Configuration of lvx bridge".into());
        object.insert(
            "oneOf".into(),
            json!([{"required": ["units"]}, {"required": ["bank"]}, {"required": ["banks"]}]),
        );
    }
    schema
}

fn section(section: &Section) -> Value {
    let properties: Map<_, _> =
        section.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<_> =
        section.keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Value::Object(object), false) = (&mut schema, required.is_empty()) {
        object.insert("required".into(), required.into());
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = of(&key.form);
    if let Value::Object(object) = &mut schema {
        object.insert("description".into(), key.about.into());
        if !key.default.is_empty() {
            object.insert("default".into(), key.default.into());
        }
    }
    schema
}

fn of(form: &Form) -> Value {
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    match form {
        Form::Name => text("^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"),
        Form::Text => json!({"type": "string", "minLength": 1, "maxLength": 1024}),
        Form::Address | Form::PackAddress => json!({"type": "string", "minLength": 1}),
        Form::Path => text("^/"),
        Form::SecretFile => text("^(/.+|[^/]+)$"),
        Form::Flag => flag(),
        Form::Number(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Form::Time(..) => text("^[0-9]+ *(ms|s|min|h|d)$"),
        Form::Word(words) => json!({"enum": words}),
        Form::Serial => json!({"anyOf": [
            {"type": "string", "pattern": "^[0-9]{8,20}$"},
            {"type": "integer", "minimum": 10_000_000},
        ]}),
        Form::Setting => json!({"enum": controllable_keys().split(", ").collect::<Vec<_>>()}),
        Form::Socket => text("^([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"),
        Form::Ip => text("^[0-9A-Fa-f:.]+$"),
        Form::Host => text("^[A-Za-z0-9:][A-Za-z0-9._:-]*$"),
        Form::BasePath => text("^(/[A-Za-z0-9._-]+)+$"),
        Form::Url => text("^(https://|http://(localhost|127\\.|\\[::1\\]))"),
        Form::Battery => battery(),
        Form::List(form, max) => {
            let one = of(form);
            let list = json!({"type": "array", "items": one, "minItems": 1, "maxItems": max});
            if matches!(form, Form::Map(_)) { list } else { json!({"anyOf": [one, list]}) }
        }
        Form::Map(below) => section(below),
        Form::Switch(below) => json!({"anyOf": [flag(), section(below)]}),
    }
}

/// `on` and `off`, which editors read as texts or as true and false.
fn flag() -> Value {
    json!({"enum": ["on", "off", true, false]})
}

/// Returns the schema of a battery guard, as profiles have it.
fn battery() -> Value {
    let profile = serde_json::to_value(lvx_settings::profile_schema()).unwrap_or_default();
    profile.pointer("/properties/battery").cloned().unwrap_or_default()
}
