//! JSON objects, written directly into a buffer.

use pi18_proto::{FieldInfo, Value};
use serde::Serialize;

/// A JSON object that is being written. Keys must not need escapes.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }

    #[inline]
    fn key(&mut self, key: &str) {
        self.out.reserve(key.len() + 8);
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Writes a value that serialises without errors.
    pub(super) fn any(&mut self, key: &str, value: &impl Serialize) {
        self.key(key);
        // Serialising fails only for keys that are not strings; writing to memory does not fail.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.any(key, &text);
    }

    pub(super) fn text_or_null(&mut self, key: &str, text: Option<&str>) {
        self.any(key, &text);
    }

    /// Writes `values` with the value of each field that `visit` passes, and `names` with the names of codes.
    pub(super) fn fields(
        &mut self,
        visit: impl FnOnce(&mut dyn FnMut(&'static FieldInfo, Value<'_>)),
        names: &mut Vec<u8>,
    ) {
        self.key("values");
        names.clear();
        let mut values = Object::open(self.out);
        let mut codes = Object::open(names);
        visit(&mut |info, value| {
            values.value(info.name, value);
            if let Value::Code { name: Some(name), .. } = value {
                codes.text(info.name, name);
            }
        });
        values.close();
        codes.close();
        self.key("names");
        self.out.extend_from_slice(names);
    }

    /// Writes the value of a field: a number in its unit, the number of a code, or a text.
    fn value(&mut self, key: &str, value: Value<'_>) {
        match value {
            Value::Quantity { steps, decimals, .. } if (1..=MAX_DECIMALS).contains(&decimals) => {
                self.key(key);
                decimal(self.out, steps, decimals);
            }
            Value::Code { number, .. } => self.any(key, &number),
            value => self.any(key, &value),
        }
    }
}

/// Writes steps in their unit, in the JSON form of the nearest floating-point number: `54.6`, `230.0`.
///
/// With at most 15 digits, this form is the decimal number itself.
fn decimal(out: &mut Vec<u8>, steps: i64, decimals: u8) {
    if steps < 0 {
        out.push(b'-');
    }
    let scale = 10_u64.pow(decimals.into());
    let (whole, mut part) = (steps.unsigned_abs() / scale, steps.unsigned_abs() % scale);
    let _ = serde_json::to_writer(&mut *out, &whole);
    out.push(b'.');
    let mut place = scale / 10;
    while place > 1 && part > 0 {
        out.push(digit(part / place));
        part %= place;
        place /= 10;
    }
    if place == 1 && (part > 0 || scale == 10) || out.last() == Some(&b'.') {
        out.push(digit(part));
    }
}

fn digit(number: u64) -> u8 {
    u8::try_from(number).map_or(b'?', |number| b'0' + number)
}

/// Maximum decimal places of [`decimal`]. Numbers of up to 33 bits then have at most 15 digits.
const MAX_DECIMALS: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_equal_serialised_floats() {
        let all = (-70_000..70_000).chain([0xffff_ffff, 123_456_789, 4_000_000_000, -1_000_000]);
        for steps in all {
            for decimals in 0..=MAX_DECIMALS {
                let value = Value::Quantity { steps, decimals, unit: "V" };
                let mut out = Vec::new();
                let mut object = Object::open(&mut out);
                object.value("v", value);
                object.close();
                let expected = format!("{{\"v\":{}}}", serde_json::to_string(&value).unwrap());
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
        }
    }
}
