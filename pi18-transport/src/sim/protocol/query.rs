//! The reply to each query.
//!
//! Measured values and settings are the present ones of the unit. Replies with other data are copied from
//! captures, or consist of zeros.

use pi18_proto::{
    AcChargeWindow, AcLoadWindow, AnyReply, Clock, Count, Currents, DayEnergy, Deciamperes,
    Defaults, FaultsAndWarnings, Flags, GeneralStatus2, Identity, MachineModel, MachineType,
    MaxAcChargeCurrents, MaxChargeCurrents, Mode, Model, MonthEnergy, PaddedSerial, ParallelRating,
    ParallelStatus, Presence, ProtocolId, Query, RatedInformation, Reply, Switch, Topology,
    TotalEnergy, TwinOutput, VoltAmperes, Watts, YearEnergy,
};

use crate::sim::{
    calendar,
    physics::measure::{general_status, parallel_status},
    round::round_u16,
    unit::{Unit, extras::Window, limits, settings::Settings},
    world::World,
};

/// Returns the reply of a unit to a query; `None` if the unit refuses the query.
pub(crate) fn answer(world: &World, unit: &Unit, query: Query) -> Option<AnyReply> {
    let quirks = &unit.switches.quirks;
    if query.info().since > quirks.edition {
        return None;
    }
    let clock = || calendar::shifted(world.clock(), unit.clock_offset);
    Some(match query {
        Query::ProtocolId => ProtocolId::PI18.into(),
        Query::MachineModel => {
            let model = unit.switches.state.model.unwrap_or(Model::V2_LV);
            MachineModel { model }.into()
        }
        Query::Identity => Identity { serial_number: unit.serial? }.into(),
        Query::FirmwareVersions => unit.versions()?.into(),
        Query::Clock => Clock { time: calendar::to_wire(clock())? }.into(),
        Query::TotalEnergy => TotalEnergy { energy: unit.energy.total() }.into(),
        Query::YearEnergy(year) => YearEnergy { energy: unit.energy.of_year(year) }.into(),
        Query::MonthEnergy(month) => MonthEnergy { energy: unit.energy.of_month(month) }.into(),
        Query::DayEnergy(day) => DayEnergy { energy: unit.energy.of_day(day) }.into(),
        Query::RatedInformation => rated_information(unit, &unit.shown(world.now)).into(),
        Query::GeneralStatus => general_status(world, unit).into(),
        Query::GeneralStatus2 => zeros::<GeneralStatus2>()?.into(),
        Query::Mode => Mode { working_mode: unit.mode }.into(),
        Query::FaultsAndWarnings => faults_and_warnings(world, unit)?.into(),
        Query::Flags => flags(unit).into(),
        Query::Defaults => defaults(unit)?.into(),
        Query::MaxChargeCurrents => {
            let currents = limits::charge_currents(quirks.charge_currents);
            MaxChargeCurrents { currents: Currents::new(&currents)? }.into()
        }
        Query::MaxAcChargeCurrents => {
            MaxAcChargeCurrents { currents: Currents::new(limits::AC_CHARGE_CURRENTS)? }.into()
        }
        Query::ParallelRating(instance) => {
            let target = world.by_instance(unit.index, instance);
            match target.and_then(|target| world.units.get(target)) {
                Some(target) => parallel_rating(target, &target.shown(world.now))?.into(),
                None => ParallelRating::decode(NO_RATING).ok()?.into(),
            }
        }
        Query::ParallelStatus(instance) => {
            let target = world.by_instance(unit.index, instance);
            match target.and_then(|target| world.units.get(target)) {
                Some(target) => parallel_status(world, target).into(),
                None => zeros::<ParallelStatus>()?.into(),
            }
        }
        Query::AcChargeWindow => {
            let Window { start, end } = unit.extras.ac_charge;
            AcChargeWindow { start, end }.into()
        }
        Query::AcLoadWindow => {
            let Window { start, end } = unit.extras.ac_load;
            AcLoadWindow { start, end }.into()
        }
        Query::ModbusSettings => unit.extras.modbus.into(),
        Query::LedSettings => unit.extras.led.into(),
        Query::TwinOutput => TwinOutput::decode(TwinOutput::SAMPLE.as_bytes()).ok()?.into(),
        Query::SocLimits => unit.extras.soc.into(),
    })
}

/// Returns the reply to `FWS`: the fault, the warnings that follow from the state, and those of the
/// switch `warn`.
fn faults_and_warnings(world: &World, unit: &Unit) -> Option<FaultsAndWarnings> {
    let load = general_status(world, unit).load_percent.0;
    let from_state = [
        ("line_fail", !world.has_grid()),
        ("battery_under", unit.stage.empty),
        ("overload", load > 100),
    ];
    let raised = |name: &str| {
        from_state.contains(&(name, true)) || unit.switches.state.warnings.contains(&name)
    };
    let warnings = FaultsAndWarnings::FIELDS.iter().skip(1);
    let mut row = format!("{:02}", unit.fault().0);
    for info in warnings.filter(|info| unit.follows_2022() || !info.optional) {
        row.push_str(if raised(info.name) { ",1" } else { ",0" });
    }
    FaultsAndWarnings::decode(row.as_bytes()).ok()
}

/// Returns the reply to `PIRI` with the settings that the unit shows now.
fn rated_information(unit: &Unit, settings: &Settings) -> RatedInformation {
    let power = unit.switches.state.rated.power();
    let current = f64::from(power) / settings.output_voltage.in_unit();
    let current = Deciamperes(round_u16(current * 10.0));
    let current = unit.switches.quirks.rated_current.unwrap_or(current);
    RatedInformation {
        input_voltage: settings.output_voltage,
        input_current: current,
        output_voltage: settings.output_voltage,
        output_frequency: settings.output_frequency,
        output_current: current,
        output_apparent_power: VoltAmperes(power),
        output_active_power: Watts(power),
        battery_rated_voltage: unit.switches.state.rated.voltage(),
        recharge_voltage: settings.recharge,
        redischarge_voltage: settings.redischarge,
        cutoff_voltage: settings.cutoff,
        bulk_voltage: settings.bulk,
        float_voltage: settings.float,
        battery_type: settings.battery_type,
        max_ac_charge_current: settings.max_ac_charge_current,
        max_charge_current: settings.max_charge_current,
        input_range: settings.input_range,
        output_priority: settings.output_priority,
        charger_priority: settings.charger_priority,
        parallel_max: Count(9),
        machine_type: settings.machine_type,
        topology: Topology::TRANSFORMERLESS,
        output_mode: settings.output_mode,
        solar_priority: settings.solar_priority,
        mppt_strings: Count(2),
        regulation: unit.follows_2022().then_some(settings.regulation),
    }
}

/// Returns the reply to `PRIn` about a unit; `None` if it has no serial number.
fn parallel_rating(unit: &Unit, settings: &Settings) -> Option<ParallelRating> {
    let serial = unit.serial?;
    Some(ParallelRating {
        presence: Presence::PRESENT,
        serial_length: Count(serial.as_str().len().try_into().ok()?),
        serial_padded: PaddedSerial::from(serial),
        charger_priority: settings.charger_priority,
        max_charge_current: settings.max_charge_current,
        max_ac_charge_current: settings.max_ac_charge_current,
        output_mode: settings.output_mode,
    })
}

/// Returns the reply to `FLAG`, with as many fields as the switch `flags` sets.
fn flags(unit: &Unit) -> Flags {
    let count = unit.switches.quirks.flags;
    let feeds_grid = unit.follows_2022() && unit.settings.machine_type == MachineType::GRID_TIE;
    let flags = unit.extras.flags;
    Flags {
        feed_to_grid: Some(if feeds_grid { Switch::ON } else { Switch::OFF }),
        lithium_turn_on: flags.lithium_turn_on.filter(|_| count >= 10),
        lithium_auto_turn_on: flags.lithium_auto_turn_on.filter(|_| count >= 11),
        ..flags
    }
}

/// Returns the reply to `DI`: a captured reply with the settings that `PF` restores on this unit.
fn defaults(unit: &Unit) -> Option<Defaults> {
    let settings = Settings::factory(unit.switches.state.rated);
    Some(Defaults {
        output_voltage: settings.output_voltage,
        output_frequency: settings.output_frequency,
        cutoff_voltage: settings.cutoff,
        float_voltage: settings.float,
        bulk_voltage: settings.bulk,
        recharge_voltage: settings.recharge,
        redischarge_voltage: settings.redischarge,
        ..Defaults::decode(Defaults::SAMPLE.as_bytes()).ok()?
    })
}

/// Returns a reply whose fields are all 0.
fn zeros<R: Reply>() -> Option<R> {
    R::decode(vec!["0"; R::FIELDS.len()].join(",").as_bytes()).ok()
}

/// The reply to `PRIn` about a unit that does not exist.
const NO_RATING: &[u8] = b"0,00,00000000000000000000,0,000,000,0";
