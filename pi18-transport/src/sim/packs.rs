//! The battery of the bank as packs in parallel, each with a management system that answers Modbus.
//!
//! The packs divide the current of the battery by their open-circuit voltages and resistances. They are observers:
//! the units see the battery as a whole. Only if no pack is connected, no current can flow.
//!
//! | module | content |
//! |---|---|
//! | `pack` | the state of one pack: charge, counter, cells, protections |
//! | `registers` | the registers that a pack shows |
//! | `modbus` | requests and replies |
//! | `line` | the bytes between a host and a pack, with faults |
//! | `switches` | how a pack behaves |
//!
//! The registers are written here from the maker's document, not with the reader of another crate, so that tests
//! reveal mistakes in that reader.

mod line;
mod modbus;
mod pack;
mod registers;
mod switches;

use std::time::Duration;

use bytes::BytesMut;

pub(super) use self::pack::Conditions;
use self::{line::PackLine, pack::Pack};
use super::{round::count, switches::SwitchError};

pub use self::switches::PackSwitchInfo;

/// The largest number of packs in a bank. Packs are numbered from 0.
pub const MAX_PACKS: usize = 16;

/// The packs of a bank and the lines to them.
#[derive(Debug)]
pub(super) struct Packs {
    list: Vec<Pack>,
    lines: Vec<PackLine>,
    /// Capacity of the battery, Ah.
    capacity: f64,
    /// Whether cables chain the packs, so that only the first answers on its port.
    is_chained: bool,
    /// Whether the first pack answers with the summary of a chain.
    has_summary: bool,
    random: fastrand::Rng,
}

impl Packs {
    /// Returns packs that divide a battery with this capacity, Ah, and state of charge, 0 to 1.
    pub(super) fn new(capacity: f64, soc: f64, seed: u64) -> Self {
        let mut packs = Self {
            list: Vec::new(),
            lines: Vec::new(),
            capacity,
            is_chained: false,
            has_summary: false,
            random: fastrand::Rng::with_seed(seed),
        };
        packs.resize(DEFAULT_PACKS, soc);
        packs
    }

    /// Returns the number of packs.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Gives the battery another capacity, Ah, or state of charge, 0 to 1.
    pub(super) fn replace(&mut self, capacity: Option<f64>, soc: Option<f64>) {
        if capacity.is_none() && soc.is_none() {
            return;
        }
        self.capacity = capacity.unwrap_or(self.capacity);
        let share = self.capacity / count(self.list.len().max(1));
        for pack in &mut self.list {
            pack.replace(share, soc);
        }
    }

    fn resize(&mut self, len: usize, soc: f64) {
        let share = self.capacity / count(len.max(1));
        self.list.truncate(len);
        for pack in &mut self.list {
            pack.replace(share, None);
        }
        while self.list.len() < len {
            self.list.push(Pack::new(share, soc));
        }
        self.lines.resize_with(len, PackLine::default);
    }

    /// Sets a switch of a pack, such as `drift=-20`, or of all packs, such as `chain=on`.
    pub(super) fn switch(&mut self, pack: usize, text: &str) -> Result<(), SwitchError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let soc = self.list.first().map_or(0.5, Pack::fill);
        let on = |value: &str| match value {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(SwitchError::value(name, "on|off", value)),
        };
        match name {
            "chain" => self.is_chained = on(value)?,
            "summary" => self.has_summary = on(value)?,
            "packs" => {
                let len = value.parse().ok().filter(|len| (1..=MAX_PACKS).contains(len));
                let len = len.ok_or_else(|| SwitchError::value(name, "1 to 16", value))?;
                self.resize(len, soc);
            }
            _ => {
                let last = self.list.len().saturating_sub(1);
                let wrong = || SwitchError::value("pack", format!("0 to {last}"), pack.to_string());
                self.list.get_mut(pack).ok_or_else(wrong)?.switch(name, value)?;
            }
        }
        Ok(())
    }

    /// Returns whether a current can flow into at least one pack, and out of one.
    pub(super) fn path(&self) -> (bool, bool) {
        let charge = self.list.iter().any(Pack::can_charge);
        let discharge = self.list.iter().any(Pack::can_discharge);
        (charge, discharge)
    }

    /// Charges the packs for a time, hours.
    pub(super) fn step(&mut self, conditions: &Conditions, hours: f64) {
        self.divide(conditions);
        for pack in &mut self.list {
            pack.step(conditions, hours);
        }
    }

    /// Divides the current of the battery over the connected packs, whose terminals have one voltage.
    fn divide(&mut self, conditions: &Conditions) {
        let (mut conductance, mut source) = (0.0, conditions.current);
        for pack in self.list.iter().filter(|pack| pack.is_connected()) {
            conductance += 1.0 / pack.resistance();
            source += pack.rest_voltage() / pack.resistance();
        }
        let volts = if conductance > 0.0 { source / conductance } else { 0.0 };
        for pack in &mut self.list {
            pack.set_current(volts, conditions.volts);
        }
    }

    /// Plugs a line into a pack, as an adapter that was just opened.
    pub(super) fn open(&mut self, pack: usize, now: Duration) {
        if let Some(line) = self.lines.get_mut(pack) {
            line.open(now);
        }
    }

    /// Returns whether a pack exists and its line is plugged in.
    pub(super) fn is_connected(&self, pack: usize) -> bool {
        self.list.get(pack).is_some_and(|pack| !pack.switches.cut)
    }

    /// Sends bytes from the host to a pack.
    pub(super) fn send(
        &mut self,
        pack: usize,
        bytes: &[u8],
        now: Duration,
        conditions: &Conditions,
    ) {
        self.divide(conditions);
        let is_silent = self.is_chained && pack > 0;
        let shows_summary = self.has_summary && pack == 0;
        let sum = registers::summary(&self.list);
        let (Some(own), Some(line)) = (self.list.get(pack), self.lines.get_mut(pack)) else {
            return;
        };
        for request in line.host_send(bytes, now, &own.switches) {
            if is_silent || request.address() != own.switches.address {
                continue;
            }
            let words = |start, count| {
                let all = if shows_summary { sum.clone() } else { own.registers() };
                registers::range(&all, start, count)
            };
            line.answer(request.reply(words), &own.switches, &mut self.random);
        }
    }

    /// Appends the bytes that have reached the host.
    pub(super) fn receive(&mut self, pack: usize, now: Duration, buffer: &mut BytesMut) {
        if let Some(line) = self.lines.get_mut(pack) {
            line.host_receive(now, buffer);
        }
    }

    /// Returns the time at which the next byte reaches the host.
    pub(super) fn next_due(&self, pack: usize) -> Option<Duration> {
        self.lines.get(pack)?.next_due()
    }
}

/// The packs of a bank without the switch `packs`: three of 100 Ah.
const DEFAULT_PACKS: usize = 3;
