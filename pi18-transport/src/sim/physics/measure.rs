//! The measurements of a unit, as `GS` and `PGSn` report them.
//!
//! Values are rounded to the steps of the wire. The voltmeters of the units deviate by up to 0.04 V.

use pi18_proto::{
    Amperes, BatteryDirection, Celsius, ChargerStatus, DcAcDirection, Decihertz, Decivolts,
    GeneralStatus, LineDirection, LoadConnection, ParallelStatus, Percent, Presence, VoltAmperes,
    Watts, WorkingMode,
};

use super::{
    flow::feeds_load,
    grid,
    panels::{self, PvString},
    soc,
};
use crate::sim::{
    round::{round_u16, round_u32},
    unit::Unit,
    world::World,
};

/// Returns the reply of a unit to `GS`.
pub(crate) fn general_status(world: &World, unit: &Unit) -> GeneralStatus {
    let flow = &unit.flow;
    let (grid_voltage, grid_frequency) = grid::now(world);
    let on = feeds_load(unit.mode);
    let on_line = on && unit.mode != WorkingMode::BATTERY && world.has_grid();
    let (output_voltage, output_frequency) = match (on, on_line) {
        (false, _) => (Decivolts(0), Decihertz(0)),
        (true, true) => (shifted(grid_voltage, unit), grid_frequency),
        (true, false) => {
            (shifted(unit.settings.output_voltage, unit), unit.settings.output_frequency)
        }
    };
    let apparent = apparent_power(unit);
    let rated = f64::from(unit.switches.state.rated.power());
    let connected = if on { LoadConnection::CONNECTED } else { LoadConnection::DISCONNECTED };
    let powers = panels::powers(&unit.strings, flow.pv);
    let [pv1, pv2] = powers.map(|power| Watts(round_u32(power)));
    let [string1, string2] = &unit.strings;
    let [taken1, taken2] = powers;
    let [charger1, charger2] = unit.heat.chargers.map(celsius);
    let mut status = GeneralStatus::zeroed();
    status.grid_voltage = grid_voltage;
    status.grid_frequency = grid_frequency;
    status.output_voltage = output_voltage;
    status.output_frequency = output_frequency;
    status.apparent_power = VoltAmperes(round_u32(apparent));
    status.active_power = Watts(round_u32(flow.output));
    status.load_percent = Percent(round_u16(apparent / rated * 100.0));
    status.battery_voltage = battery_voltage(unit);
    // The voltages from the SCCs stay 0, as in every capture.
    status.discharge_current = Amperes(discharge_current(unit));
    status.charge_current = Amperes(charge_current(unit));
    status.battery_capacity = if unit.switches.state.battery_off {
        Percent(0)
    } else {
        Percent(round_u16(soc::shown(unit) * 100.0))
    };
    status.heat_sink_temperature = celsius(unit.heat.sink);
    status.mppt1_temperature = charger1;
    status.mppt2_temperature = charger2;
    status.pv1_power = pv1;
    status.pv2_power = pv2;
    status.pv1_voltage = Decivolts(round_u16(string1.voltage(taken1) * 10.0));
    status.pv2_voltage = Decivolts(round_u16(string2.voltage(taken2) * 10.0));
    status.settings = unit.settings_state;
    status.mppt1_status = charger(string1, pv1);
    status.mppt2_status = charger(string2, pv2);
    status.load_connection = connected;
    status.battery_direction = match (charge_current(unit), discharge_current(unit)) {
        (0, 0) => BatteryDirection::IDLE,
        (_, 0) => BatteryDirection::CHARGING,
        _ => BatteryDirection::DISCHARGING,
    };
    status.dc_ac_direction = match flow.dc_to_ac.round() {
        power if power > 0.0 => DcAcDirection::DC_TO_AC,
        power if power < 0.0 => DcAcDirection::AC_TO_DC,
        _ => DcAcDirection::IDLE,
    };
    status.line_direction = match flow.grid.round() {
        power if power > 0.0 => LineDirection::INPUT,
        power if power < 0.0 => LineDirection::OUTPUT,
        _ => LineDirection::IDLE,
    };
    status.parallel_instance = unit.instance();
    status
}

/// Returns the reply of the unit `asked` to `PGSn` about the unit `about`; `None` if it has never heard of it.
pub(crate) fn parallel_status(world: &World, asked: &Unit, about: usize) -> Option<ParallelStatus> {
    let known = |unit: &Unit| match &world.last_reports {
        Some(reports) if unit.index != asked.index => {
            reports.get(unit.index).map(|report| report.status)
        }
        _ => Some(own_parallel_status(world, unit)),
    };
    let all: Vec<_> = world.units.iter().filter_map(known).collect();
    let mut reply = known(world.units.get(about)?)?;
    reply.total_apparent_power.0 = all.iter().map(|status| status.apparent_power.0).sum();
    reply.total_active_power.0 = all.iter().map(|status| status.active_power.0).sum();
    reply.total_charge_current.0 = all.iter().map(|status| status.charge_current.0).sum();
    let rated: u32 = world.units.iter().map(|unit| unit.switches.state.rated.power()).sum();
    let load = f64::from(reply.total_apparent_power.0) / f64::from(rated);
    reply.total_load_percent = Percent(round_u16(load * 100.0));
    Some(reply)
}

/// Returns what a unit reports of itself to the others: the reply to `PGSn` without the totals of the bank.
pub(crate) fn own_parallel_status(world: &World, unit: &Unit) -> ParallelStatus {
    let status = general_status(world, unit);
    let mut reply = ParallelStatus::zeroed();
    reply.presence = Presence::PRESENT;
    reply.working_mode = unit.mode;
    reply.fault = unit.fault();
    reply.grid_voltage = status.grid_voltage;
    reply.grid_frequency = status.grid_frequency;
    reply.output_voltage = status.output_voltage;
    reply.output_frequency = status.output_frequency;
    reply.apparent_power = status.apparent_power;
    reply.active_power = status.active_power;
    reply.load_percent = status.load_percent;
    reply.battery_voltage = status.battery_voltage;
    reply.discharge_current = status.discharge_current;
    reply.charge_current = status.charge_current;
    reply.battery_capacity = status.battery_capacity;
    reply.pv1_power = status.pv1_power;
    reply.pv2_power = status.pv2_power;
    reply.pv1_voltage = status.pv1_voltage;
    reply.pv2_voltage = status.pv2_voltage;
    reply.mppt1_status = status.mppt1_status;
    reply.mppt2_status = status.mppt2_status;
    reply.load_connection = status.load_connection;
    reply.battery_direction = status.battery_direction;
    reply.dc_ac_direction = status.dc_ac_direction;
    reply.line_direction = status.line_direction;
    reply.temperature = status
        .heat_sink_temperature
        .max(status.mppt1_temperature)
        .max(status.mppt2_temperature)
        .into();
    reply
}

/// Returns the apparent power that the unit supplies to the house, VA.
pub(crate) fn apparent_power(unit: &Unit) -> f64 {
    unit.flow.output.hypot(unit.reactive)
}

/// Returns an AC output voltage with the error of the switch.
fn shifted(voltage: Decivolts, unit: &Unit) -> Decivolts {
    Decivolts(round_u16(f64::from(voltage.0) + unit.switches.state.output_offset * 10.0))
}

/// Rounds a temperature.
fn celsius(temperature: f64) -> Celsius {
    let degrees = round_u16(temperature.abs()).cast_signed();
    Celsius(if temperature < 0.0 { -degrees } else { degrees })
}

/// Returns the current into the battery, A; 0 while it is discharged.
pub(crate) fn charge_current(unit: &Unit) -> u16 {
    if unit.switches.state.battery_off { 0 } else { round_u16(unit.current) }
}

/// Returns the current out of the battery, A; 0 while it is charged.
fn discharge_current(unit: &Unit) -> u16 {
    if unit.switches.state.battery_off { 0 } else { round_u16(-unit.current) }
}

/// Returns the battery voltage that the unit measures, with the error of its voltmeter.
fn battery_voltage(unit: &Unit) -> Decivolts {
    if unit.switches.state.battery_off {
        return Decivolts(0);
    }
    Decivolts(round_u16(unit.measured_volts() * 10.0))
}

/// Returns the status of the charger of a string while it takes this power.
fn charger(string: &PvString, power: Watts) -> ChargerStatus {
    match power.0 {
        _ if string.abnormal => ChargerStatus::ABNORMAL,
        0 => ChargerStatus::IDLE,
        _ => ChargerStatus::CHARGING,
    }
}
