//! The rows of a battery pack.

use lvx_parallel::pack::{
    CentiampereHours, Centiamperes, Centivolts, DeciampereHours, Label, Live,
};
use lvx_settings::Millivolts;
use pi18_proto::{Celsius, Percent};

use super::{
    Entity,
    compute::{count, known, latency, quantity, short},
    row::{computed, live},
};
use crate::state::{Datum, PackView, Value};

/// Writes the row of the voltage of a cell.
macro_rules! cell {
    // Number of the cell, from 1 on.
    ($number:literal) => {
        live("cells", concat!("Cell ", $number, " voltage"), |live| {
            live.cell_voltages().get($number - 1).copied().and_then(steps)
        })
        .key(concat!("cell_", $number, "_voltage"))
        .measured("V", 3)
    };
}

/// Writes the row of a temperature sensor.
macro_rules! sensor {
    // Number of the sensor, from 1 on.
    ($number:literal) => {
        live("sensors", concat!("Temperature sensor ", $number), |live| {
            steps(live.sensors?.get($number - 1)?)
        })
        .key(concat!("sensor_", $number, "_temperature"))
        .measured("°C", 0)
    };
}

/// Writes the row of a counter of the link, which starts at zero with the bridge.
macro_rules! link {
    // The field of `LinkCounts`, and the counter in words.
    ($field:ident, $name:literal) => {
        computed(concat!("link_", stringify!($field)), $name, |pack: &PackView, _| {
            count(pack.link.counts.$field)
        })
        .counted("")
        .live()
        .diagnostic()
    };
}

/// Everything that is published about a battery pack. A test compares it with the fields of the measurements.
pub const PACK: &[Entity<PackView>] = &[
    live("voltage", "Voltage", |live| steps(live.voltage)).measured("V", 2).enabled(),
    live("current", "Current", |live| steps(live.current.value()?)).measured("A", 2).enabled(),
    computed("power", "Power", |pack: &PackView, now| pack.value(power, now.instant))
        .measured("W", 0)
        .enabled(),
    live("state_of_charge", "State of charge", |live| steps(live.state_of_charge))
        .measured("%", 0)
        .class("battery")
        .enabled(),
    live("remaining", "Remaining charge", |live| steps(live.remaining.value()?))
        .key("remaining_charge")
        .measured("Ah", 2),
    live("max_charge_current", "Maximum charge current", |live| {
        steps(live.max_charge_current.value()?)
    })
    .measured("A", 2),
    live("state_of_health", "State of health", |live| steps(live.state_of_health)).measured("%", 0),
    // Cells.
    live("cells", "Highest cell voltage", |live| steps(live.highest_cell()?.1))
        .key("highest_cell_voltage")
        .measured("V", 3)
        .enabled(),
    live("cells", "Lowest cell voltage", |live| steps(live.lowest_cell()?.1))
        .key("lowest_cell_voltage")
        .measured("V", 3)
        .enabled(),
    live("cells", "Spread of cell voltage", |live| {
        Some(quantity(live.cell_spread()?.0.into(), 0, "mV"))
    })
    .key("cell_voltage_spread")
    .measured("mV", 0)
    .enabled(),
    live("cells", "Highest cell", |live| number(live.highest_cell()?.0))
        .key("highest_cell")
        .number("", 0),
    live("cells", "Lowest cell", |live| number(live.lowest_cell()?.0))
        .key("lowest_cell")
        .number("", 0),
    cell!(1),
    cell!(2),
    cell!(3),
    cell!(4),
    cell!(5),
    cell!(6),
    cell!(7),
    cell!(8),
    cell!(9),
    cell!(10),
    cell!(11),
    cell!(12),
    cell!(13),
    cell!(14),
    cell!(15),
    cell!(16),
    live("balancing", "Balancing", |live| text(live.balancing?)),
    // Temperatures. The two of the cells have no fixed order.
    live("board_temperature", "Board temperature", |live| steps(live.board_temperature))
        .measured("°C", 0)
        .enabled(),
    live("temperature_1", "Temperature 1", |live| steps(live.temperature_1))
        .measured("°C", 0)
        .enabled(),
    live("temperature_2", "Temperature 2", |live| steps(live.temperature_2))
        .measured("°C", 0)
        .enabled(),
    sensor!(1),
    sensor!(2),
    sensor!(3),
    sensor!(4),
    sensor!(5),
    sensor!(6),
    // State. Full, healthy packs have warnings and protections, too: only findings are alarms.
    live("status", "Status", |live| text(live.status?)).enabled(),
    live("warnings", "Warnings", |live| text(live.warnings?)).enabled(),
    live("protections", "Protections", |live| text(live.protections?)).enabled(),
    live("errors", "Errors", |live| text(live.errors?)).diagnostic(),
    live("cycles", "Charge cycles", |live| number(live.cycles?)).counted(""),
    // Identity and ratings. What the label has as a serial number does not identify a pack.
    computed("model", "Model", |pack: &PackView, _| label(pack, |label| &label.model)).fixed(),
    computed("firmware", "Firmware", |pack: &PackView, _| label(pack, |label| &label.firmware))
        .fixed(),
    computed("label_serial", "Serial number or date on the label", |pack: &PackView, _| {
        label(pack, |label| &label.serial)
    })
    .fixed(),
    live("full_capacity", "Full capacity", |live| {
        Some(quantity(live.full_capacity?.milliampere_hours().into(), 3, "Ah"))
    })
    .number("Ah", 3)
    .fixed(),
    live("design_capacity", "Design capacity", |live| steps(live.design_capacity?))
        .number("Ah", 1)
        .fixed(),
    live("cells_in_series", "Cells in series", |live| number(live.cells_in_series?))
        .number("", 0)
        .fixed(),
    // The link.
    computed("link_address", "Link address", |pack: &PackView, _| {
        known(Datum::Text(pack.link.address.clone()))
    })
    .fixed(),
    computed("link_latency", "Link latency", |pack: &PackView, _| latency(&pack.link))
        .measured("ms", 0)
        .diagnostic(),
    link!(exchanges, "Link exchanges"),
    link!(timeouts, "Link timeouts"),
    link!(refusals, "Refused questions"),
    link!(unreadable, "Unreadable replies"),
    link!(connects, "Link connects"),
    link!(missed_deadlines, "Missed deadlines"),
];

/// Returns the power in watts, above 0 while the pack is charged.
fn power(live: &Live) -> Option<Datum> {
    let current = i64::from(live.current.value()?.0);
    let product = i64::from(live.voltage.0) * current;
    // Rounds half away from zero, the same in both directions.
    Some(quantity((product + 5000 * product.signum()) / 10_000, 0, "W"))
}

/// Returns a text of the label; absent if the label was not read, or has none.
fn label(pack: &PackView, text: fn(&Label) -> &String) -> Value {
    let text = pack.label.as_ref().map(text).filter(|text| !text.is_empty());
    text.map_or(Value::Absent, |text| known(Datum::Text(text.clone())))
}

#[expect(clippy::unnecessary_wraps, reason = "a row needs an option")]
fn text(value: impl std::fmt::Display) -> Option<Datum> {
    Some(Datum::Text(short(&value.to_string())))
}

fn number(number: impl TryInto<i64>) -> Option<Datum> {
    Some(quantity(number.try_into().ok()?, 0, ""))
}

#[expect(clippy::unnecessary_wraps, reason = "a row needs an option")]
fn steps(value: impl Steps) -> Option<Datum> {
    Some(value.datum())
}

/// A quantity of a pack.
trait Steps {
    /// Returns the quantity with its steps, decimals and unit.
    fn datum(self) -> Datum;
}

/// Implements [`Steps`] for a quantity.
macro_rules! steps {
    // The type, the digits after the decimal point, and the unit.
    ($($quantity:ident: $decimals:literal $unit:literal),* $(,)?) => {$(
        impl Steps for $quantity {
            fn datum(self) -> Datum {
                quantity(self.0.into(), $decimals, $unit)
            }
        }
    )*};
}

steps! {
    Centivolts: 2 "V",
    Centiamperes: 2 "A",
    CentiampereHours: 2 "Ah",
    DeciampereHours: 1 "Ah",
    Millivolts: 3 "V",
    Celsius: 0 "°C",
    Percent: 0 "%",
}
