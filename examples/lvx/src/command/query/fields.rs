//! The fields of a reply, for tables and for JSON.

use pi18_proto::{AnyReply, FieldInfo, Value};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

/// The fields of a reply, formatted.
#[derive(Debug, Default)]
pub(crate) struct ReplyFields {
    rows: Vec<(&'static FieldInfo, String)>,
    values: JsonFields,
    names: JsonFields,
    units: JsonFields,
}

/// A JSON object with one value for each of some fields, in the order of the reply.
#[derive(Debug, Default)]
pub(crate) struct JsonFields(Vec<(&'static str, Json)>);

impl Serialize for JsonFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl ReplyFields {
    pub(crate) fn of(reply: &AnyReply) -> Self {
        let mut shown = Self::default();
        reply.visit(&mut |info, value| shown.add(info, value));
        shown
    }

    fn add(&mut self, info: &'static FieldInfo, value: Value<'_>) {
        self.rows.push((info, value.to_string()));
        self.values.0.push((info.name, serde_json::to_value(value).unwrap_or(Json::Null)));
        if let Value::Code { name: Some(code), .. } = value {
            self.names.0.push((info.name, code.into()));
        }
        if !info.unit.is_empty() {
            self.units.0.push((info.name, info.unit.into()));
        }
    }

    /// Returns the label and the value of each field.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rows.iter().map(|(info, value)| (info.label, value.as_str()))
    }

    /// Returns the values by field: a number in its unit, the number of a code, or a text.
    pub(crate) fn values(&self) -> &JsonFields {
        &self.values
    }

    /// Returns the names of codes by field.
    pub(crate) fn names(&self) -> &JsonFields {
        &self.names
    }

    /// Returns the units of quantities by field.
    pub(crate) fn units(&self) -> &JsonFields {
        &self.units
    }
}
