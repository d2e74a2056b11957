//! The packs for other programs.

use std::collections::BTreeMap;

use lvx_parallel::pack::{
    CentiampereHours, Centiamperes, DeciampereHours, Live, MapError, Varying,
};
use pi18_transport::{Address, Error};
use serde::Serialize;

use super::read::Pack;

/// A pack as JSON.
#[derive(Serialize)]
struct JsonPack<'a> {
    pack: &'a Address,
    model: Option<&'a str>,
    firmware: Option<&'a str>,
    /// Serial number or date of manufacture.
    serial: Option<&'a str>,
    /// Measurements; `None` if the pack was not read.
    values: Option<JsonLive>,
    /// Reason why the pack was not read, in a word.
    found: Option<&'static str>,
    error: Option<String>,
}

/// Measurements in V, A, Ah, °C and %. What the pack does not have, or whose scale is not known, is `null`.
#[derive(Serialize)]
struct JsonLive {
    voltage: f64,
    current: Option<f64>,
    state_of_charge: u16,
    state_of_health: u16,
    remaining: Option<f64>,
    full_capacity: Option<f64>,
    design_capacity: Option<f64>,
    max_charge_current: Option<f64>,
    cells: Vec<f64>,
    lowest_cell: Option<usize>,
    highest_cell: Option<usize>,
    cell_spread: Option<f64>,
    temperature_1: i16,
    temperature_2: i16,
    board_temperature: i16,
    sensors: Option<Vec<Option<i16>>>,
    status: Option<Bits>,
    warnings: Option<Bits>,
    protections: Option<Bits>,
    errors: Option<Bits>,
    balancing: Option<u16>,
    cycles: Option<u32>,
    /// Numbers in registers whose scale is not known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scale_not_known: BTreeMap<&'static str, i32>,
}

/// Bits with the names of those that have a known meaning.
#[derive(Serialize)]
struct Bits {
    bits: u16,
    names: Vec<&'static str>,
}

/// Returns all packs in one line.
pub(super) fn text(packs: &[Pack]) -> serde_json::Result<String> {
    serde_json::to_string(&packs.iter().map(object).collect::<Vec<_>>())
}

fn object(pack: &Pack) -> JsonPack<'_> {
    // The label of a port that did not show the values of a pack says nothing.
    let label = pack.label.as_ref().filter(|_| pack.live.is_ok());
    let error = pack.live.as_ref().err();
    JsonPack {
        pack: &pack.address,
        model: label.and_then(|label| some(&label.model)),
        firmware: label.and_then(|label| some(&label.firmware)),
        serial: label.and_then(|label| some(&label.serial)),
        values: pack.live.as_ref().ok().map(values),
        found: error.map(found),
        error: error.map(|error| format!("{error:#}")),
    }
}

/// Returns a text unless it is empty.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Returns the JSON value of `found`: the reason why the pack was not read.
fn found(error: &Error) -> &'static str {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    if let Some(MapError::OtherMap(_)) = source {
        "aggregate"
    } else if error.is_timeout() {
        "silent"
    } else if error.is_busy() {
        "busy"
    } else if error.is_permission() {
        "forbidden"
    } else if error.is_refused() || error.is_decode() {
        "other"
    } else {
        "failed"
    }
}

fn values(live: &Live) -> JsonLive {
    let volts = |millivolts: u16| f64::from(millivolts) / 1000.0;
    let sensors = |sensors: lvx_parallel::pack::Sensors| {
        (0..sensors.0.len()).map(|place| sensors.get(place).map(|degrees| degrees.0)).collect()
    };
    macro_rules! bits {
        ($flags:expr) => {
            $flags.map(|flags| Bits { bits: flags.0, names: flags.names().collect() })
        };
    }
    let raw = [
        ("current", raw(live.current)),
        ("max_charge_current", raw(live.max_charge_current)),
        ("remaining", live.remaining.value().is_none().then_some(live.remaining.raw())),
    ];
    JsonLive {
        voltage: live.voltage.in_unit(),
        current: live.current.value().map(Centiamperes::in_unit),
        state_of_charge: live.state_of_charge.0,
        state_of_health: live.state_of_health.0,
        remaining: live.remaining.value().map(CentiampereHours::in_unit),
        full_capacity: live
            .full_capacity
            .map(|capacity| f64::from(capacity.milliampere_hours()) / 1000.0),
        design_capacity: live.design_capacity.map(DeciampereHours::in_unit),
        max_charge_current: live.max_charge_current.value().map(Centiamperes::in_unit),
        cells: live.cell_voltages().iter().map(|cell| volts(cell.0)).collect(),
        lowest_cell: live.lowest_cell().map(|(number, _)| number),
        highest_cell: live.highest_cell().map(|(number, _)| number),
        cell_spread: live.cell_spread().map(|spread| volts(spread.0)),
        temperature_1: live.temperature_1.0,
        temperature_2: live.temperature_2.0,
        board_temperature: live.board_temperature.0,
        sensors: live.sensors.map(sensors),
        status: bits!(live.status),
        warnings: bits!(live.warnings),
        protections: bits!(live.protections),
        errors: bits!(live.errors),
        balancing: live.balancing.map(|cells| cells.0),
        cycles: live.cycles,
        scale_not_known: raw.into_iter().filter_map(|(key, raw)| Some((key, raw?))).collect(),
    }
}

/// Returns the number of the register if its scale is not known.
fn raw(current: Varying<Centiamperes>) -> Option<i32> {
    current.value().is_none().then_some(current.raw())
}
