//! The AC source of several units, and differences between what the units measure of it.
//!
//! The public grid has a steady frequency. The voltage and frequency of a generator change within a second, so
//! that units which are read one after another show different values. A difference counts only if both readings
//! of one unit, `GS` and its own `PGSn`, are above both readings of another one, and a source that drifts has a
//! greater tolerance.

use pi18_proto::{Decihertz, Decivolts, GeneralStatus, ParallelStatus, Percent};

use super::{
    measured::Measured,
    output::follows_grid,
    spread::{Steps, difference, spread},
};

/// Voltage and frequency of an AC source.
type Ac = (Decivolts, Decihertz);

/// An AC source that several units measure.
pub(crate) struct Source {
    value: fn(&GeneralStatus) -> Ac,
    again: fn(&ParallelStatus) -> Ac,
    /// Whether this can be the public grid or a generator, so that it may drift.
    may_drift: fn(&Measured<'_>) -> bool,
}

/// The AC input.
pub(crate) static GRID: Source = Source {
    value: |status| (status.grid_voltage, status.grid_frequency),
    again: |status| (status.grid_voltage, status.grid_frequency),
    may_drift: |_| true,
};

/// The AC output, which follows the grid unless the inverter feeds it alone.
pub(crate) static OUTPUT: Source = Source {
    value: |status| (status.output_voltage, status.output_frequency),
    again: |status| (status.output_voltage, status.output_frequency),
    may_drift: follows_grid,
};

/// A difference that is greater than its limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Gap<Q> {
    /// The greatest difference between two units, from `GS`.
    pub(crate) found: Q,
    /// The limit: that of a steady source, or that of one that drifts.
    pub(crate) max: Q,
}

impl Source {
    /// Returns the difference between the voltages of the units, if it exceeds `max`, or `drift` per cent if
    /// the source drifts.
    pub(crate) fn voltage_gap(
        &self,
        units: &[&Measured<'_>],
        max: Decivolts,
        drift: Percent,
    ) -> Option<Gap<Decivolts>> {
        self.gap(units, max, drift, |(voltage, _)| voltage)
    }

    /// Returns the difference between the frequencies of the units, as [`voltage_gap`](Self::voltage_gap).
    pub(crate) fn frequency_gap(
        &self,
        units: &[&Measured<'_>],
        max: Decihertz,
        drift: Percent,
    ) -> Option<Gap<Decihertz>> {
        self.gap(units, max, drift, |(_, frequency)| frequency)
    }

    /// Returns the difference between the voltages of two groups of units, if each voltage of one group exceeds
    /// each of the other by more than the limit. The groups may be the legs of a split phase, whose voltages move
    /// without a neutral: so only the frequency shows a generator.
    pub(crate) fn voltage_gap_between(
        &self,
        one: &[&Measured<'_>],
        other: &[&Measured<'_>],
        max: Decivolts,
        drift: Percent,
    ) -> Option<Gap<Decivolts>> {
        let all: Vec<_> = one.iter().chain(other).copied().collect();
        let voltage = |(voltage, _)| voltage;
        let is_generator = self.has_generator_frequency(&all);
        let max = self.limit(&all, max, drift, voltage, is_generator);
        let range = |units: &[&Measured<'_>]| {
            let readings = units.iter().flat_map(|unit| self.readings(unit, voltage));
            Some((readings.clone().min()?, readings.max()?))
        };
        let ((least, greatest), (other_least, other_greatest)) = (range(one)?, range(other)?);
        let found = (least - other_greatest).max(other_least - greatest);
        (found > max.steps()).then_some(Gap { found: Decivolts::from_steps(found), max })
    }

    fn gap<Q: Steps>(
        &self,
        units: &[&Measured<'_>],
        max: Q,
        drift: Percent,
        quantity: fn(Ac) -> Q,
    ) -> Option<Gap<Q>> {
        let max = self.limit(units, max, drift, quantity, self.drifts(units));
        let readings = units.iter().map(|unit| self.readings(unit, quantity));
        let highest_of_least = readings.clone().map(|[now, again]| now.min(again)).max()?;
        let least_of_highest = readings.map(|[now, again]| now.max(again)).min()?;
        let found = spread(units.iter().map(|unit| quantity((self.value)(&unit.status))));
        (highest_of_least - least_of_highest > max.steps()).then_some(Gap { found, max })
    }

    /// Returns both readings of a quantity. Without a second reading, it is the first one again.
    fn readings<Q: Steps>(&self, unit: &Measured<'_>, quantity: fn(Ac) -> Q) -> [i64; 2] {
        self.both(unit).map(|ac| quantity(ac).steps())
    }

    /// Returns the largest difference that is tolerated.
    fn limit<Q: Steps>(
        &self,
        units: &[&Measured<'_>],
        max: Q,
        drift: Percent,
        quantity: fn(Ac) -> Q,
        drifts: bool,
    ) -> Q {
        if !drifts {
            return max;
        }
        let readings = units.iter().map(|unit| quantity((self.value)(&unit.status)).steps());
        let greatest = readings.max().unwrap_or_default();
        Q::from_steps((greatest * i64::from(drift.0) / 100).max(max.steps()))
    }

    /// Returns whether the source is a generator: its frequency is far from 50 and 60 Hz, or the two readings
    /// of a unit differ.
    fn drifts(&self, units: &[&Measured<'_>]) -> bool {
        let is_moving = |unit: &&Measured<'_>| {
            let [(voltage, frequency), (voltage_again, frequency_again)] = self.both(unit);
            voltage.0 > 0
                && voltage_again.0 > 0
                && (difference(voltage, voltage_again) > STEADY_VOLTAGE
                    || difference(frequency, frequency_again) > STEADY_FREQUENCY)
        };
        self.has_generator_frequency(units) || self.may_drift(units) && units.iter().any(is_moving)
    }

    /// Returns whether the frequency of the source is far from 50 and 60 Hz.
    fn has_generator_frequency(&self, units: &[&Measured<'_>]) -> bool {
        let is_far = |(_, frequency): Ac| frequency.0 > 0 && distance(frequency) > MAX_OFF_NOMINAL;
        self.may_drift(units) && units.iter().any(|unit| self.both(unit).into_iter().any(is_far))
    }

    fn may_drift(&self, units: &[&Measured<'_>]) -> bool {
        units.iter().any(|unit| (self.may_drift)(unit))
    }

    /// Returns both readings. Without a second reading, it is the first one again.
    fn both(&self, unit: &Measured<'_>) -> [Ac; 2] {
        let now = (self.value)(&unit.status);
        [now, unit.again.map_or(now, |again| (self.again)(&again))]
    }
}

/// Returns the distance to the nearer one of 50 and 60 Hz.
fn distance(frequency: Decihertz) -> i64 {
    difference(frequency, Decihertz(500)).min(difference(frequency, Decihertz(600)))
}

/// Largest distance of the public grid's frequency from 50 or 60 Hz, in steps of 0.1 Hz (assumed: grids
/// disconnect loads before the distance is 1 Hz).
const MAX_OFF_NOMINAL: i64 = 10;

/// Largest difference between two readings of a steady voltage, in steps of 0.1 V (assumed).
const STEADY_VOLTAGE: i64 = 10;

/// Largest difference between two readings of a steady frequency, in steps of 0.1 Hz (assumed).
const STEADY_FREQUENCY: i64 = 1;
