//! Payloads. `schema/mqtt-*.json` describes them.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::{
    Now, Snapshot,
    alert::Alert,
    control::{Command, CommandState, CommandView},
    entity::{self, Entity, Kind, Message},
    state::{Datum, LinkState, PackView, UnitView, Value},
};

/// Version of all payloads. A change that a reader must know increases it.
const VERSION: u8 = 1;

/// Returns the `units`, `packs` and `derived` of a `state` or `static` payload. Freshness is judged at `now`, not at the time
/// of the snapshot: a snapshot that is not replaced goes stale, too.
pub(super) fn values(snapshot: &Snapshot, message: Message, now: Now) -> Map<String, Json> {
    let units: Map<_, _> = snapshot
        .units
        .iter()
        .map(|unit| {
            let mut object = object(entity::UNIT, message, |entity| entity.value(unit, now));
            object.insert("serial".to_owned(), unit.serial.to_string().into());
            (unit.name.to_string(), object.into())
        })
        .collect();
    let derived = object(entity::BANK, message, |entity| entity.value(snapshot, now));
    let mut values = Map::from_iter([
        ("units".to_owned(), units.into()),
        ("derived".to_owned(), derived.into()),
    ]);
    if !snapshot.packs.is_empty() {
        let packs = snapshot.packs.iter().map(|pack| {
            let object = object(entity::PACK, message, |entity| entity.value(pack, now));
            (pack.name.to_string(), object.into())
        });
        values.insert("packs".to_owned(), packs.collect::<Map<_, _>>().into());
    }
    if message == Message::Static && !snapshot.control.items.is_empty() {
        values.insert("control".to_owned(), control(snapshot));
    }
    values
}

/// Returns the settings that can be changed, by key: the proved value, what each unit has, and why the last change
/// failed.
pub(super) fn control(snapshot: &Snapshot) -> Json {
    let name =
        |serial| snapshot.units.iter().find(|unit| unit.serial == serial).map(|unit| &unit.name);
    let items = snapshot.control.items.iter().map(|item| {
        let key = item.setting.key();
        let units: Map<_, _> = item
            .values
            .iter()
            .filter_map(|(serial, value)| Some((name(*serial)?.to_string(), json!(value))))
            .collect();
        let last = snapshot.control.results.iter().find(|result| result.key == key);
        let failure = last.filter(|result| result.state != CommandState::Proved).map(|result| {
            json!({ "to": result.to, "state": result.state, "why": result.why, "at": result.at })
        });
        let pending = snapshot.control.command.as_ref().filter(|command| command.key == key);
        let item = json!({
            "value": item.value, "options": item.options, "units": units, "blocked": item.blocked,
            "pending": pending.map(|command| &command.to), "failure": failure,
        });
        (key.to_owned(), item)
    });
    items.collect::<Map<_, _>>().into()
}

/// Returns a payload with `body` in the envelope. `period` is the time until the next message of this kind.
pub(super) fn envelope(
    snapshot: &Snapshot,
    period: Duration,
    now: Now,
    body: Map<String, Json>,
) -> Vec<u8> {
    let mut message = head(snapshot, now);
    message.insert("period".to_owned(), period.as_secs_f64().into());
    message.extend(body);
    Json::from(message).to_string().into_bytes()
}

/// Returns the `findings` and `alerts` of a `findings` payload. `findings` is `null` before the first complete round.
pub(super) fn findings(snapshot: &Snapshot) -> Map<String, Json> {
    let raised: Vec<_> = snapshot.alerts.iter().filter(|alert| alert.is_raised()).collect();
    Map::from_iter([
        ("findings".to_owned(), json!(snapshot.findings)),
        ("alerts".to_owned(), json!(raised)),
        ("worst".to_owned(), json!(snapshot.worst())),
    ])
}

/// Returns the availability of the bridge. It is also the last will, which has no time.
pub(super) fn availability(is_online: bool, session: u64) -> Vec<u8> {
    json!({"v": VERSION, "state": online(is_online), "session": session}).to_string().into_bytes()
}

/// Returns the availability of a unit, and why it does not answer.
pub(super) fn unit_availability(unit: &UnitView, session: u64) -> Vec<u8> {
    let is_online = unit.link.state == LinkState::Up;
    json!({
        "v": VERSION, "state": online(is_online), "session": session,
        "serial": unit.serial.to_string(), "why": why(&unit.link.state),
    })
    .to_string()
    .into_bytes()
}

/// Returns the availability of a battery pack, and why it does not answer.
pub(super) fn pack_availability(pack: &PackView, session: u64) -> Vec<u8> {
    let is_online = pack.link.state == LinkState::Up;
    json!({
        "v": VERSION, "state": online(is_online), "session": session, "why": why(&pack.link.state),
    })
    .to_string()
    .into_bytes()
}

/// Returns why a unit or pack does not answer.
fn why(state: &LinkState) -> Option<&str> {
    match state {
        LinkState::Down { why, .. } => Some(why),
        LinkState::Starting | LinkState::Up => None,
    }
}

/// What an event reports.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'a> {
    /// Alert: `alert-raised`, `alert-cleared`, `alert-acknowledged`, `alert-changed`.
    Alert(&'static str, &'a Alert),
    /// A unit answers again, or does not answer any more: `unit-online`, `unit-offline`.
    Unit(&'a UnitView),
    /// A battery pack answers again, or does not answer any more: `pack-online`, `pack-offline`.
    Pack(&'a PackView),
}

/// Returns an event.
pub(super) fn event(snapshot: &Snapshot, now: Now, event: Event<'_>) -> Vec<u8> {
    let mut message = head(snapshot, now);
    let (kind, key, value) = match event {
        Event::Alert(kind, alert) => (kind, "alert", json!(alert)),
        Event::Unit(unit) => {
            let is_online = unit.link.state == LinkState::Up;
            let kind = if is_online { "unit-online" } else { "unit-offline" };
            let value = json!({
                "name": unit.name, "serial": unit.serial.to_string(),
                "why": why(&unit.link.state),
            });
            (kind, "unit", value)
        }
        Event::Pack(pack) => {
            let is_online = pack.link.state == LinkState::Up;
            let kind = if is_online { "pack-online" } else { "pack-offline" };
            (kind, "pack", json!({ "name": pack.name, "why": why(&pack.link.state) }))
        }
    };
    message.insert("event".to_owned(), kind.into());
    message.insert(key.to_owned(), value);
    Json::from(message).to_string().into_bytes()
}

/// Returns the result of a command.
pub(super) fn result(command: &CommandView) -> Vec<u8> {
    let units: Map<_, _> = command
        .units
        .iter()
        .map(|(serial, value)| (serial.to_string(), value.clone().into()))
        .collect();
    json!({
        "v": VERSION, "id": command.id, "key": command.key, "from": command.from, "to": command.to,
        "at": command.at, "state": command.state, "why": command.why, "units": units,
    })
    .to_string()
    .into_bytes()
}

/// Returns the result of an action that was carried out.
pub(super) fn done(command: &Command, now: Now) -> Vec<u8> {
    json!({
        "v": VERSION, "id": command.id, "key": command.key, "from": null, "to": command.to, "at": now.wall,
        "state": "done", "why": null, "units": {},
    })
    .to_string()
    .into_bytes()
}

/// Returns the result of a command that was refused before it reached the core. Its id is `null` if the command
/// could not be read.
pub(super) fn refusal(id: Option<&str>, why: &str, now: Now) -> Vec<u8> {
    json!({
        "v": VERSION, "id": id, "key": null, "from": null, "to": null, "at": now.wall,
        "state": CommandState::Refused, "why": why, "units": {},
    })
    .to_string()
    .into_bytes()
}

fn head(snapshot: &Snapshot, now: Now) -> Map<String, Json> {
    Map::from_iter([
        ("v".to_owned(), VERSION.into()),
        ("session".to_owned(), snapshot.session.into()),
        ("seq".to_owned(), snapshot.seq.into()),
        ("at".to_owned(), json!(now.wall)),
    ])
}

fn online(is_online: bool) -> &'static str {
    if is_online { "online" } else { "offline" }
}

/// Returns the entities of a message with their values. A value that is not fresh is `null`, and its key is in
/// `stale` or `failed`; in neither if the device does not have the value. A code without a name is `null`, and its
/// number is in `codes`.
fn object<T>(
    table: &[Entity<T>],
    message: Message,
    value: impl Fn(&Entity<T>) -> Value,
) -> Map<String, Json> {
    let mut object = Map::new();
    let (mut stale, mut failed, mut codes) = (Vec::new(), Vec::new(), Map::new());
    for entity in table.iter().filter(|entity| entity.message == message) {
        let json = match value(entity) {
            Value::Fresh { datum: Datum::Code { number, name: None }, .. }
                if entity.kind == Kind::Enum =>
            {
                codes.insert(entity.key.to_owned(), number.into());
                Json::Null
            }
            Value::Fresh { datum, .. } => entity.json(&datum),
            Value::Stale { .. } => {
                stale.push(Json::from(entity.key));
                Json::Null
            }
            Value::Failed(_) => {
                failed.push(Json::from(entity.key));
                Json::Null
            }
            Value::Absent => Json::Null,
        };
        object.insert(entity.key.to_owned(), json);
    }
    if !stale.is_empty() {
        object.insert("stale".to_owned(), stale.into());
    }
    if !failed.is_empty() {
        object.insert("failed".to_owned(), failed.into());
    }
    if !codes.is_empty() {
        object.insert("codes".to_owned(), codes.into());
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_beside_the_entities_are_no_entities() {
        let reserved = ["serial", "stale", "failed", "codes"];
        let units = entity::UNIT.iter().map(|entity| entity.key);
        let banks = entity::BANK.iter().map(|entity| entity.key);
        let packs = entity::PACK.iter().map(|entity| entity.key);
        for key in units.chain(packs).chain(banks) {
            assert!(!reserved.contains(&key), "{key}");
        }
    }
}
