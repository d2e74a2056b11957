//! A bank for other programs. Keys and forms are those of the API of the bridge (`GET /api/v1/bank`), where it has them.

use std::{collections::BTreeMap, time::Instant};

use lvx_parallel::Severity;
use serde::Serialize;

use super::{
    bank::Overview,
    finding::Finding,
    key::Key,
    pack::{Measured, Pack},
    totals::Totals,
    unit::{LinkState, Unit},
    value::{Datum, Value},
    verdict::Verdict,
};

/// A bank at one moment.
#[derive(Debug, Serialize)]
struct Document<'a> {
    verdict: JsonVerdict<'a>,
    totals: JsonTotals<'a>,
    units: Vec<JsonUnit<'a>>,
    packs: Vec<JsonPack<'a>>,
    findings: Vec<JsonFinding<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonVerdict<'a> {
    level: &'static str,
    title: &'a str,
    detail: &'a str,
    step: Option<&'a str>,
}

/// Sums over the units that were read.
#[derive(Debug, Serialize)]
struct JsonTotals<'a> {
    units: usize,
    missing: &'a [String],
    pv_power: Option<f64>,
    load_power: Option<f64>,
    load: Option<f64>,
    battery_power: Option<f64>,
    battery_current: Option<f64>,
    battery_voltage: Option<f64>,
    battery_voltage_spread: Option<f64>,
    state_of_charge: Option<f64>,
    pv_energy_today: Option<f64>,
    grid_voltage: Option<f64>,
    grid_frequency: Option<f64>,
    line_direction: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct JsonUnit<'a> {
    name: &'a str,
    serial: Option<&'a str>,
    link: JsonLink<'a>,
    /// Values that were asked for.
    values: BTreeMap<&'static str, JsonValue<'a>>,
}

/// A battery pack; without values if it could not be read.
#[derive(Debug, Serialize)]
struct JsonPack<'a> {
    name: &'a str,
    model: Option<&'a str>,
    link: JsonLink<'a>,
    values: BTreeMap<&'static str, JsonPackValue>,
}

/// A value of a pack.
#[derive(Debug, Serialize)]
struct JsonPackValue {
    status: &'static str,
    value: serde_json::Value,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'static str,
}

#[derive(Debug, Serialize)]
struct JsonLink<'a> {
    state: &'static str,
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// A value; never a number if it could not be read.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum JsonValue<'a> {
    Fresh {
        value: JsonDatum<'a>,
        #[serde(skip_serializing_if = "str::is_empty")]
        unit: &'static str,
    },
    Stale {
        value: JsonDatum<'a>,
        #[serde(skip_serializing_if = "str::is_empty")]
        unit: &'static str,
    },
    Failed {
        why: &'a str,
    },
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum JsonDatum<'a> {
    Number(f64),
    Text(&'a str),
}

#[derive(Debug, Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    level: Severity,
    title: &'a str,
    values: &'a str,
    why: &'a str,
    #[serde(rename = "do")]
    steps: &'a [String],
}

impl Overview {
    /// Returns the bank as a JSON document in one line.
    ///
    /// # Errors
    /// Those of `serde_json`; none of them occurs for this document.
    pub(crate) fn to_json(&self, now: Instant) -> serde_json::Result<String> {
        let totals = self.totals(now);
        serde_json::to_string(&Document {
            verdict: verdict(&self.verdict),
            totals: sums(&totals),
            units: self.units.iter().map(|of| unit(of, now)).collect(),
            packs: self.packs.iter().map(|of| pack(of, now)).collect(),
            findings: self.findings.iter().map(finding).collect(),
        })
    }
}

fn verdict(verdict: &Verdict) -> JsonVerdict<'_> {
    let Verdict { level, title, detail, step, .. } = verdict;
    JsonVerdict { level: level.word(), title, detail, step: step.as_deref() }
}

fn sums(totals: &Totals) -> JsonTotals<'_> {
    JsonTotals {
        units: totals.units,
        missing: &totals.missing,
        pv_power: totals.solar,
        load_power: totals.load,
        load: totals.load_percent,
        battery_power: totals.battery.map(|power| rounded(power, 0)),
        battery_current: totals.current,
        battery_voltage: totals.voltage.map(|voltage| rounded(voltage, 1)),
        battery_voltage_spread: totals.spread.map(|spread| rounded(spread, 1)),
        state_of_charge: totals.charge.map(|charge| rounded(charge, 0)),
        pv_energy_today: totals.today,
        grid_voltage: totals.grid,
        grid_frequency: totals.grid_frequency,
        line_direction: totals.line.as_deref(),
    }
}

/// Rounds a computed number, whose further digits say nothing.
fn rounded(number: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (number * factor).round() / factor
}

/// Returns the state of a link in a word, and why it is down.
fn link(link: &LinkState) -> (&'static str, Option<&str>) {
    match link {
        LinkState::Starting => ("starting", None),
        LinkState::Up => ("up", None),
        LinkState::Down { why, .. } => ("down", Some(why.as_str())),
    }
}

fn pack(pack: &Pack, now: Instant) -> JsonPack<'_> {
    let (state, why) = link(&pack.link);
    let status = if pack.fresh(now).is_some() { "fresh" } else { "stale" };
    let value = |(key, value, unit)| (key, JsonPackValue { status, value, unit });
    JsonPack {
        name: &pack.name,
        model: pack.model.as_deref(),
        link: JsonLink { state, address: &pack.name, why },
        values: pack.live().map(pack_values).unwrap_or_default().into_iter().map(value).collect(),
    }
}

/// Returns the values of a pack with their keys and units. A value whose scale is not known is left out.
fn pack_values(live: &Measured) -> Vec<(&'static str, serde_json::Value, &'static str)> {
    let numbers = [
        ("voltage", &live.voltage),
        ("state_of_charge", &live.state_of_charge),
        ("temperature", &live.temperature),
        ("current", &live.current),
        ("lowest_cell", &live.lowest_cell),
        ("highest_cell", &live.highest_cell),
    ];
    let numbers = numbers.into_iter().filter_map(|(key, datum)| match datum {
        Some(Datum::Number { number, unit, decimals }) => {
            // A number without decimals is written as an integer.
            let text = format!("{number:.*}", usize::from(*decimals));
            Some((key, text.parse::<serde_json::Number>().ok()?.into(), *unit))
        }
        _ => None,
    });
    let texts = [
        ("status", &live.status),
        ("warnings", &live.warnings),
        ("protections", &live.protections),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(key, datum)| Some((key, datum.as_ref()?.to_string().into(), "")));
    numbers.chain(texts).collect()
}

fn unit(unit: &Unit, now: Instant) -> JsonUnit<'_> {
    let (state, why) = link(&unit.link);
    let value = |key: &Key| Some((key.info().api, value(unit.value(*key, now))?));
    JsonUnit {
        name: &unit.name,
        serial: unit.serial.as_deref(),
        link: JsonLink { state, address: &unit.address, why },
        values: Key::ALL.iter().filter_map(value).collect(),
    }
}

fn value(value: Value<'_>) -> Option<JsonValue<'_>> {
    let datum = |datum| match datum {
        &Datum::Number { number, unit, .. } => (JsonDatum::Number(number), unit),
        Datum::Text(text) => (JsonDatum::Text(text.as_str()), ""),
    };
    Some(match value {
        Value::Fresh(read) => {
            let (value, unit) = datum(read);
            JsonValue::Fresh { value, unit }
        }
        Value::Stale(read) => {
            let (value, unit) = datum(read);
            JsonValue::Stale { value, unit }
        }
        Value::Failed(why) => JsonValue::Failed { why },
        Value::Absent => return None,
    })
}

fn finding(finding: &Finding) -> JsonFinding<'_> {
    let Finding { rule, severity, title, values, why, steps, .. } = finding;
    JsonFinding { rule, level: *severity, title, values, why, steps }
}
