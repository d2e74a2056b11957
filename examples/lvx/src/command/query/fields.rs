//! Fields as people and programs are shown them.

use pi18_proto::{AnyReply, FieldInfo, Value};
use serde_json::{Map, Value as Json};

/// Fields of a message, ready to be shown.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    rows: Vec<(&'static FieldInfo, String)>,
    values: Map<String, Json>,
    names: Map<String, Json>,
    units: Map<String, Json>,
}

impl Shown {
    pub(crate) fn reply(reply: &AnyReply) -> Self {
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

    /// Label and value of each field.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rows.iter().map(|(info, value)| (info.label, value.as_str()))
    }

    /// Field by field a number in its unit, a code's number, or a text.
    pub(crate) fn values(&self) -> Json {
        Json::Object(self.values.clone())
    }

    /// What codes stand for.
    pub(crate) fn names(&self) -> Json {
        Json::Object(self.names.clone())
    }

    /// The units of quantities.
    pub(crate) fn units(&self) -> Json {
        Json::Object(self.units.clone())
    }
}
