//! The wires to the units: one per unit, and more while several links lead to one unit.
//!
//! Each wire has a [`Line`], which carries bytes both ways and applies the switches of its unit.

mod damage;
pub(super) mod line;

use std::time::Duration;

use self::line::Line;
use super::MAX_UNITS;

/// All wires, by number. The first wire of each unit has the number of the unit.
#[derive(Debug)]
pub(super) struct Wires(Vec<Wire>);

/// One wire to a unit.
#[derive(Debug)]
struct Wire {
    unit: usize,
    line: Line,
    /// Whether a link uses the wire.
    in_use: bool,
}

impl Wires {
    /// Creates the first wire of each unit that a bank can have.
    pub(super) fn new() -> Self {
        Self(
            (0..MAX_UNITS)
                .map(|unit| Wire { unit, line: Line::default(), in_use: false })
                .collect(),
        )
    }

    /// Returns the line of a wire and the number of its unit.
    pub(super) fn line(&mut self, wire: usize) -> Option<(&mut Line, usize)> {
        self.0.get_mut(wire).map(|wire| (&mut wire.line, wire.unit))
    }

    /// Returns the lines of a unit.
    pub(super) fn lines_of(&self, unit: usize) -> impl Iterator<Item = &Line> {
        self.0.iter().filter(move |wire| wire.unit == unit).map(|wire| &wire.line)
    }

    /// Returns the lines of a unit, to change them.
    pub(super) fn lines_of_mut(&mut self, unit: usize) -> impl Iterator<Item = &mut Line> {
        self.0.iter_mut().filter(move |wire| wire.unit == unit).map(|wire| &mut wire.line)
    }

    /// Returns the time at which the next byte on a wire reaches either end.
    pub(super) fn next_due(&self, wire: usize) -> Option<Duration> {
        self.0.get(wire)?.line.next_due()
    }

    /// Returns the time at which the next byte reaches a unit, and its wire; `None` if it is after `now`.
    pub(super) fn next_arrival(&self, now: Duration) -> Option<(Duration, usize)> {
        let arrivals =
            (0..).zip(&self.0).filter_map(|(index, wire)| Some((wire.line.arrival()?, index)));
        arrivals.min().filter(|(due, _)| *due <= now)
    }

    /// Marks an unused wire to `unit` as used and returns its number. Adds a wire if all wires of the unit
    /// are in use.
    pub(super) fn plug(&mut self, unit: usize, connected: bool) -> usize {
        let free = self.0.iter().position(|wire| wire.unit == unit && !wire.in_use);
        if let Some(index) = free {
            if let Some(wire) = self.0.get_mut(index) {
                wire.in_use = true;
            }
            return index;
        }
        let mut line = Line::default();
        if !connected {
            line.disconnect();
        }
        self.0.push(Wire { unit, line, in_use: true });
        self.0.len() - 1
    }

    /// Marks a wire as unused. The first wire of a unit keeps its bytes; other wires are cleared.
    pub(super) fn unplug(&mut self, index: usize) {
        if let Some(wire) = self.0.get_mut(index) {
            wire.in_use = false;
            wire.line.set_adapter(false);
            if index >= MAX_UNITS && wire.line.is_connected() {
                wire.line = Line::default();
            }
        }
    }
}
