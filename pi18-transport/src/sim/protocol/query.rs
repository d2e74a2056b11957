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
    let clock = || unit.clock(world.clock(), world.running);
    Some(match query {
        Query::ProtocolId => ProtocolId::PI18.into(),
        Query::MachineModel => {
            let model = unit.switches.state.model.unwrap_or(Model::V2_LV);
            MachineModel::new(model).into()
        }
        Query::Identity => Identity::new(unit.serial?).into(),
        Query::FirmwareVersions => unit.versions()?.into(),
        Query::Clock => Clock::new(calendar::to_wire(clock())?).into(),
        Query::TotalEnergy => TotalEnergy::new(unit.energy.total()).into(),
        Query::YearEnergy(year) => YearEnergy::new(unit.energy.of_year(year)).into(),
        Query::MonthEnergy(month) => MonthEnergy::new(unit.energy.of_month(month)).into(),
        Query::DayEnergy(day) => DayEnergy::new(unit.energy.of_day(day)).into(),
        Query::RatedInformation => rated_information(unit, &unit.shown(world.now)).into(),
        Query::GeneralStatus => general_status(world, unit).into(),
        Query::GeneralStatus2 => zeros::<GeneralStatus2>()?.into(),
        Query::Mode => Mode::new(unit.mode).into(),
        Query::FaultsAndWarnings => faults_and_warnings(world, unit)?.into(),
        Query::Flags => flags(unit).into(),
        Query::Defaults => defaults(unit)?.into(),
        Query::MaxChargeCurrents => {
            let currents = limits::charge_currents(quirks.charge_currents);
            MaxChargeCurrents::new(Currents::new(&currents)?).into()
        }
        Query::MaxAcChargeCurrents => {
            MaxAcChargeCurrents::new(Currents::new(limits::AC_CHARGE_CURRENTS)?).into()
        }
        Query::ParallelRating(instance) => {
            let target = world.by_instance(unit.index, instance);
            match target.and_then(|target| known_unit(world, unit, target)) {
                Some((target, shown)) => parallel_rating(target, &shown)?.into(),
                None => ParallelRating::decode(NO_RATING).ok()?.into(),
            }
        }
        Query::ParallelStatus(instance) => {
            let target = world.by_instance(unit.index, instance);
            match target.and_then(|target| parallel_status(world, unit, target)) {
                Some(status) => status.into(),
                None => zeros::<ParallelStatus>()?.into(),
            }
        }
        Query::AcChargeWindow => {
            let Window { start, end } = unit.extras.ac_charge;
            AcChargeWindow::new(start, end).into()
        }
        Query::AcLoadWindow => {
            let Window { start, end } = unit.extras.ac_load;
            AcLoadWindow::new(start, end).into()
        }
        Query::ModbusSettings => unit.extras.modbus.into(),
        Query::LedSettings => unit.extras.led.into(),
        Query::TwinOutput => TwinOutput::decode(TwinOutput::SAMPLE.as_bytes()).ok()?.into(),
        Query::SocLimits => unit.extras.soc.into(),
        _ => return None,
    })
}

/// Returns a unit with the settings that it shows, as the unit `asked` knows them: without communication, as it
/// last heard of them.
fn known_unit<'a>(world: &'a World, asked: &Unit, index: usize) -> Option<(&'a Unit, Settings)> {
    match &world.last_reports {
        Some(reports) if index != asked.index => {
            reports.get(index).map(|report| (&report.unit, report.shown))
        }
        _ => world.units.get(index).map(|unit| (unit, unit.shown(world.now))),
    }
}

/// Returns the reply to `FWS`: the fault, the warnings that follow from the state, and those of the
/// switch `warn`.
fn faults_and_warnings(world: &World, unit: &Unit) -> Option<FaultsAndWarnings> {
    let load = general_status(world, unit).load_percent.0;
    let from_state = [
        ("line_fail", !world.has_grid()),
        ("battery_low", unit.protection.low),
        ("battery_under", unit.protection.empty),
        ("overload", load > 100),
        ("over_temperature", unit.heat.is_high()),
        ("fan_locked", unit.switches.state.fan_off && unit.heat.needs_fan()),
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
    let mut rated = RatedInformation::zeroed();
    rated.input_voltage = settings.output_voltage;
    rated.input_current = current;
    rated.output_voltage = settings.output_voltage;
    rated.output_frequency = settings.output_frequency;
    rated.output_current = current;
    rated.output_apparent_power = VoltAmperes(power);
    rated.output_active_power = Watts(power);
    rated.battery_rated_voltage = unit.switches.state.rated.voltage();
    rated.recharge_voltage = settings.recharge;
    rated.redischarge_voltage = settings.redischarge;
    rated.cutoff_voltage = settings.cutoff;
    rated.bulk_voltage = settings.bulk;
    rated.float_voltage = settings.float;
    rated.battery_type = settings.battery_type;
    rated.max_ac_charge_current = settings.max_ac_charge_current;
    rated.max_charge_current = settings.max_charge_current;
    rated.input_range = settings.input_range;
    rated.output_priority = settings.output_priority;
    rated.charger_priority = settings.charger_priority;
    rated.parallel_max = Count(9);
    rated.machine_type = settings.machine_type;
    rated.topology = Topology::TRANSFORMERLESS;
    rated.output_mode = settings.output_mode;
    rated.solar_priority = settings.solar_priority;
    rated.mppt_strings = Count(2);
    rated.regulation = unit.follows_2022().then_some(settings.regulation);
    rated
}

/// Returns the reply to `PRIn` about a unit; `None` if it has no serial number.
fn parallel_rating(unit: &Unit, settings: &Settings) -> Option<ParallelRating> {
    let serial = unit.serial?;
    let mut rating = ParallelRating::zeroed();
    rating.presence = Presence::PRESENT;
    rating.serial_length = Count(serial.as_str().len().try_into().ok()?);
    rating.serial_padded = PaddedSerial::from(serial);
    rating.charger_priority = settings.charger_priority;
    rating.max_charge_current = settings.max_charge_current;
    rating.max_ac_charge_current = settings.max_ac_charge_current;
    rating.output_mode = settings.output_mode;
    Some(rating)
}

/// Returns the reply to `FLAG`, with as many fields as the switch `flags` sets.
fn flags(unit: &Unit) -> Flags {
    let count = unit.switches.quirks.flags;
    let feeds_grid = unit.follows_2022() && unit.settings.machine_type == MachineType::GRID_TIE;
    let mut flags = unit.extras.flags;
    flags.feed_to_grid = Some(if feeds_grid { Switch::ON } else { Switch::OFF });
    flags.lithium_turn_on = flags.lithium_turn_on.filter(|_| count >= 10);
    flags.lithium_auto_turn_on = flags.lithium_auto_turn_on.filter(|_| count >= 11);
    flags
}

/// Returns the reply to `DI`: a captured reply with the settings that `PF` restores on this unit.
fn defaults(unit: &Unit) -> Option<Defaults> {
    let settings = Settings::factory(unit.switches.state.rated);
    let mut defaults = Defaults::decode(Defaults::SAMPLE.as_bytes()).ok()?;
    defaults.output_voltage = settings.output_voltage;
    defaults.output_frequency = settings.output_frequency;
    defaults.cutoff_voltage = settings.cutoff;
    defaults.float_voltage = settings.float;
    defaults.bulk_voltage = settings.bulk;
    defaults.recharge_voltage = settings.recharge;
    defaults.redischarge_voltage = settings.redischarge;
    Some(defaults)
}

/// Returns a reply whose fields are all 0.
fn zeros<R: Reply>() -> Option<R> {
    R::decode(vec!["0"; R::FIELDS.len()].join(",").as_bytes()).ok()
}

/// The reply to `PRIn` about a unit that does not exist.
const NO_RATING: &[u8] = b"0,00,00000000000000000000,0,000,000,0";
