//! The state of one pack.

use super::switches::PackSwitches;
use crate::sim::{physics::battery, switches::SwitchError};

/// What the battery of the bank does at present.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Conditions {
    /// Current into the battery, A.
    pub(in crate::sim) current: f64,
    /// Voltage of the battery, V.
    pub(in crate::sim) volts: f64,
    /// Temperature of the air, °C.
    pub(in crate::sim) ambient: f64,
}

/// One pack: 16 LFP cells in series and its management system.
#[derive(Clone, Debug)]
pub(super) struct Pack {
    pub(super) switches: PackSwitches,
    /// Capacity without the switch `capacity`, Ah.
    share: f64,
    /// True charge, Ah.
    charge: f64,
    /// State of charge that the counter shows, 0 to 1. It drifts, and corrects itself at full.
    counter: f64,
    /// Current into the pack, A.
    pub(super) current: f64,
    /// Voltage of the pack, V.
    pub(super) volts: f64,
    /// Temperature of the cells, °C.
    pub(super) temperature: f64,
    /// Whether a cell has exceeded its highest voltage.
    over: bool,
    /// Whether a cell has fallen below its lowest voltage.
    under: bool,
    /// Charge that has flowed out, Ah.
    discharged: f64,
}

impl Pack {
    pub(super) fn new(share: f64, soc: f64) -> Self {
        let mut pack = Self {
            switches: PackSwitches::default(),
            share,
            charge: share * soc,
            counter: soc,
            current: 0.0,
            volts: 0.0,
            temperature: 25.0,
            over: false,
            under: false,
            discharged: 0.0,
        };
        pack.volts = pack.rest_voltage();
        pack
    }

    /// Sets a switch.
    pub(super) fn switch(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        let (before, fill) = (self.switches.clone(), self.fill());
        self.switches.set(name, value)?;
        if self.switches.capacity != before.capacity {
            self.charge = fill * self.capacity();
        }
        if let Some(soc) = self.switches.soc.filter(|_| self.switches.soc != before.soc) {
            (self.charge, self.counter) = (soc * self.capacity(), soc);
        }
        let drift = self.switches.drift - before.drift;
        self.counter = (self.counter + drift).clamp(0.0, 1.0);
        Ok(())
    }

    /// Gives the pack another share of the capacity, Ah, and perhaps state of charge.
    pub(super) fn replace(&mut self, share: f64, soc: Option<f64>) {
        let fill = soc.unwrap_or(self.fill());
        self.share = share;
        self.charge = fill * self.capacity();
        if soc.is_some() {
            self.counter = (fill + self.switches.drift).clamp(0.0, 1.0);
        }
    }

    pub(super) fn capacity(&self) -> f64 {
        self.switches.capacity.unwrap_or(self.share)
    }

    /// Returns the true state of charge, which can exceed 1 slightly.
    pub(super) fn fill(&self) -> f64 {
        self.charge / self.capacity()
    }

    /// Returns the state of charge that the counter shows, 0 to 1.
    pub(super) fn counter(&self) -> f64 {
        self.counter
    }

    /// Returns the number of charge cycles.
    pub(super) fn cycles(&self) -> f64 {
        self.switches.cycles + (self.discharged / self.capacity()).floor()
    }

    pub(super) fn rest_voltage(&self) -> f64 {
        battery::rest_voltage_at(self.fill())
    }

    /// Returns the resistance, ohms: that of the switch, or 3 ohm Ah divided by the capacity.
    pub(super) fn resistance(&self) -> f64 {
        self.switches.resistance.unwrap_or(3.0 / self.capacity())
    }

    /// Returns whether the pack is connected to the others.
    pub(super) fn is_connected(&self) -> bool {
        !self.switches.breaker_off && self.protections() & !HARMLESS == 0
    }

    pub(super) fn can_charge(&self) -> bool {
        self.is_connected()
    }

    pub(super) fn can_discharge(&self) -> bool {
        self.is_connected()
    }

    /// Sets the current that flows if the terminals of all packs have a voltage, V, by which the current is
    /// divided. `battery` is the voltage of the battery, V.
    pub(super) fn set_current(&mut self, terminals: f64, battery: f64) {
        if self.is_connected() {
            self.current = (terminals - self.rest_voltage()) / self.resistance();
            self.volts = battery;
        } else {
            (self.current, self.volts) = (0.0, self.rest_voltage());
        }
    }

    /// Charges the pack for a time, hours.
    pub(super) fn step(&mut self, conditions: &Conditions, hours: f64) {
        let flow = self.current * hours;
        let capacity = self.capacity();
        self.charge = (self.charge + flow).clamp(-0.01 * capacity, 1.05 * capacity);
        self.counter = (self.counter + flow / capacity).clamp(0.0, 1.0);
        self.discharged += (-flow).max(0.0);
        self.temperature = conditions.ambient + self.current.abs() * 0.05;
        let cells = self.cells();
        let high = cells.iter().copied().fold(f64::MIN, f64::max);
        let low = cells.iter().copied().fold(f64::MAX, f64::min);
        // Full: the charge current falls while the cells are high.
        if high > 3.45 && (0.0..0.05 * capacity).contains(&self.current) {
            self.counter = 1.0;
        }
        self.over = high > 3.80 || self.over && high > 3.45;
        self.under = low < 2.30 || self.under && low < 3.10;
    }

    /// Returns the voltages of the cells, V, whose sum is that of the pack.
    pub(super) fn cells(&self) -> [f64; 16] {
        let offsets = self.switches.offsets;
        let mean = (self.volts - offsets.iter().sum::<f64>()) / 16.0;
        offsets.map(|offset| mean + offset)
    }

    /// Returns the bits of the protections that are active.
    pub(super) fn protections(&self) -> u16 {
        let own = u16::from(self.over) * 0x0002 + u16::from(self.under) * 0x0008;
        self.switches.protect | own
    }
}

/// Bits of protections that do not disconnect a pack: 0x1000, as full packs were observed with it.
const HARMLESS: u16 = 0x1000;
