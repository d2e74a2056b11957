//! The bank: its units, their battery and their house, over time. No I/O, no clock.

use std::time::Duration;

use bytes::BytesMut;
use jiff::civil;
use pi18_proto::{AnyReply, Query};

use super::{
    MAX_UNITS,
    battery::Battery,
    day,
    line::Line,
    physics::STEP,
    settings::Settings,
    switches::{BankSwitches, SwitchError, Switches},
    unit::Unit,
    wires::Wires,
};

/// What a bank is made from.
#[derive(Clone, Debug)]
pub struct BankConfig {
    /// How many units, 1 to 9; the switch `units` overrides it.
    pub units: usize,
    /// Those of the first units; the others have the defaults.
    pub switches: Vec<Switches>,
}

impl Default for BankConfig {
    /// Two units as commissioned.
    fn default() -> Self {
        Self { units: 2, switches: Vec::new() }
    }
}

/// How many set commands a unit has got and how many it has accepted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SetCounts {
    /// Sound set commands that arrived, whatever became of them.
    pub received: u64,
    /// Those that were answered `^1`.
    pub accepted: u64,
}

/// One to nine units that share a battery and a house.
///
/// Time is what the caller says: a [`Duration`] since the bank's start that never goes back.
///
/// ```
/// use std::time::Duration;
///
/// use bytes::BytesMut;
/// use pi18_transport::sim::{Bank, BankConfig};
///
/// let mut bank = Bank::new(BankConfig::default())?;
/// bank.host_sends(0, b"^P005PIq\x8b\r", Duration::ZERO);
/// let mut reply = BytesMut::new();
/// bank.take(0, Duration::ZERO, &mut reply);
/// assert_eq!(reply, &b"^D00518;\x03\r"[..]);
/// # Ok::<(), pi18_transport::sim::SwitchError>(())
/// ```
#[derive(Debug)]
pub struct Bank {
    pub(super) units: Vec<Unit>,
    wires: Wires,
    pub(super) battery: Battery,
    pub(super) start: civil::DateTime,
    pub(super) switches: BankSwitches,
    pub(super) random: fastrand::Rng,
    /// The latest time that was told.
    now: Duration,
    /// How long clock and battery have been going.
    gone: Duration,
    /// How much of that is in the battery.
    pub(super) stepped: Duration,
}

impl Bank {
    /// A bank at its start.
    ///
    /// # Errors
    /// If there are not 1 to 9 units, or switches for more units than there are.
    pub fn new(config: BankConfig) -> Result<Self, SwitchError> {
        let mut switches = BankSwitches::default();
        for given in &config.switches {
            switches.update(&given.bank);
        }
        let count = switches.units.unwrap_or(config.units);
        let least = config.switches.len().max(1);
        if !(least..=MAX_UNITS).contains(&count) {
            let wanted = format!("{least} to {MAX_UNITS}");
            return Err(SwitchError::wrong("units", wanted, count.to_string()));
        }
        let start = switches.clock.unwrap_or(START);
        let capacity = switches.capacity.unwrap_or(CAPACITY);
        let mut bank = Self {
            units: Vec::new(),
            wires: Wires::new(),
            battery: Battery::new(capacity, switches.soc.unwrap_or(SOC)),
            start,
            random: fastrand::Rng::with_seed(switches.seed.unwrap_or_default()),
            switches,
            now: Duration::ZERO,
            gone: Duration::ZERO,
            stepped: Duration::ZERO,
        };
        bank.add_units(count, config.switches);
        Ok(bank)
    }

    fn add_units(&mut self, count: usize, switches: Vec<Switches>) {
        let mut switches = switches.into_iter();
        let is_more = self.units.len() < count;
        let morning = if is_more { day::energy_before(self.start) } else { 0.0 };
        for index in self.units.len()..count {
            let switches = switches.next().unwrap_or_default();
            self.units.push(Unit::new(index, switches, count == 1, self.start, morning));
        }
        self.settle();
    }

    /// How many units there are.
    #[must_use]
    pub fn units(&self) -> usize {
        self.units.len()
    }

    /// Changes a switch while the bank runs: `fault=83` raises the fault now.
    ///
    /// A switch of a setting puts the setting, `rated` all of them, `soc` the battery. `units` can
    /// add units; `clock` and `seed` have no effect any more.
    ///
    /// # Errors
    /// If there is no such unit or switch, or the value is not of its form.
    pub fn switch(&mut self, unit: usize, text: &str) -> Result<(), SwitchError> {
        let count = self.units.len();
        let Some(unit) = self.units.get_mut(unit) else {
            let wanted = format!("0 to {}", count.saturating_sub(1));
            return Err(SwitchError::wrong("unit", wanted, unit.to_string()));
        };
        let mut given = Switches { settings: Vec::new(), ..unit.switches.clone() };
        given.bank = BankSwitches::default();
        given.set(text)?;
        if given.state.rated != unit.switches.state.rated {
            unit.restart(Settings::commissioned(given.state.rated, count == 1));
        }
        for setting in &given.settings {
            unit.settings.put(*setting);
            unit.restart(unit.settings);
        }
        if given.state.serial != unit.switches.state.serial {
            unit.serial = given.state.serial;
        }
        self.switches.update(&given.bank);
        self.battery.set_capacity(given.bank.capacity.unwrap_or(self.battery.capacity()));
        self.battery.set_soc(given.bank.soc.unwrap_or(self.battery.soc()));
        let units = given.bank.units;
        unit.switches = given;
        self.add_units(units.unwrap_or(count), Vec::new());
        Ok(())
    }

    /// The host sends these bytes over a wire. Each unit has one of its own number; [`SharedBank`]
    /// adds one for each further link that is used at the same time.
    ///
    /// [`SharedBank`]: super::SharedBank
    pub fn host_sends(&mut self, wire: usize, bytes: &[u8], now: Duration) {
        self.advance(now);
        if let Some((line, unit)) = self.wires.line(wire)
            && let Some(unit) = self.units.get(unit)
        {
            line.send(bytes, self.now, &unit.switches.line);
        }
        self.advance(now);
    }

    /// Appends the bytes that are there by now at the host's end of a wire.
    pub fn take(&mut self, wire: usize, now: Duration, buffer: &mut BytesMut) {
        self.advance(now);
        if let Some((line, unit)) = self.wires.line(wire)
            && let Some(unit) = self.units.get(unit)
        {
            line.take(self.now, buffer, &unit.switches.line);
        }
    }

    /// When something happens on a wire the next time, if nobody does anything.
    #[must_use]
    pub fn next_due(&self, wire: usize) -> Option<Duration> {
        self.wires.next_due(wire)
    }

    /// Lets time go on.
    pub fn advance(&mut self, now: Duration) {
        let now = now.max(self.now);
        while let Some((due, wire)) = self.wires.next_arrival(now) {
            self.go_on(due);
            self.arrive(wire);
        }
        self.go_on(now);
    }

    /// What a unit would answer now, without its line; `None` if it would refuse.
    #[must_use]
    pub fn peek(&self, unit: usize, query: Query) -> Option<AnyReply> {
        self.answer(self.units.get(unit)?, query)
    }

    /// The set commands of a unit so far; none for a unit that does not exist.
    #[must_use]
    pub fn sets(&self, unit: usize) -> SetCounts {
        self.units.get(unit).map(|unit| unit.sets).unwrap_or_default()
    }

    /// Whether a unit is there and its wires are plugged in.
    #[must_use]
    pub fn is_connected(&self, unit: usize) -> bool {
        unit < self.units.len() && self.wires.of(unit).all(Line::is_connected)
    }

    /// Pulls a unit's wires. What was on them is lost.
    pub fn disconnect(&mut self, unit: usize) {
        self.wires.of_mut(unit).for_each(Line::disconnect);
    }

    /// Plugs them in again; the switch `disconnect` has had its effect then.
    pub fn reconnect(&mut self, unit: usize) {
        self.wires.of_mut(unit).for_each(Line::reconnect);
        if let Some(unit) = self.units.get_mut(unit) {
            unit.switches.line.disconnect = None;
        }
    }

    /// Whether a unit's TCP bridge serves several hosts at a time.
    #[cfg(unix)]
    pub(super) fn is_shared(&self, unit: usize) -> bool {
        self.units.get(unit).is_some_and(|unit| unit.switches.line.shared)
    }

    /// A wire to a unit that nobody else uses.
    pub(super) fn plug(&mut self, unit: usize) -> usize {
        self.wires.plug(unit, self.is_connected(unit))
    }

    /// A wire that is used no longer.
    pub(super) fn unplug(&mut self, wire: usize) {
        self.wires.unplug(wire);
    }

    /// How often a wire was pulled.
    #[cfg(unix)]
    pub(super) fn pulls(&mut self, wire: usize) -> u64 {
        self.wires.line(wire).map(|(line, _)| line.pulls()).unwrap_or_default()
    }

    /// A USB adapter is at the host's end of a wire from now on.
    #[cfg(target_os = "linux")]
    pub(super) fn put_in_reports(&mut self, wire: usize) {
        if let Some((line, _)) = self.wires.line(wire) {
            line.put_in_reports(true);
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// The bank's calendar.
    pub(super) fn clock(&self) -> civil::DateTime {
        day::later(self.start, self.gone)
    }

    pub(super) fn grid(&self) -> bool {
        self.switches.grid.unwrap_or(true)
    }

    /// The next byte reaches a unit; the last of a request makes it answer.
    fn arrive(&mut self, wire: usize) {
        let Some((line, unit)) = self.wires.line(wire) else {
            return;
        };
        let asked = self.units.get(unit).map(|unit| &unit.switches);
        let ignores_checksum = asked.is_some_and(|switches| switches.quirks.ignore_checksum);
        let switches = asked.map(|switches| switches.line).unwrap_or_default();
        let Some((at, heard)) = line.hear(ignores_checksum) else {
            return;
        };
        let swallowed = super::line::happens(switches.silent, &mut self.random);
        let reply = if swallowed { None } else { self.reply(unit, heard) };
        if let Some((line, _)) = self.wires.line(wire) {
            line.answer(reply, at, &switches, &mut self.random);
        }
    }

    fn go_on(&mut self, now: Duration) {
        let time = now.saturating_sub(self.now);
        self.now = self.now.max(now);
        if self.switches.frozen.unwrap_or(false) {
            return;
        }
        self.gone += time;
        while self.stepped + STEP <= self.gone {
            self.step();
        }
    }
}

impl BankSwitches {
    fn update(&mut self, given: &Self) {
        *self = Self {
            units: given.units.or(self.units),
            frozen: given.frozen.or(self.frozen),
            clock: given.clock.or(self.clock),
            seed: given.seed.or(self.seed),
            soc: given.soc.or(self.soc),
            capacity: given.capacity.or(self.capacity),
            load: given.load.or(self.load),
            sun: given.sun.or(self.sun),
            grid: given.grid.or(self.grid),
            gusts: given.gusts.or(self.gusts),
        };
    }
}

/// Midsummer, at noon.
const START: civil::DateTime = civil::DateTime::constant(2026, 6, 21, 12, 30, 0, 0);

/// Ah
const CAPACITY: f64 = 300.0;

/// 0 to 1
const SOC: f64 = 0.8;
