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
        packs: Vec::new(),
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
    unit.link = match link.get("state").and_then(Json::as_str) {
        Some("up") => LinkState::Up,
        Some("down") => LinkState::Down {
            why: text(link, "why").unwrap_or_default(),
            since: time(link, "since"),
        },
        _ => LinkState::Starting,
    };
    let number = values.get("parallel_instance").and_then(|value| value.get("value"));
    unit.number = number.and_then(Json::as_u64).and_then(|number| u16::try_from(number).ok());
    let limit = |query: &str| {
        let seconds = json.get("groups")?.get(query)?.get("limit")?.as_f64()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    for key in Key::ALL {
        let limit = limit(key.info().query).unwrap_or(DEFAULT_LIMIT);
        let held = values.get(key.info().api).and_then(|value| held(*key, value, limit, arrival));
        if let Some(held) = held {
            unit.put(*key, held);
        }
    }
    if let Some(held) = warnings(values, limit("FWS").unwrap_or(DEFAULT_LIMIT), arrival) {
        unit.put(Key::Warnings, held);
    }
    unit
}

fn held(key: Key, value: &Json, limit: Duration, arrival: &Arrival) -> Option<Held> {
    let info = key.info();
    let status = value.get("status")?.as_str()?;
    if status == "failed" {
        return Some(Held::Failed(text(value, "why").unwrap_or_default()));
    }
    let datum = match value.get("value")? {
        Json::Number(number) => {
            Datum::Number { number: number.as_f64()?, unit: info.unit, decimals: info.decimals }
        }
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
    let fault = held(Key::FaultCode, values.get("fault_code")?, limit, arrival)?;
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
    use crate::overview::{Flow, Value};

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
