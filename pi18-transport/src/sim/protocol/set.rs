//! The set commands: the conditions under which a unit accepts them, and their effects.
//!
//! A value has to be within the unit's [`limits`]. These further rules were observed on units:
//!
//! - Bulk, float and cut-off voltages can be set only with battery type user.
//! - The maximum charge current cannot be changed while the unit charges (switch `charging-lock`).
//! - The re-discharge voltage must be above 0 and at most the float voltage (switch `redischarge-limits`).
//! - `PF` restores the factory settings, and can change the serial number (switch `pf-serial`).
//! - A command with a unit number changes that unit, whichever unit receives it. It is refused while the units
//!   do not hear of each other (assumed).

use pi18_proto::{
    BatteryType, Decivolts, Edition, Flag, LoadConnection, MachineType, SerialNumber, SetCommand,
    Switch,
};

use crate::sim::{
    calendar,
    chance::happens,
    physics::{measure::charge_current, settle::settle},
    unit::{
        Unit,
        extras::{Extras, Window},
        limits,
        settings::Settings,
    },
    world::World,
};

/// Carries out a set command, unless the switches `refuse` or `ignore` prevent it. Returns whether the
/// unit accepts it.
pub(crate) fn try_set(world: &mut World, unit: usize, command: SetCommand) -> bool {
    let quirks = world
        .units
        .get(unit)
        .map(|unit| (unit.switches.quirks.refuse, unit.switches.quirks.ignore));
    let (refuse, ignore) = quirks.unwrap_or_default();
    if happens(refuse, &mut world.random) {
        return false;
    }
    happens(ignore, &mut world.random) || set(world, unit, command)
}

/// Carries out a set command on the unit whose number it contains, or on `unit` if it contains none. Returns
/// whether the unit accepts it.
fn set(world: &mut World, unit: usize, command: SetCommand) -> bool {
    let target = match command {
        SetCommand::MaxChargeCurrent { unit: instance, .. }
        | SetCommand::MaxAcChargeCurrent { unit: instance, .. }
        | SetCommand::ChargerPriority { unit: instance, .. }
        | SetCommand::OutputMode { unit: instance, .. } => world.by_instance(unit, instance),
        _ => Some(unit),
    };
    if target != Some(unit) && world.last_reports.is_some() {
        return false;
    }
    let (now, running, clock) = (world.now, world.running, world.clock());
    let Some(unit) = target.and_then(|target| world.units.get_mut(target)) else {
        return false;
    };
    if !supports(unit, command) {
        return false;
    }
    let accepted = match command {
        SetCommand::Clock { time } => calendar::from_wire(time.0).is_some_and(|time| {
            unit.set_clock(time, clock, running);
            true
        }),
        _ => set_extra(unit, command) || set_shown(unit, command),
    };
    if accepted {
        unit.record_change(now);
        settle(world);
    }
    accepted
}

/// Returns whether the unit's edition has the command, and the unit has the flag that the command changes.
fn supports(unit: &Unit, command: SetCommand) -> bool {
    let quirks = &unit.switches.quirks;
    let has_flag = match command {
        SetCommand::EnableFlag { flag } | SetCommand::DisableFlag { flag } => match flag {
            Flag::LithiumTurnOn => quirks.flags >= 10,
            Flag::LithiumAutoTurnOn => quirks.flags >= 11,
            _ => true,
        },
        _ => true,
    };
    has_flag && command.info().since <= quirks.edition
}

/// Changes a setting that `PIRI` shows. Returns whether the unit accepts the command.
fn set_shown(unit: &mut Unit, command: SetCommand) -> bool {
    let quirks = &unit.switches.quirks;
    let rated = unit.switches.state.rated;
    let is_user = unit.settings.battery_type == BatteryType::USER;
    let mut new = unit.settings;
    let accepted = match command {
        SetCommand::RestoreDefaults {} => {
            new = Settings { regulation: new.regulation, ..Settings::factory(rated) };
            unit.extras.restore();
            let serial = SerialNumber::new(SERIAL_AFTER_RESTORE);
            unit.serial = serial.filter(|_| quirks.pf_serial).or(unit.serial);
            true
        }
        SetCommand::MaxChargeCurrent { current, .. } => {
            new.max_charge_current = current.get();
            let locked = quirks.charging_lock && charge_current(unit) > 0;
            !locked
                && limits::charge_currents(quirks.charge_currents).contains(&new.max_charge_current)
        }
        SetCommand::MaxAcChargeCurrent { current, .. } => {
            new.max_ac_charge_current = current.get();
            limits::AC_CHARGE_CURRENTS.contains(&new.max_ac_charge_current)
        }
        SetCommand::OutputFrequency { frequency } => {
            new.output_frequency.0 = frequency.number() * 10;
            true
        }
        SetCommand::ChargeVoltages { bulk, float } => {
            (new.bulk, new.float) = (bulk.get(), float.get());
            let accepts = |voltage| rated.accepts_charge_voltage(voltage);
            is_user && accepts(new.bulk) && accepts(new.float)
        }
        SetCommand::OutputVoltage { voltage } => {
            new.output_voltage = Decivolts(voltage.number());
            limits::accepts_output_voltage(voltage)
        }
        SetCommand::OutputPriority { priority } => {
            new.output_priority = priority.code();
            true
        }
        SetCommand::RechargeVoltages { recharge, redischarge } => {
            (new.recharge, new.redischarge) = (recharge.get(), redischarge.get());
            let in_limits = new.redischarge.0 > 0 && new.redischarge <= new.float;
            rated.accepts_recharge(new.recharge)
                && rated.accepts_redischarge(new.redischarge)
                && (in_limits || !quirks.redischarge_limits)
        }
        SetCommand::ChargerPriority { priority, .. } => {
            new.charger_priority = priority.code();
            true
        }
        SetCommand::SolarPriority { priority } => {
            new.solar_priority = priority.code();
            true
        }
        SetCommand::InputRange { range } => {
            new.input_range = range.code();
            true
        }
        SetCommand::BatteryType { battery_type } => {
            new.set_battery_type(battery_type.code(), rated);
            if let Some([bulk, float, cutoff]) = quirks.stored_voltages
                && new.battery_type == BatteryType::USER
                && !is_user
            {
                (new.bulk, new.float, new.cutoff) = (bulk, float, cutoff);
            }
            limits::accepts_battery_type(new.battery_type, quirks.edition)
        }
        SetCommand::OutputMode { mode, .. } => {
            new.output_mode = mode.code();
            mode.code().0 <= 4 || quirks.edition == Edition::Pi18_2022
        }
        SetCommand::CutoffVoltage { voltage } => {
            new.cutoff = voltage.get();
            is_user && rated.accepts_cutoff(new.cutoff)
        }
        SetCommand::EnableFlag { flag: Flag::FeedToGrid } => {
            new.machine_type = MachineType::GRID_TIE;
            true
        }
        SetCommand::DisableFlag { flag: Flag::FeedToGrid } => {
            new.machine_type = MachineType::OFF_GRID;
            true
        }
        SetCommand::Regulation { state } => {
            new.regulation = state.code();
            true
        }
        _ => false,
    };
    if accepted {
        unit.settings = new;
    }
    accepted
}

/// Changes a setting that `PIRI` does not show, the output or the energy counters. Returns `false` if the
/// command changes something else.
fn set_extra(unit: &mut Unit, command: SetCommand) -> bool {
    let Extras { ac_charge, ac_load, modbus, led, soc, .. } = &mut unit.extras;
    match command {
        SetCommand::LoadSupply { supply } => {
            unit.load = match supply.code() {
                Switch::OFF => LoadConnection::DISCONNECTED,
                _ => LoadConnection::CONNECTED,
            };
        }
        SetCommand::EnableFlag { flag } if flag != Flag::FeedToGrid => {
            unit.extras.set_flag(flag, Switch::ON);
        }
        SetCommand::DisableFlag { flag } if flag != Flag::FeedToGrid => {
            unit.extras.set_flag(flag, Switch::OFF);
        }
        SetCommand::SerialNumber { serial_number } => unit.serial = Some(serial_number.get()),
        SetCommand::ClearEnergy {} => unit.energy.clear(),
        SetCommand::AcChargeWindow { start, end } => *ac_charge = Window { start, end },
        SetCommand::AcLoadWindow { start, end } => *ac_load = Window { start, end },
        SetCommand::Modbus { device_id, baud_rate, stop_bits, check_bits } => {
            modbus.device_id = device_id.get();
            modbus.baud_rate = baud_rate.get();
            modbus.stop_bits = stop_bits.get();
            modbus.check_bits = check_bits.get();
        }
        SetCommand::Led { on } => led.on = on.code(),
        SetCommand::LedSpeed { speed } => led.speed = speed.code(),
        SetCommand::LedEffect { effect } => led.effect = effect.code(),
        SetCommand::LedBrightness { brightness } => led.brightness = brightness.code(),
        SetCommand::LedData { data_shown } => led.data_shown = data_shown.code(),
        SetCommand::LedBackgroundColor { color } => led.background_color = color,
        SetCommand::LedDataColor { color } => led.data_color = color,
        SetCommand::LedEnergySourceColor { color } => led.energy_source_color = color,
        SetCommand::LedWelcome { effect } => led.welcome_effect = effect.code(),
        SetCommand::CutoffSoc { soc: limit } => soc.cutoff = limit.get(),
        SetCommand::SecondOutputCutoffSoc { soc: limit } => {
            soc.second_output_cutoff = limit.get();
        }
        SetCommand::RechargeSoc { soc: limit } => soc.recharge = limit.get(),
        SetCommand::RedischargeSoc { soc: limit } => soc.redischarge = limit.get(),
        _ => return false,
    }
    true
}

/// Serial number after `PF` with the switch `pf-serial`, as observed on a unit. It is not a genuine one.
const SERIAL_AFTER_RESTORE: &str = "55355535553555";
