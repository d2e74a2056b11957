//! Writes a code with its name, for JSON that people read. For `#[serde(with = "…")]`.
//!
//! Without this module, a code is written as its number. The name is `null` if the number has none. When
//! a code is read, only the number counts, and a number alone is accepted.
//!
//! ```
//! use pi18_proto::WorkingMode;
//!
//! #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
//! struct State {
//!     #[serde(with = "pi18_proto::named_code")]
//!     mode: WorkingMode,
//! }
//!
//! let state = State { mode: WorkingMode::HYBRID };
//! let json = serde_json::to_string(&state)?;
//! assert_eq!(json, r#"{"mode":{"code":5,"name":"hybrid"}}"#);
//! assert_eq!(serde_json::from_str::<State>(&json)?, state);
//! assert_eq!(serde_json::from_str::<State>(r#"{"mode":5}"#)?, state);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! To write all fields of any reply in this way, visit them:
//!
//! ```
//! use pi18_proto::{Query, Value};
//!
//! let (reply, _) = Query::Mode.parse_reply(b"05")?;
//! reply.visit(&mut |field, value| {
//!     let value = match value {
//!         Value::Code { number, name, .. } => serde_json::json!({"code": number, "name": name}),
//!         value => serde_json::json!(value),
//!     };
//!     let line = format!("{}: {value}", field.name);
//!     assert_eq!(line, r#"working_mode: {"code":5,"name":"hybrid"}"#);
//! });
//! # Ok::<(), pi18_proto::DecodeError>(())
//! ```
#![expect(private_bounds, reason = "codes are declared in this crate only")]

use core::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
    ser::SerializeStruct,
};

use crate::code::{Code, name};

/// Writes a code as `{"code":5,"name":"hybrid"}`, and as its number in a binary format.
///
/// # Errors
/// If the serializer fails.
pub fn serialize<C: Code, S: Serializer>(code: &C, serializer: S) -> Result<S::Ok, S::Error> {
    if !serializer.is_human_readable() {
        return serializer.serialize_u8(code.number());
    }
    let mut pair = serializer.serialize_struct("Code", 2)?;
    pair.serialize_field("code", &code.number())?;
    pair.serialize_field("name", &name(C::NAMES, code.number()))?;
    pair.end()
}

/// Reads a code that [`serialize`] has written, or the number of a code.
///
/// # Errors
/// If the input is neither of them, or the number is above 255.
pub fn deserialize<'de, C: Code, D: Deserializer<'de>>(deserializer: D) -> Result<C, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(Pair(PhantomData))
    } else {
        u8::deserialize(deserializer).map(C::from_number)
    }
}

struct Pair<C>(PhantomData<C>);

impl<'de, C: Code> Visitor<'de> for Pair<C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code such as {\"code\":5}, or its number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<C, E> {
        let invalid = |_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self);
        u8::try_from(number).map(C::from_number).map_err(invalid)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<C, A::Error> {
        let mut code = None;
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Code => code = Some(map.next_value::<u8>()?),
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        code.map(C::from_number).ok_or_else(|| A::Error::missing_field("code"))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Code,
    #[serde(other)]
    Other,
}
