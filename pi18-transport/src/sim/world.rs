//! The state of the bank without its wires: units, battery, calendar.
//!
//! The physics change it over time, the protocol reads it for replies and changes it for set commands.

use std::time::Duration;

use jiff::civil;
use pi18_proto::{FaultCode, ParallelInstance, ParallelStatus};

use super::{
    MAX_UNITS, calendar,
    packs::{Conditions, Packs},
    physics::{
        battery::Battery,
        bms::{Bms, Path},
        day,
        losses::Account,
        panels,
        protection::Protection,
    },
    switches::{
        SwitchError, Switches,
        groups::{BankSwitches, Grid},
    },
    unit::{Unit, settings::Settings},
};

/// The units, the battery that they share, and the time.
#[derive(Debug)]
pub(super) struct World {
    pub(super) units: Vec<Unit>,
    pub(super) battery: Battery,
    /// Current into the battery in the present step, A; negative while it is discharged.
    pub(super) battery_current: f64,
    /// Voltage at the battery in the present step, V.
    pub(super) battery_volts: f64,
    pub(super) bms: Bms,
    /// The battery as packs in parallel.
    pub(super) packs: Packs,
    /// Energy since the bank's start.
    pub(super) account: Account,
    /// Date and time at the bank's start.
    pub(super) start: civil::DateTime,
    pub(super) switches: BankSwitches,
    /// Last reports of all units while their communication is interrupted; `None` otherwise.
    pub(super) last_reports: Option<Vec<LastReport>>,
    /// Generator of random numbers for everything that happens by chance.
    pub(super) random: fastrand::Rng,
    /// Time since the bank's start, including the time for which it was frozen.
    pub(super) now: Duration,
    /// Time since the bank's start without the time for which it was frozen.
    pub(super) running: Duration,
    /// Part of `running` for which the physics are computed: a whole number of steps.
    pub(super) stepped: Duration,
}

/// What a unit last reported of itself to the other units, before the communication failed.
#[derive(Clone, Debug)]
pub(super) struct LastReport {
    pub(super) status: ParallelStatus,
    pub(super) unit: Unit,
    /// Settings that it showed then.
    pub(super) shown: Settings,
}

impl World {
    /// Creates the world at its start. The caller has to compute modes and powers.
    pub(super) fn new(units: usize, switches: Vec<Switches>) -> Result<Self, SwitchError> {
        let mut shared = BankSwitches::default();
        for given in &switches {
            shared.update(&given.bank);
        }
        let count = shared.units.unwrap_or(units);
        let min = switches.len().max(1);
        if !(min..=MAX_UNITS).contains(&count) {
            let expected = format!("{min} to {MAX_UNITS}");
            return Err(SwitchError::value("units", expected, count.to_string()));
        }
        let capacity = shared.capacity.unwrap_or(CAPACITY);
        let soc = shared.soc.unwrap_or(STATE_OF_CHARGE);
        let mut world = Self {
            units: Vec::new(),
            battery: Battery::new(capacity, soc),
            packs: Packs::new(capacity, soc, shared.seed.unwrap_or_default()),
            battery_current: 0.0,
            battery_volts: 0.0,
            bms: Bms::default(),
            account: Account::default(),
            start: shared.clock.unwrap_or(START),
            random: fastrand::Rng::with_seed(shared.seed.unwrap_or_default()),
            switches: shared,
            last_reports: None,
            now: Duration::ZERO,
            running: Duration::ZERO,
            stepped: Duration::ZERO,
        };
        world.add_units(count, switches);
        Ok(world)
    }

    /// Adds units until there are `count`; the first new ones get `switches`.
    fn add_units(&mut self, count: usize, switches: Vec<Switches>) {
        let mut switches = switches.into_iter();
        let grows = self.units.len() < count;
        let available = if grows { day::energy_before(self.start) } else { 0.0 };
        for index in self.units.len()..count {
            let switches = switches.next().unwrap_or_default();
            let mut unit = Unit::new(index, switches, count == 1, self.start, available);
            unit.estimate = self.battery.soc();
            self.units.push(unit);
        }
    }

    /// Applies a switch to a unit or to the bank. The caller has to compute modes and powers afterwards.
    pub(super) fn switch(&mut self, unit: usize, text: &str) -> Result<(), SwitchError> {
        let count = self.units.len();
        let Some(unit) = self.units.get_mut(unit) else {
            let expected = format!("0 to {}", count.saturating_sub(1));
            return Err(SwitchError::value("unit", expected, unit.to_string()));
        };
        let mut given = Switches { settings: Vec::new(), ..unit.switches.clone() };
        given.bank = BankSwitches::default();
        given.set(text)?;
        if given.state.rated != unit.switches.state.rated {
            unit.replace_settings(Settings::commissioned(given.state.rated, count == 1));
        }
        for setting in &given.settings {
            unit.settings.put(*setting);
            unit.replace_settings(unit.settings);
        }
        unit.clock_offset += given.state.clock_offset - unit.switches.state.clock_offset;
        if given.state.clock_drift != unit.switches.state.clock_drift {
            // The clock goes on from its present time, at another pace.
            let at = calendar::later(self.start, self.running);
            let shown = unit.clock(at, self.running);
            unit.switches.state.clock_drift = given.state.clock_drift;
            unit.set_clock(shown, at, self.running);
        }
        if given.state.serial != unit.switches.state.serial {
            unit.serial = given.state.serial;
        }
        if given.state.fault == Some(FaultCode::NONE) {
            given.state.fault = None;
            unit.protection = Protection::default();
            unit.heat.tripped = false;
        }
        self.switches.update(&given.bank);
        self.battery.replace(given.bank.capacity, given.bank.soc);
        self.packs.replace(given.bank.capacity, given.bank.soc);
        let (units, charged) = (given.bank.units, given.bank.soc.is_some());
        unit.switches = given;
        if charged {
            // As after a full charge, all units know the true state of charge.
            for unit in &mut self.units {
                unit.estimate = self.battery.soc();
            }
        }
        self.add_units(units.unwrap_or(count), Vec::new());
        Ok(())
    }

    /// Returns the bank's date and time. A unit's clock may differ.
    pub(super) fn clock(&self) -> civil::DateTime {
        calendar::later(self.start, self.running)
    }

    /// Returns the temperature of the air, °C.
    pub(super) fn ambient(&self) -> f64 {
        self.switches.ambient.unwrap_or(panels::USUAL_AMBIENT)
    }

    /// Returns the source at the AC input.
    pub(super) fn grid(&self) -> Grid {
        self.switches.grid.unwrap_or(Grid::On)
    }

    /// Returns whether the grid, or a generator, supplies power.
    pub(super) fn has_grid(&self) -> bool {
        self.grid() != Grid::Off
    }

    /// Returns the directions in which a current can flow through the battery: those that the BMS allows, until the
    /// battery is at the end of its range.
    pub(super) fn path(&self) -> Path {
        let path = self.bms.path(self.switches.bms.unwrap_or_default());
        let (charge, discharge) = self.packs.path();
        Path {
            charge: path.charge && charge && self.battery.can_charge(),
            discharge: path.discharge && discharge && self.battery.can_discharge(),
        }
    }

    /// Returns what the battery does at present, for its packs.
    pub(super) fn conditions(&self) -> Conditions {
        Conditions {
            current: self.battery_current,
            volts: self.battery_volts,
            ambient: self.ambient(),
        }
    }

    /// Returns the index of the unit with an instance number: `receiver`, the unit that received the request,
    /// if it has that number, otherwise the first unit that has it.
    pub(super) fn by_instance(&self, receiver: usize, instance: ParallelInstance) -> Option<usize> {
        let matches = |unit: &&Unit| unit.instance() == instance.get();
        let receiver = self.units.get(receiver).filter(matches);
        receiver.or_else(|| self.units.iter().find(matches)).map(|unit| unit.index)
    }
}

/// The default start: midsummer, half past noon.
const START: civil::DateTime = civil::DateTime::constant(2026, 6, 21, 12, 30, 0, 0);

/// The default capacity of the battery, Ah.
const CAPACITY: f64 = 300.0;

/// The default state of charge, 0 to 1.
const STATE_OF_CHARGE: f64 = 0.8;
