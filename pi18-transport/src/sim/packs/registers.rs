//! The registers that a pack shows.
//!
//! Source: EG4-LL MODBUS V01.06, and captures of LP4 v2 packs.

use super::pack::Pack;
use crate::sim::round::{round_u16, round_u32};

impl Pack {
    /// Returns the registers from 0 on.
    pub(super) fn registers(&self) -> Vec<u16> {
        let shown = &self.switches;
        let mut all = vec![0; COUNT];
        let mut put = |register: usize, value: u16| {
            if let Some(place) = all.get_mut(register) {
                *place = value;
            }
        };
        let current = shown.current.unwrap_or(self.current);
        put(0, round_u16(shown.volts.unwrap_or(self.volts) * 100.0));
        put(1, signed(current * 100.0));
        let cells = self.cells().map(|cell| round_u16(cell * 1000.0));
        let cells = shown.cells.unwrap_or(cells);
        for (register, cell) in (2..18).zip(cells) {
            put(register, cell);
        }
        let temperature = shown.temperature.unwrap_or(self.temperature);
        put(18, signed(shown.board.unwrap_or(temperature + 1.0)));
        put(19, signed(temperature));
        put(20, signed(temperature));
        put(21, round_u16(shown.remaining.unwrap_or(self.counter() * self.capacity())));
        put(22, shown.limit);
        put(23, 100);
        put(24, round_u16(self.counter() * 100.0));
        let state = match current {
            current if current > 0.05 => 1,
            current if current < -0.05 => 2,
            _ => 0,
        };
        let protections = self.protections();
        put(25, if protections == 0 { state } else { state | 4 });
        put(26, shown.warn);
        put(27, protections);
        let [high, low] = halves(round_u32(self.cycles()));
        put(29, high);
        put(30, low);
        let [high, low] = halves(round_u32(self.capacity() * 3_600_000.0));
        put(31, high);
        put(32, low);
        let [.., degrees] = signed(temperature).to_be_bytes();
        let pair = u16::from_be_bytes([degrees, degrees]);
        put(33, pair);
        put(34, pair);
        put(36, 16);
        put(37, round_u16(self.capacity() * 10.0));
        put(38, self.balancing(current));
        for (register, text) in (105..).zip(LABEL.as_chunks().0) {
            put(register, u16::from_be_bytes(*text));
        }
        all
    }

    /// Returns the bits of the cells that are balanced: those far above the lowest while the pack is nearly full.
    fn balancing(&self, current: f64) -> u16 {
        let cells = self.cells();
        let low = cells.iter().copied().fold(f64::MAX, f64::min);
        let is_balanced = |cell: &f64| current > 0.0 && *cell > 3.40 && *cell > low + 0.010;
        let bits = (0..).zip(&cells).filter(|(_, cell)| is_balanced(cell));
        bits.fold(0, |bits, (cell, _)| bits | 1_u16 << cell)
    }
}

/// Returns the registers with which the first pack of a chain answers for all: zeros up to 17, sums from 19 on, and
/// its cells from 113 on.
pub(super) fn summary(packs: &[Pack]) -> Vec<u16> {
    let mut all = vec![0; COUNT];
    let Some(first) = packs.first() else { return all };
    let mut put = |register: usize, value: u16| {
        if let Some(place) = all.get_mut(register) {
            *place = value;
        }
    };
    let sum = |value: fn(&Pack) -> f64| packs.iter().map(value).sum::<f64>();
    let capacity = sum(Pack::capacity);
    let remaining = sum(|pack| pack.counter() * pack.capacity());
    put(21, round_u16(remaining / capacity * 100.0));
    put(22, round_u16(first.volts * 100.0));
    put(23, signed(sum(|pack| pack.current) * 100.0));
    put(24, signed(first.temperature));
    put(26, round_u16(remaining * 100.0));
    put(27, round_u16(capacity * 100.0));
    put(32, 100);
    for (register, cell) in (113..).zip(first.cells()) {
        put(register, round_u16(cell * 1000.0));
    }
    all
}

/// Returns `count` registers from `start` on; zeros for those that a pack does not have.
pub(super) fn range(all: &[u16], start: u16, count: u16) -> Vec<u16> {
    let registers = (usize::from(start)..).take(count.into());
    registers.map(|register| all.get(register).copied().unwrap_or_default()).collect()
}

/// Returns a rounded number with a sign as a register.
fn signed(value: f64) -> u16 {
    let magnitude = round_u16(value.abs()).min(0x7FFF);
    if value < 0.0 { magnitude.wrapping_neg() } else { magnitude }
}

/// Returns the two registers of a number, the high one first.
fn halves(number: u32) -> [u16; 2] {
    let [a, b, c, d] = number.to_be_bytes();
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

/// The number of registers.
const COUNT: usize = 136;

/// Model, firmware and date, registers 105 to 127.
const LABEL: &[u8; 46] = b"LFP-51.2V100Ah-V1.0\0\0\0\0\0Z03T2120240301\0\0\0\0\0\0\0\0";
