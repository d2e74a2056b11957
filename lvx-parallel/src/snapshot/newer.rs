//! Banks in a format that is newer than this version: what this version knows is read.

use serde_json::{Map, Value, json};

use super::{pack::PackSnapshot, unit::UnitSnapshot};
use crate::HostTime;

/// Removes from a file what this version cannot read. An answer becomes a gap, so that nothing is judged
/// that was not understood.
pub(super) fn reduce(file: &mut Value) {
    let Some(file) = file.as_object_mut() else { return };
    if file
        .get("started")
        .is_some_and(|time| serde_json::from_value::<HostTime>(time.clone()).is_err())
    {
        file.remove("started");
    }
    let units = file.get_mut("units").and_then(Value::as_array_mut);
    for unit in units.into_iter().flatten().filter_map(Value::as_object_mut) {
        reduce_unit(unit);
    }
    let packs = file.get_mut("packs").and_then(Value::as_array_mut);
    for pack in packs.into_iter().flatten() {
        if let Err(error) = serde_json::from_value::<PackSnapshot>(pack.clone()) {
            let name = pack.get("name").and_then(Value::as_str).unwrap_or_default();
            *pack = json!({ "name": name, "lost": gap(&error.to_string()) });
        }
    }
}

fn reduce_unit(unit: &mut Map<String, Value>) {
    for (key, value) in unit.iter_mut() {
        // Each answer of a list is judged alone.
        if let Some(answers) = value.as_array_mut() {
            for answer in answers {
                if let Some(error) = error(key, &json!([answer])) {
                    *answer = missing(&error);
                }
            }
        }
        if let Some(why) = error(key, value) {
            // The answer to a question, a list of answers, or the reason why the unit was lost.
            let gaps = [missing(&why), json!([missing(&why)]), gap(&why)];
            if let Some(gap) = gaps.into_iter().find(|gap| error(key, gap).is_none()) {
                *value = gap;
            }
        }
    }
    // What is left cannot hold a gap, such as a serial number.
    unit.retain(|key, value| error(key, value).is_none());
}

/// Returns the reason why this version cannot read the value of a key.
fn error(key: &str, value: &Value) -> Option<String> {
    let unit = match key {
        "name" => json!({ "name": value }),
        key => json!({ "name": "", key: value }),
    };
    serde_json::from_value::<UnitSnapshot>(unit).err().map(|error| error.to_string())
}

/// Returns an answer that is missing because it cannot be read.
fn missing(error: &str) -> Value {
    json!({ "missing": gap(error) })
}

fn gap(error: &str) -> Value {
    json!({ "reason": "unreadable", "text": error })
}
