//! Devices: the bank, its units, and its battery packs.

use std::{collections::BTreeMap, time::Duration};

use pi18_proto::SerialNumber;
use serde_json::{Map, Value as Json, json};

use super::{
    button,
    entity::{self, Place},
    select::{self, Controls},
};
use crate::{
    Name, Snapshot,
    config::HomeAssistantConfig,
    entity::{ACTIONS, BANK, Entity, Kind, PACK, UNIT},
    mqtt::Topics,
    state::{Datum, PackView, UnitView},
};

/// A device with its entities.
#[derive(Debug)]
pub(super) struct Device {
    /// Identifier, of letters, digits, `_` and `-`.
    pub(super) id: String,
    /// Entities by their key.
    pub(super) components: BTreeMap<String, Map<String, Json>>,
    /// The rest of the payload.
    head: Map<String, Json>,
}

impl Device {
    /// Returns the payload. `published` are key and platform of the entities that were ever published: those that
    /// the device does not have any more get stubs.
    pub(super) fn into_payload<'a>(
        self,
        published: impl Iterator<Item = (&'a str, &'static str)>,
    ) -> Vec<u8> {
        let mut components: Map<String, Json> = published
            .map(|(key, platform)| (key.to_owned(), json!({ "platform": platform })))
            .collect();
        components.extend(self.components.into_iter().map(|(key, object)| (key, object.into())));
        let mut payload = self.head;
        payload.insert("components".to_owned(), components.into());
        Json::from(payload).to_string().into_bytes()
    }
}

/// Returns the identifier of the device of a bank.
pub(crate) fn bank_id(site: &Name, bank: &Name) -> String {
    format!("lvx_{site}_{bank}")
}

/// Returns the identifier of the device of a unit.
pub(crate) fn unit_id(serial: SerialNumber) -> String {
    format!("lvx_{serial}")
}

/// Returns the identifier of the device of a battery pack. Its name identifies it, because names have no `_`.
pub(crate) fn pack_id(site: &Name, bank: &Name, pack: &Name) -> String {
    format!("{}_{pack}", bank_id(site, bank))
}

/// Returns the devices of a bank: the bank first, because the units and packs name it.
pub(super) fn all(
    snapshot: &Snapshot,
    config: &HomeAssistantConfig,
    controls: &Controls,
    topics: &Topics,
    expire_after: Duration,
) -> Vec<Device> {
    let bank_id = bank_id(&snapshot.site, &snapshot.bank);
    let mut devices = vec![bank(snapshot, controls, &bank_id, topics, expire_after)];
    let units = snapshot.units.iter();
    devices.extend(units.map(|view| unit(view, &bank_id, topics, expire_after)));
    let packs = snapshot.packs.iter();
    devices.extend(packs.map(|view| pack(snapshot, view, &bank_id, topics, expire_after)));
    for device in &mut devices {
        device.components.retain(|key, _| !config.leave_out.contains(key));
    }
    devices
}

fn bank(
    snapshot: &Snapshot,
    controls: &Controls,
    id: &str,
    topics: &Topics,
    expire_after: Duration,
) -> Device {
    let place = Place { device_id: id, values: "value_json.derived", topics, expire_after };
    let mut components: BTreeMap<_, _> = BANK.iter().map(|row| total(row, &place)).collect();
    if controls.over_mqtt {
        let items = snapshot.control.items.iter();
        components.extend(items.filter_map(|item| select::component(item, id, topics)));
        components.extend(ACTIONS.iter().map(|action| button::component(action, id, topics)));
    }
    if controls.allowed.is_empty() {
        components.remove("last_refusal");
    }
    let about = json!({
        "identifiers": [id],
        "name": format!("{} {}", snapshot.site, snapshot.bank),
        "manufacturer": MANUFACTURER,
        "model": "Bank of inverters",
    });
    Device { id: id.to_owned(), components, head: head(about, topics, None) }
}

/// Returns key and description of a value of the bank.
///
/// A sum of counters has no state class. It falls when a unit leaves the bank and rises when one joins it, and at
/// midnight it falls once for each unit. Home Assistant would take each fall as a new meter that starts at zero, and
/// count the rest of the sum again.
fn total(row: &Entity<Snapshot>, place: &Place<'_>) -> (String, Map<String, Json>) {
    let (key, mut object) = entity::component(row, place);
    if matches!(row.kind, Kind::Counter | Kind::Daily) {
        object.remove("state_class");
    }
    (key, object)
}

fn unit(view: &UnitView, bank_id: &str, topics: &Topics, expire_after: Duration) -> Device {
    let id = unit_id(view.serial);
    let values = format!("(value_json.units['{}'] | default({{}}))", view.name);
    let place = Place { device_id: &id, values: &values, topics, expire_after };
    let components = UNIT.iter().map(|row| entity::component(row, &place)).collect();
    let mut about = json!({
        "identifiers": [id],
        "name": view.name,
        "manufacturer": MANUFACTURER,
        "model": last(view, "GMN", "model").unwrap_or_else(|| "PI18 inverter".to_owned()),
        "serial_number": view.serial.to_string(),
        "via_device": bank_id,
    });
    if let (Some(version), Some(about)) = (last(view, "VFW", "main"), about.as_object_mut()) {
        about.insert("sw_version".to_owned(), version.into());
    }
    let availability = topics.unit_availability(&view.name);
    Device { id, components, head: head(about, topics, Some(availability)) }
}

fn pack(
    snapshot: &Snapshot,
    view: &PackView,
    bank_id: &str,
    topics: &Topics,
    expire_after: Duration,
) -> Device {
    let id = pack_id(&snapshot.site, &snapshot.bank, &view.name);
    // Retained messages of an earlier version have no packs.
    let values = format!("((value_json.packs | default({{}}))['{}'] | default({{}}))", view.name);
    let place = Place { device_id: &id, values: &values, topics, expire_after };
    let components = PACK.iter().map(|row| entity::component(row, &place)).collect();
    let mut about = Map::from_iter([
        ("identifiers".to_owned(), json!([id])),
        ("name".to_owned(), json!(view.name)),
        ("model".to_owned(), "Battery pack".into()),
        ("via_device".to_owned(), bank_id.into()),
    ]);
    if let Some(label) = &view.label {
        let known = [("model", &label.model), ("sw_version", &label.firmware)];
        let known = known.into_iter().filter(|(_, text)| !text.is_empty());
        about.extend(known.map(|(key, text)| (key.to_owned(), text.as_str().into())));
    }
    let availability = topics.pack_availability(&view.name);
    Device { id, components, head: head(about.into(), topics, Some(availability)) }
}

/// Returns the common part of a device payload.
fn head(about: Json, topics: &Topics, own_availability: Option<String>) -> Map<String, Json> {
    let availability: Vec<_> = [topics.availability()]
        .into_iter()
        .chain(own_availability)
        .map(|topic| json!({ "topic": topic, "value_template": "{{ value_json.state }}" }))
        .collect();
    Map::from_iter([
        ("device".to_owned(), about),
        (
            "origin".to_owned(),
            json!({ "name": env!("CARGO_PKG_NAME"), "sw_version": env!("CARGO_PKG_VERSION") }),
        ),
        ("availability".to_owned(), availability.into()),
        ("availability_mode".to_owned(), "all".into()),
        ("state_topic".to_owned(), topics.state().into()),
        ("qos".to_owned(), 1.into()),
    ])
}

/// Returns a field of the last reply to a query, fresh or not: an identity does not become wrong with age.
fn last(view: &UnitView, mnemonic: &str, field: &str) -> Option<String> {
    let (reply, _) = view.held(mnemonic)?.reply.as_ref()?;
    let mut text = None;
    reply.visit(&mut |info, value| {
        if info.name == field {
            text = Some(Datum::from(value).to_string());
        }
    });
    text
}

/// The company that defined the protocol. Brands such as MPP Solar sell its inverters.
const MANUFACTURER: &str = "Voltronic Power";
