//! The fields of a reply, for tables and for JSON.

use pi18_proto::{AnyReply, FieldInfo, Value};
use serde_json::{Map, Value as Json};

/// The fields of a reply, formatted.
#[derive(Debug, Default)]
pub(crate) struct ReplyFields {
    rows: Vec<(&'static FieldInfo, String)>,
    values: Map<String, Json>,
    names: Map<String, Json>,
    units: Map<String, Json>,
}

impl ReplyFields {
    pub(crate) fn of(reply: &AnyReply) -> Self {
        let mut shown = Self::default();
        reply.visit(&mut |info, value| shown.add(info, value));
        shown
    }

    fn add(&mut self, info: &'static FieldInfo, value: Value<'_>) {
        let name = || info.name.to_owned();
        self.rows.push((info, value.to_string()));
        self.values.insert(name(), serde_json::to_value(value).unwrap_or(Json::Null));
        if let Value::Code { name: Some(code), .. } = value {
            self.names.insert(name(), code.into());
        }
        if !info.unit.is_empty() {
            self.units.insert(name(), info.unit.into());
        }
    }

    /// Returns the label and the value of each field.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rows.iter().map(|(info, value)| (info.label, value.as_str()))
    }

    /// Returns the values by field: a number in its unit, the number of a code, or a text.
    pub(crate) fn values(&self) -> Json {
        Json::Object(self.values.clone())
    }

    /// Returns the names of codes by field.
    pub(crate) fn names(&self) -> Json {
        Json::Object(self.names.clone())
    }

    /// Returns the units of quantities by field.
    pub(crate) fn units(&self) -> Json {
        Json::Object(self.units.clone())
    }
}
