//! Reads the document of the bridge (`GET /api/v1/bank`).
//!
//! What is missing or of another form is not known; nothing is guessed. Unknown members are ignored.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lvx_parallel::{BankSnapshot, Severity};
use pi18_transport::printable;
use serde_json::Value as Json;

use super::{
    bank::Overview,
    finding::Finding,
    key::Key,
    pack::{Measured, Pack},
    unit::{LinkState, Unit},
    value::{Datum, Held},
    verdict::{Level, Verdict},
};

/// Returns what a document shows that arrived `now`; `None` if it is not the document of a bank.
pub(crate) fn overview(document: &Json, now: Instant) -> Option<Overview> {
    let sent = document.get("now")?.as_f64()?;
    let verdict = document.get("verdict")?;
    let order = document.get("order")?.as_array()?;
    let units = document.get("units")?;
    let units = order.iter().take(BankSnapshot::MAX_UNITS).filter_map(|serial| {
        let serial = serial.as_str()?;
        Some(unit(serial, units.get(serial)?, &Arrival { sent, now }))
    });
    let findings = list(document, "findings").iter().take(MAX_LISTED).map(finding);
    let site = text(document, "site").unwrap_or_default();
    let bank = document.get("bank").and_then(|bank| text(bank, "name")).unwrap_or_default();
    let name = if site == bank { site } else { format!("{site} {bank}") };
    Some(Overview {
        name: name.trim().to_owned(),
        verdict: Verdict {
            level: match verdict.get("level")?.as_str()? {
                "ok" => Level::Ok,
                "warning" => Level::Warning,
                "starting" => Level::Starting,
                // A level that this version does not know is not overlooked.
                _ => Level::Error,
            },
            title: text(verdict, "title").unwrap_or_default(),
            detail: text(verdict, "detail").unwrap_or_default(),
            step: text(verdict, "step"),
            since: time(verdict, "since"),
        },
        units: units.collect(),
        packs: packs(document, &Arrival { sent, now }),
        findings: findings.collect(),
    })
}

/// When a document was sent, by the clock of the bridge, and arrived, by ours.
struct Arrival {
    sent: f64,
    now: Instant,
}

impl Arrival {
    /// Converts a time of the bridge.
    fn instant(&self, at: f64) -> Instant {
        let age = Duration::try_from_secs_f64(self.sent - at).unwrap_or_default();
        self.now.checked_sub(age).unwrap_or(self.now)
    }
}

fn unit(serial: &str, json: &Json, arrival: &Arrival) -> Unit {
    let empty = Json::Null;
    let (link, values) = (json.get("link").unwrap_or(&empty), json.get("values").unwrap_or(&empty));
    let name = text(json, "name").unwrap_or_else(|| serial.to_owned());
    let mut unit = Unit::new(&name, &text(link, "address").unwrap_or_default());
    unit.serial = Some(printable(serial).into_owned());
    unit.link = link_state(link);
    let number = values.get("parallel_instance").and_then(|value| value.get("value"));
    unit.number = number.and_then(Json::as_u64).and_then(|number| u16::try_from(number).ok());
    let limit = |query: &str| {
        let seconds = json.get("groups")?.get(query)?.get("limit")?.as_f64()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    for key in Key::ALL {
        let limit = limit(key.info().query).unwrap_or(DEFAULT_LIMIT);
        let (info, form) = (key.info(), form(*key));
        let held = values.get(info.api).and_then(|value| held(form, value, limit, arrival));
        if let Some(held) = held {
            unit.put(*key, held);
        }
    }
    if let Some(held) = warnings(values, limit("FWS").unwrap_or(DEFAULT_LIMIT), arrival) {
        unit.put(Key::Warnings, held);
    }
    unit
}

/// Returns the battery packs in their order. The document of a bridge without packs, or of an older version, has none.
fn packs(document: &Json, arrival: &Arrival) -> Vec<Pack> {
    let packs = document.get("packs").and_then(Json::as_object);
    let mut packs: Vec<_> = packs.into_iter().flatten().collect();
    packs.sort_by_key(|(_, json)| json.get("n").and_then(Json::as_u64).unwrap_or(u64::MAX));
    let packs = packs.into_iter().take(BankSnapshot::MAX_PACKS);
    packs.map(|(name, json)| pack(name, json, arrival)).collect()
}

fn pack(name: &str, json: &Json, arrival: &Arrival) -> Pack {
    let empty = Json::Null;
    let (link, values) = (json.get("link").unwrap_or(&empty), json.get("values").unwrap_or(&empty));
    let mut pack = Pack::new(name, DEFAULT_LIMIT);
    pack.link = link_state(link);
    pack.model = values.get("model").and_then(|model| text(model, "value"));
    let mut oldest: Option<Instant> = None;
    let mut is_failed = matches!(pack.link, LinkState::Down { .. });
    let mut value = |key: &str, form: Form| {
        match held(form, values.get(key)?, DEFAULT_LIMIT, arrival)? {
            Held::Read { datum, at, .. } => {
                // A value of another form is not known.
                let is_number = matches!(datum, Datum::Number { .. });
                if is_number == (form == TEXT) {
                    return None;
                }
                oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
                Some(datum)
            }
            Held::Failed(_) => {
                is_failed = true;
                None
            }
        }
    };
    let temperatures = (value("temperature_1", ("°C", 0)), value("temperature_2", ("°C", 0)));
    let live = Measured {
        voltage: value("voltage", ("V", 2)),
        current: value("current", ("A", 2)),
        state_of_charge: value("state_of_charge", ("%", 0)),
        lowest_cell: value("lowest_cell_voltage", ("V", 3)),
        highest_cell: value("highest_cell_voltage", ("V", 3)),
        cell_spread: value("cell_voltage_spread", ("mV", 0)),
        temperature: highest(temperatures),
        status: value("status", TEXT),
        warnings: value("warnings", TEXT),
        protections: value("protections", TEXT),
    };
    match oldest {
        Some(at) => pack.put(Ok((live, at))),
        None if is_failed => pack.put(Err("failed")),
        None => {}
    }
    pack
}

/// Returns the higher one of two numbers; `None` if one is not known.
fn highest(of: (Option<Datum>, Option<Datum>)) -> Option<Datum> {
    let (Some(first), Some(second)) = of else { return None };
    let number = |datum: &Datum| match datum {
        Datum::Number { number, .. } => Some(*number),
        Datum::Text(_) => None,
    };
    Some(if number(&first)? < number(&second)? { second } else { first })
}

fn link_state(link: &Json) -> LinkState {
    match link.get("state").and_then(Json::as_str) {
        Some("up") => LinkState::Up,
        Some("down") => LinkState::Down {
            why: text(link, "why").unwrap_or_default(),
            since: time(link, "since"),
        },
        _ => LinkState::Starting,
    }
}

/// Unit of measurement, and digits after the decimal point.
type Form = (&'static str, u8);

/// The form of a text.
const TEXT: Form = ("", 0);

fn form(key: Key) -> Form {
    (key.info().unit, key.info().decimals)
}

fn held((unit, decimals): Form, value: &Json, limit: Duration, arrival: &Arrival) -> Option<Held> {
    let status = value.get("status")?.as_str()?;
    if status == "failed" {
        return Some(Held::Failed(text(value, "why").unwrap_or_default()));
    }
    let datum = match value.get("value")? {
        Json::Number(number) => Datum::Number { number: number.as_f64()?, unit, decimals },
        Json::String(text) => Datum::text(text),
        _ => return None,
    };
    let at = value.get("at").and_then(Json::as_f64);
    let at = at.map_or(arrival.now, |at| arrival.instant(at));
    let old = arrival.now.checked_sub(limit + Duration::from_secs(1));
    let at = match (status, old) {
        ("fresh", _) => at,
        // The bridge says that it is old, whatever the clocks say.
        (_, Some(old)) => at.min(old),
        (_, None) => return None,
    };
    Some(Held::Read { datum, at, limit })
}

/// Returns the names of the warnings that are on.
fn warnings(values: &Json, limit: Duration, arrival: &Arrival) -> Option<Held> {
    let fault = held(form(Key::FaultCode), values.get("fault_code")?, limit, arrival)?;
    let Held::Read { at, .. } = fault else { return Some(fault) };
    let names = values.as_object()?.iter().filter_map(|(key, value)| {
        let name = key.strip_prefix("warning_")?;
        value.get("value")?.as_bool()?.then(|| name.replace('_', " "))
    });
    let names: Vec<_> = names.collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Some(Held::Read { datum: Datum::text(&names), at, limit })
}

fn finding(json: &Json) -> Finding {
    let values = list(json, "values")
        .iter()
        .filter_map(|pair| Some(format!("{} {}", pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)));
    let values: Vec<_> = values.take(MAX_LISTED).collect();
    let steps = list(json, "do").iter().filter_map(Json::as_str).take(MAX_LISTED);
    Finding {
        rule: text(json, "rule").unwrap_or_default(),
        severity: match json.get("level").and_then(Json::as_str) {
            Some("info") => Severity::Info,
            Some("warning") => Severity::Warning,
            Some("error") => Severity::Error,
            _ => Severity::Unknown,
        },
        title: text(json, "title").unwrap_or_default(),
        values: printable(&values.join(", ")).into_owned(),
        why: text(json, "why").unwrap_or_default(),
        steps: steps.map(|step| printable(step).into_owned()).collect(),
        since: time(json, "since"),
        acknowledged: json.get("ack").map(|ack| text(ack, "by").unwrap_or_default()),
    }
}

/// Returns a text, escaped for the terminal.
fn text(json: &Json, member: &str) -> Option<String> {
    Some(printable(json.get(member)?.as_str()?).into_owned())
}

fn time(json: &Json, member: &str) -> Option<Timestamp> {
    let seconds = json.get(member)?.as_f64()?;
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}

fn list<'a>(json: &'a Json, member: &str) -> &'a [Json] {
    json.get(member).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Limit of age of a value whose group has none.
const DEFAULT_LIMIT: Duration = Duration::from_mins(5);
/// Greatest number of findings, and of values and steps of one.
const MAX_LISTED: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::overview::{Flow, Value, packs_in_short};

    fn document() -> Json {
        let value = |value: Json, at: f64| json!({ "status": "fresh", "value": value, "at": at });
        json!({
            "now": 1000.0,
            "site": "cabin",
            "bank": { "name": "main" },
            "verdict": { "level": "ok", "title": "All is well", "detail": "", "since": 900.0 },
            "order": ["96132206100410", "96132206100411"],
            "units": {
                "96132206100410": {
                    "name": "unit-1\u{1b}[2J",
                    "link": { "state": "up", "address": "/dev/lvx6048-1", "since": 900.0 },
                    "groups": { "GS": { "limit": 15.0 } },
                    "values": {
                        "battery_voltage": value(json!(54.2), 998.0),
                        "charge_current": value(json!(55), 998.0),
                        "discharge_current": value(json!(0), 998.0),
                        "active_power": value(json!(482), 998.0),
                        "pv1_power": value(json!(1842), 998.0),
                        "pv2_power": { "status": "stale", "value": 1705, "at": 998.0 },
                        "fault_code": value(json!(0), 998.0),
                        "warning_fan_locked": value(json!(true), 998.0),
                        "parallel_instance": value(json!(0), 998.0),
                    },
                },
                "96132206100411": {
                    "name": "unit-2",
                    "link": { "state": "down", "why": "the device is gone", "since": 950.0 },
                    "values": { "battery_voltage": { "status": "failed", "why": "gone" } },
                },
            },
            "findings": [{
                "rule": "battery-voltage", "level": "warning", "title": "battery voltages differ",
                "why": "they share a battery", "do": ["measure"], "since": 990.0,
                "values": [["unit-1", "54.2 V"], ["unit-2", "53.9 V"]], "ack": { "by": "page" },
            }],
        })
    }

    #[test]
    fn document_of_the_bridge_is_read_with_ages() {
        let now = Instant::now();
        let bank = overview(&document(), now).unwrap();
        assert_eq!(bank.name, "cabin main");
        let [first, second] = bank.units.as_slice() else { panic!("{bank:?}") };
        assert_eq!(first.name, "unit-1\\u001b[2J");
        assert_eq!(first.role(), Some("master"));
        assert_eq!(first.value(Key::BatteryVoltage, now).to_string(), "54.2 V");
        let later = now + Duration::from_secs(14);
        assert_eq!(first.value(Key::BatteryVoltage, later).to_string(), "54.2 V old");
        assert_eq!(first.value(Key::Pv2Power, now).to_string(), "1705 W old");
        assert_eq!(first.text(Key::Warnings, now).unwrap(), "fan locked");
        assert_eq!(second.value(Key::BatteryVoltage, now), Value::Failed("gone"));
        assert_eq!(second.value(Key::Mode, now), Value::Absent);
        assert!(matches!(second.link, LinkState::Down { .. }));
        assert_eq!(bank.findings[0].values, "unit-1 54.2 V, unit-2 53.9 V");
        assert_eq!(bank.findings[0].acknowledged.as_deref(), Some("page"));
        // One string is stale, so that the sum of the sun is not known.
        let totals = bank.totals(now);
        assert_eq!((totals.solar, totals.load, totals.missing.len()), (None, Some(482.0), 1));
        assert_eq!(Flow::of(&totals), None);
        // A bridge without packs, or of an older version.
        assert_eq!(bank.packs, []);
    }

    /// Returns the values of a pack that were read at 998.
    fn pack_values() -> Json {
        let value = |value: Json| json!({ "status": "fresh", "value": value, "at": 998.0 });
        json!({
            "voltage": value(json!(53.76)),
            "current": value(json!(-4.36)),
            "state_of_charge": value(json!(91)),
            "lowest_cell_voltage": value(json!(3.359)),
            "highest_cell_voltage": value(json!(3.361)),
            "cell_voltage_spread": value(json!(2)),
            "temperature_1": value(json!(19)),
            "temperature_2": value(json!(20)),
            "status": value(json!("discharging")),
            "warnings": value(json!("none")),
            "protections": value(json!("cell over voltage")),
            "model": { "status": "fresh", "value": "LFP-51.2V100Ah-V1.0" },
        })
    }

    /// Returns a bank whose last three packs are stale, failed and not read yet.
    fn with_packs() -> Json {
        let mut document = document();
        let each = |status: Json| {
            let mut values = pack_values();
            values.as_object_mut().unwrap().values_mut().for_each(|value| *value = status.clone());
            values
        };
        let mut stale = pack_values();
        for value in stale.as_object_mut().unwrap().values_mut() {
            value["status"] = json!("stale");
        }
        let failed = each(json!({ "status": "failed", "why": "no reply" }));
        let absent = each(json!({ "status": "absent" }));
        let down = json!({ "state": "down", "why": "no reply", "since": 950.0 });
        document["packs"] = json!({
            "a": { "n": 4, "link": { "state": "starting" }, "values": absent },
            "b": { "n": 3, "link": down, "values": failed },
            "c": { "n": 2, "link": { "state": "up" }, "values": stale },
            "d\u{1b}[2J": { "n": 1, "link": { "state": "up" }, "values": pack_values() },
        });
        document
    }

    #[test]
    fn packs_are_in_their_order_and_no_value_is_invented() {
        let now = Instant::now();
        let bank = overview(&with_packs(), now).unwrap();
        let names: Vec<_> = bank.packs.iter().map(|pack| pack.name.as_str()).collect();
        assert_eq!(names, ["d\\u001b[2J", "c", "b", "a"]);
        let [fresh, stale, failed, absent] = bank.packs.as_slice() else { panic!("{bank:?}") };
        let doing = "protects: cell over voltage; discharging";
        let cells = ["91 %", "53.76 V", "-4.36 A", "3.359 – 3.361 V", "2 mV", "20 °C", doing];
        assert_eq!(fresh.cells(now), cells);
        assert_eq!(fresh.model.as_deref(), Some("LFP-51.2V100Ah-V1.0"));
        assert_eq!(stale.cells(now)[..6], cells[..6]);
        assert_eq!((stale.cells(now)[6].as_str(), stale.fresh(now)), ("old", None));
        let none = |state| ["–", "–", "–", "–", "–", "–", state];
        assert_eq!(failed.cells(now), none("failed"));
        assert!(matches!(&failed.link, LinkState::Down { why, .. } if why == "no reply"));
        assert_eq!(absent.cells(now), none("not read yet"));
        assert_eq!(packs_in_short(&bank.packs, now).unwrap(), "1 of 4, 53.76 V, 91 %");
        // Without a further document, values become old.
        assert_eq!(fresh.cells(now + DEFAULT_LIMIT)[6], "old");
    }

    #[test]
    fn odd_values_of_a_pack_are_not_known() {
        let now = Instant::now();
        let mut document = with_packs();
        let values = &mut document["packs"]["d\u{1b}[2J"]["values"];
        values["voltage"]["value"] = json!("53.76");
        values["temperature_1"] = json!({ "status": "failed", "why": "no reply" });
        values["status"]["value"] = json!(2);
        values["warnings"] = json!(null);
        let bank = overview(&document, now).unwrap();
        let cells = bank.packs[0].cells(now);
        assert_eq!((cells[1].as_str(), cells[5].as_str()), ("–", "–"));
        assert_eq!(cells[6], "protects: cell over voltage");
        document["packs"] = json!([1, 2]);
        assert_eq!(overview(&document, now).unwrap().packs, []);
        document["packs"] = json!({ "a": 7 });
        assert_eq!(overview(&document, now).unwrap().packs[0].live(), None);
    }

    #[test]
    fn other_documents_are_refused_and_odd_members_ignored() {
        let now = Instant::now();
        assert_eq!(overview(&json!({ "error": "no" }), now), None);
        let mut document = document();
        document["units"]["96132206100410"]["values"]["battery_voltage"] =
            json!({ "status": "fresh", "value": [], "at": 998.0 });
        document["findings"] = json!("none");
        document["verdict"]["since"] = json!(-1e300);
        let bank = overview(&document, now).unwrap();
        assert_eq!(bank.units[0].value(Key::BatteryVoltage, now), Value::Absent);
        assert!(bank.findings.is_empty());
    }
}
