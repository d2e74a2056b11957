//! Tests of the payloads. How Home Assistant takes them is tested with Home Assistant itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use lvx_settings::Setting;
use pi18_proto::Query;
use serde_json::{Value as Json, json};

use super::{Controls, Discovery};
use crate::{
    Now, Snapshot,
    config::HomeAssistantConfig,
    control::{ControlItem, ControlView},
    mqtt::Topics,
    state::{Held, Totals, UnitView},
    storage::{MemoryStorage, Storage},
    testing,
};

fn unit(name: &str, serial: &str) -> Arc<UnitView> {
    let (reply, _) = Query::FirmwareVersions.parse_reply(b"06303,06126,00000").unwrap();
    let held = Held {
        query: Query::FirmwareVersions,
        reply: Some((reply, Instant::now())),
        failure: None,
        max_age: Duration::from_mins(15),
    };
    Arc::new(testing::answering(name, serial, held))
}

fn snapshot() -> Snapshot {
    Snapshot {
        session: 1,
        seq: 1,
        now: Now::system(),
        started: Now::system(),
        site: "cabin".parse().unwrap(),
        bank: "main".parse().unwrap(),
        units: vec![unit("left", "96132206100410"), unit("right", "96132206100411")],
        packs: Vec::new(),
        totals: Totals::default(),
        findings: None,
        judged_at: None,
        alerts: Vec::new(),
        control: ControlView::default(),
    }
}

fn control() -> ControlView {
    let item = ControlItem {
        setting: Setting::OutputPriority,
        options: vec!["solar_utility_battery".to_owned(), "solar_battery_utility".to_owned()],
        values: Vec::new(),
        value: Some("solar_utility_battery".to_owned()),
        blocked: None,
    };
    ControlView { items: vec![item], ..ControlView::default() }
}

fn discovery(storage: &MemoryStorage, leave_out: &[&str]) -> Discovery {
    controlled(storage, leave_out, Controls::default())
}

fn allowed(over_mqtt: bool) -> Controls {
    Controls { allowed: vec![Setting::OutputPriority], over_mqtt }
}

fn controlled(storage: &MemoryStorage, leave_out: &[&str], controls: Controls) -> Discovery {
    let leave_out = leave_out.iter().map(|&key| key.to_owned()).collect();
    let config = HomeAssistantConfig { leave_out, ..HomeAssistantConfig::default() };
    Discovery::new(config, controls, Duration::from_secs(15), Arc::new(storage.clone()))
}

/// Returns the payloads by topic, in order.
fn payloads(discovery: &mut Discovery, snapshot: &Snapshot) -> Vec<(String, Json)> {
    let topics = Topics::new(&snapshot.site, &snapshot.bank);
    let payloads = discovery.payloads(snapshot, &topics).into_iter();
    payloads.map(|(topic, text)| (topic, serde_json::from_slice(&text).unwrap())).collect()
}

/// Returns the entities of the device at this place.
#[track_caller]
fn components(payloads: &[(String, Json)], place: usize) -> BTreeMap<String, Json> {
    serde_json::from_value(payloads[place].1["components"].clone()).unwrap()
}

#[test]
fn units_are_devices_behind_the_bank() {
    let payloads = payloads(&mut discovery(&MemoryStorage::default(), &[]), &snapshot());
    let topics: Vec<_> = payloads.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(
        topics,
        [
            "homeassistant/device/lvx_cabin_main/config",
            "homeassistant/device/lvx_96132206100410/config",
            "homeassistant/device/lvx_96132206100411/config",
        ]
    );
    let mut head = payloads[1].1.clone();
    head.as_object_mut().unwrap().remove("components");
    insta::assert_snapshot!(serde_json::to_string_pretty(&head).unwrap(), @r#"
{
  "availability": [
    {
      "topic": "lvx/v1/cabin/main/availability",
      "value_template": "{{ value_json.state }}"
    },
    {
      "topic": "lvx/v1/cabin/main/unit/left/availability",
      "value_template": "{{ value_json.state }}"
    }
  ],
  "availability_mode": "all",
  "device": {
    "identifiers": [
      "lvx_96132206100410"
    ],
    "manufacturer": "Voltronic Power",
    "model": "PI18 inverter",
    "name": "left",
    "serial_number": "96132206100410",
    "sw_version": "06303",
    "via_device": "lvx_cabin_main"
  },
  "origin": {
    "name": "lvx-bridge",
    "sw_version": "0.1.0"
  },
  "qos": 1,
  "state_topic": "lvx/v1/cabin/main/state"
}
"#);
}

#[test]
fn each_entity_has_a_platform_and_a_unique_id() {
    let mut snapshot = snapshot();
    snapshot.control = control();
    let mut discovery = controlled(&MemoryStorage::default(), &[], allowed(true));
    let payloads = payloads(&mut discovery, &snapshot);
    let mut ids = BTreeSet::new();
    for place in 0..payloads.len() {
        for (key, component) in components(&payloads, place) {
            let platform = component["platform"].as_str().unwrap();
            assert!(["sensor", "binary_sensor", "select", "button"].contains(&platform), "{key}");
            assert!(ids.insert(component["unique_id"].as_str().unwrap().to_owned()), "{key}");
        }
    }
}

#[test]
fn entities_of_each_kind() {
    let payloads = payloads(&mut discovery(&MemoryStorage::default(), &[]), &snapshot());
    let components = components(&payloads, 1);
    let keys =
        ["battery_voltage", "pv_energy", "mode", "fault", "warning_line_fail", "bulk_voltage"];
    let chosen: BTreeMap<_, _> = keys.iter().map(|key| (key, &components[*key])).collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&chosen).unwrap(), @r#"
{
  "battery_voltage": {
    "device_class": "voltage",
    "expire_after": 15,
    "name": "Battery voltage",
    "platform": "sensor",
    "state_class": "measurement",
    "suggested_display_precision": 1,
    "unique_id": "lvx_96132206100410_battery_voltage",
    "unit_of_measurement": "V",
    "value_template": "{{ (value_json.units['left'] | default({})).battery_voltage | default(none) }}"
  },
  "bulk_voltage": {
    "device_class": "voltage",
    "enabled_by_default": false,
    "entity_category": "diagnostic",
    "name": "Bulk voltage",
    "platform": "sensor",
    "state_topic": "lvx/v1/cabin/main/static",
    "suggested_display_precision": 1,
    "unique_id": "lvx_96132206100410_bulk_voltage",
    "unit_of_measurement": "V",
    "value_template": "{{ (value_json.units['left'] | default({})).bulk_voltage | default(none) }}"
  },
  "fault": {
    "expire_after": 15,
    "name": "Fault",
    "platform": "sensor",
    "unique_id": "lvx_96132206100410_fault",
    "value_template": "{% set u = (value_json.units['left'] | default({})) %}{% set n = (u.codes | default({})).fault | default(none) %}{{ 'code ' ~ n if n is not none else u.fault | default(none) }}"
  },
  "mode": {
    "device_class": "enum",
    "expire_after": 15,
    "name": "Mode",
    "options": [
      "power on",
      "standby",
      "bypass",
      "battery",
      "fault",
      "hybrid",
      "charge"
    ],
    "platform": "sensor",
    "unique_id": "lvx_96132206100410_mode",
    "value_template": "{% set v = (value_json.units['left'] | default({})).mode | default(none) %}{{ v if v in [\"power on\",\"standby\",\"bypass\",\"battery\",\"fault\",\"hybrid\",\"charge\"] else none }}"
  },
  "pv_energy": {
    "device_class": "energy",
    "name": "PV energy",
    "platform": "sensor",
    "state_class": "total_increasing",
    "state_topic": "lvx/v1/cabin/main/static",
    "suggested_display_precision": 0,
    "unique_id": "lvx_96132206100410_pv_energy",
    "unit_of_measurement": "Wh",
    "value_template": "{{ (value_json.units['left'] | default({})).pv_energy | default(none) }}"
  },
  "warning_line_fail": {
    "device_class": "problem",
    "enabled_by_default": false,
    "expire_after": 15,
    "name": "Warning: line fail",
    "payload_off": "False",
    "payload_on": "True",
    "platform": "binary_sensor",
    "unique_id": "lvx_96132206100410_warning_line_fail",
    "value_template": "{{ (value_json.units['left'] | default({})).warning_line_fail | default(none) }}"
  }
}
"#);
}

#[test]
fn setting_that_may_be_changed_is_a_select() {
    let mut snapshot = snapshot();
    let storage = MemoryStorage::default();
    let without = payloads(&mut discovery(&storage, &[]), &snapshot);
    assert!(!components(&without, 0).contains_key("last_refusal"));
    snapshot.control = control();
    let with = payloads(&mut controlled(&storage, &[], allowed(true)), &snapshot);
    let components = components(&with, 0);
    assert!(components.contains_key("last_refusal"));
    let select = &components["set_output_priority"];
    insta::assert_snapshot!(serde_json::to_string_pretty(select).unwrap(), @r#"
{
  "command_template": "{\"id\": \"ha-{{ (now().timestamp() * 1000000) | int }}\", \"key\": \"output_priority\", \"to\": {{ value | tojson }}, \"expires\": {{ now().timestamp() + 30 }}}",
  "command_topic": "lvx/v1/cabin/main/cmd",
  "entity_category": "config",
  "json_attributes_template": "{% set c = ((value_json.control | default({})).output_priority | default({})) %}{{ dict(units=c.units | default({}), pending=c.pending | default(none), blocked=c.blocked | default(none), failure=c.failure | default(none)) | tojson }}",
  "json_attributes_topic": "lvx/v1/cabin/main/static",
  "name": "Output source priority",
  "optimistic": false,
  "options": [
    "solar_utility_battery",
    "solar_battery_utility"
  ],
  "platform": "select",
  "state_topic": "lvx/v1/cabin/main/static",
  "unique_id": "lvx_cabin_main_set_output_priority",
  "value_template": "{% set v = ((value_json.control | default({})).output_priority | default({})).value | default(none) %}{{ v if v in [\"solar_utility_battery\",\"solar_battery_utility\"] else none }}"
}
"#);
}

#[test]
fn setting_without_a_common_value_is_no_select() {
    let mut snapshot = snapshot();
    snapshot.control = control();
    snapshot.control.items[0].options.clear();
    let mut discovery = controlled(&MemoryStorage::default(), &[], allowed(true));
    let payloads = payloads(&mut discovery, &snapshot);
    assert!(!components(&payloads, 0).contains_key("set_output_priority"));
}

#[test]
fn select_is_not_deleted_while_the_options_are_not_known() {
    let mut snapshot = snapshot();
    snapshot.control = control();
    let storage = MemoryStorage::default();
    payloads(&mut controlled(&storage, &[], allowed(true)), &snapshot);
    snapshot.control = ControlView::default();
    let start = payloads(&mut controlled(&storage, &[], allowed(true)), &snapshot);
    let bank = components(&start, 0);
    assert!(!bank.contains_key("set_output_priority"));
    assert_eq!(bank["last_refusal"]["name"], "Last refused change");
    let left_out = ["set_output_priority"];
    let left_out = payloads(&mut controlled(&storage, &left_out, allowed(true)), &snapshot);
    assert_eq!(components(&left_out, 0)["set_output_priority"], json!({"platform": "select"}));
}

#[test]
fn select_is_deleted_if_no_commands_are_taken_over_mqtt() {
    let mut snapshot = snapshot();
    snapshot.control = control();
    let storage = MemoryStorage::default();
    payloads(&mut controlled(&storage, &[], allowed(true)), &snapshot);
    let off = payloads(&mut controlled(&storage, &[], allowed(false)), &snapshot);
    assert_eq!(components(&off, 0)["set_output_priority"], json!({"platform": "select"}));
    assert!(components(&off, 0)["last_refusal"].get("name").is_some());
}

#[test]
fn alerts_have_buttons_if_commands_are_taken_over_mqtt() {
    let snapshot = snapshot();
    let storage = MemoryStorage::default();
    let controls = Controls { over_mqtt: true, ..Controls::default() };
    let with = payloads(&mut controlled(&storage, &[], controls.clone()), &snapshot);
    let bank = components(&with, 0);
    assert_eq!(bank["acknowledge_alerts"]["entity_category"], "config");
    insta::assert_snapshot!(serde_json::to_string_pretty(&bank["test_alert"]).unwrap(), @r#"
{
  "command_template": "{\"id\": \"ha-{{ (now().timestamp() * 1000000) | int }}\", \"key\": \"test_alert\", \"to\": {{ value | tojson }}, \"expires\": {{ now().timestamp() + 30 }}}",
  "command_topic": "lvx/v1/cabin/main/cmd",
  "entity_category": "diagnostic",
  "name": "Test alert",
  "payload_press": "press",
  "platform": "button",
  "unique_id": "lvx_cabin_main_test_alert"
}
"#);
    assert!(!components(&with, 1).contains_key("test_alert"));
    let left_out = payloads(&mut controlled(&storage, &["test_alert"], controls), &snapshot);
    assert_eq!(components(&left_out, 0)["test_alert"], json!({"platform": "button"}));
    let without = payloads(&mut discovery(&storage, &[]), &snapshot);
    assert_eq!(components(&without, 0)["acknowledge_alerts"], json!({"platform": "button"}));
}

#[test]
fn sums_of_counters_have_no_state_class() {
    let payloads = payloads(&mut discovery(&MemoryStorage::default(), &[]), &snapshot());
    let (bank, unit) = (components(&payloads, 0), components(&payloads, 1));
    for key in ["pv_energy", "pv_energy_today", "battery_charge_energy"] {
        assert_eq!(bank[key].get("state_class"), None, "{key}");
        assert_eq!(unit[key]["state_class"], "total_increasing", "{key}");
    }
    assert_eq!(bank["pv_power"]["state_class"], "measurement");
}

#[test]
fn entity_that_left_the_configuration_has_a_stub_after_a_restart_too() {
    let mut snapshot = snapshot();
    snapshot.control = control();
    let storage = MemoryStorage::default();
    payloads(&mut controlled(&storage, &[], allowed(true)), &snapshot);
    snapshot.control = ControlView::default();
    for _ in 0..2 {
        let payloads = payloads(&mut discovery(&storage, &["pv1_power", "problem"]), &snapshot);
        let (bank, unit) = (components(&payloads, 0), components(&payloads, 1));
        assert_eq!(bank["set_output_priority"].to_string(), r#"{"platform":"select"}"#);
        assert_eq!(bank["problem"].to_string(), r#"{"platform":"binary_sensor"}"#);
        assert_eq!(unit["pv1_power"].to_string(), r#"{"platform":"sensor"}"#);
        assert_eq!(unit["pv2_power"]["name"], "PV 2 power");
    }
    let back = payloads(&mut discovery(&storage, &[]), &snapshot);
    assert_eq!(components(&back, 1)["pv1_power"]["name"], "PV 1 power");
}

#[test]
fn entity_that_was_never_published_has_no_stub() {
    let payloads = payloads(&mut discovery(&MemoryStorage::default(), &["pv1_power"]), &snapshot());
    assert!(!components(&payloads, 1).contains_key("pv1_power"));
}

#[test]
fn unit_that_left_the_bank_is_forgotten() {
    let mut snapshot = snapshot();
    let storage = MemoryStorage::default();
    payloads(&mut discovery(&storage, &[]), &snapshot);
    snapshot.units.pop();
    payloads(&mut discovery(&storage, &[]), &snapshot);
    let file = storage.load("home-assistant-cabin-main.json").unwrap().unwrap();
    assert!(!String::from_utf8(file).unwrap().contains("96132206100411"));
}

#[test]
fn unreadable_file_is_replaced() {
    let storage = MemoryStorage::default();
    storage.save("home-assistant-cabin-main.json", b"{\"lvx_cabin_main\": 7}").unwrap();
    let payloads = payloads(&mut discovery(&storage, &[]), &snapshot());
    assert!(components(&payloads, 0).contains_key("pv_power"));
    let file = storage.load("home-assistant-cabin-main.json").unwrap().unwrap();
    assert!(String::from_utf8(file).unwrap().contains("\"pv_power\":\"sensor\""));
}

#[test]
fn packs_are_devices_behind_the_bank_and_disappear_with_it() {
    let storage = MemoryStorage::default();
    let mut bank = snapshot();
    bank.packs = vec![Arc::new(testing::pack("pack-1", Now::system()))];
    let before = payloads(&mut discovery(&storage, &[]), &bank);
    let (topic, payload) = &before[3];
    assert_eq!(topic, "homeassistant/device/lvx_cabin_main_pack-1/config");
    assert_eq!(payload["device"]["via_device"], "lvx_cabin_main");
    assert_eq!(payload["device"]["model"], "LFP-51.2V100Ah-V1.0");
    assert_eq!(payload["availability"][1]["topic"], "lvx/v1/cabin/main/pack/pack-1/availability");
    let components = components(&before, 3);
    assert_eq!(components["voltage"]["unique_id"], "lvx_cabin_main_pack-1_voltage");
    assert_eq!(components["voltage"].get("enabled_by_default"), None);
    assert_eq!(components["cell_1_voltage"]["enabled_by_default"], false);
    assert_eq!(
        components["voltage"]["value_template"],
        "{{ ((value_json.packs | default({}))['pack-1'] | default({})).voltage | default(none) }}"
    );
    // The outbox deletes the topic of a device that is not there any more.
    bank.packs.clear();
    assert_eq!(payloads(&mut discovery(&storage, &[]), &bank).len(), 3);
}
