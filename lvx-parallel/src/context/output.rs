//! Units that feed their output, and outputs that are far from their settings.

use pi18_proto::{Decihertz, Decivolts, LoadConnection, Percent, WorkingMode};

use super::{
    Context,
    measured::Measured,
    spread::{Steps, difference},
};

/// A unit whose output is far from its settings.
pub(crate) struct DeviatingOutput<'c, 'a> {
    pub(crate) measured: &'c Measured<'a>,
    pub(crate) deviation: Deviation,
    /// Whether the output follows the grid, and the grid is as far from the settings.
    pub(crate) is_due_to_grid: bool,
}

/// How an output deviates from its settings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deviation {
    VoltageHigh,
    VoltageLow,
    Frequency,
}

impl<'a> Context<'a> {
    /// Returns the measured units whose output is on. A unit with a fault may still supply its output; only its
    /// mode shows this.
    pub(crate) fn feeding(&self) -> impl Iterator<Item = &Measured<'a>> {
        let is_known = |each: &Measured<'_>| {
            each.unit.working_mode().is_some() || self.fault_of(each.unit).is_none()
        };
        self.measured.iter().filter(move |each| is_known(each) && feeds(each))
    }

    /// Returns the units whose output voltage or frequency is far from its setting in both readings.
    pub(crate) fn deviating_outputs(&self) -> Vec<DeviatingOutput<'_, 'a>> {
        let max_voltage = self.thresholds().output_voltage_deviation;
        let max_frequency = self.thresholds().output_frequency_deviation;
        let off = |measured| {
            deviating_voltage(measured, max_voltage)
                .or_else(|| deviating_frequency(measured, max_frequency))
        };
        self.feeding().filter_map(off).collect()
    }

    /// Returns whether an inverter itself gives its output a wrong voltage or frequency.
    pub(crate) fn has_wrong_output(&self) -> bool {
        self.deviating_outputs().iter().any(|off| !off.is_due_to_grid)
    }
}

/// Returns whether the output of a unit is on in both readings. A voltage of 0 is not a measurement.
fn feeds(measured: &Measured<'_>) -> bool {
    let is_connected = |connection| connection == LoadConnection::CONNECTED;
    measured.unit.working_mode().is_none_or(is_feeding_mode)
        && measured.lasts(
            |s| is_connected(s.load_connection) && s.output_voltage.0 > 0,
            |s| {
                is_connected(s.load_connection)
                    && s.output_voltage.0 > 0
                    && is_feeding_mode(s.working_mode)
            },
        )
}

fn is_feeding_mode(mode: WorkingMode) -> bool {
    is_on_line(mode) || mode == WorkingMode::BATTERY
}

/// Returns whether the output of a unit in this mode is connected to the grid.
fn is_on_line(mode: WorkingMode) -> bool {
    [WorkingMode::BYPASS, WorkingMode::HYBRID].contains(&mode)
}

/// Returns whether the output of a unit follows the grid.
pub(crate) fn follows_grid(measured: &Measured<'_>) -> bool {
    measured.unit.working_mode().is_none_or(is_on_line)
        && measured.lasts(|s| s.grid_voltage.0 > 0, |s| s.grid_voltage.0 > 0)
}

fn deviating_voltage<'c, 'a>(
    measured: &'c Measured<'a>,
    max: Percent,
) -> Option<DeviatingOutput<'c, 'a>> {
    let rated = measured.unit.rated.value()?;
    let follows_grid = follows_grid(measured);
    // A grid at the rated input voltage is right, even if another output voltage is set.
    let grid = Some(rated.input_voltage).filter(|grid| follows_grid && grid.0 > 0);
    let deviates = |voltage: Decivolts| {
        let is_far = |nominal| deviates(voltage, nominal, max);
        is_far(rated.output_voltage) && grid.is_none_or(is_far)
    };
    let lasts = measured.lasts(|s| deviates(s.output_voltage), |s| deviates(s.output_voltage));
    let is_due_to_grid =
        follows_grid && measured.lasts(|s| deviates(s.grid_voltage), |s| deviates(s.grid_voltage));
    let deviation = if measured.status.output_voltage > rated.output_voltage {
        Deviation::VoltageHigh
    } else {
        Deviation::VoltageLow
    };
    lasts.then_some(DeviatingOutput { measured, deviation, is_due_to_grid })
}

fn deviating_frequency<'c, 'a>(
    measured: &'c Measured<'a>,
    max: Percent,
) -> Option<DeviatingOutput<'c, 'a>> {
    let nominal = measured.unit.rated.value()?.output_frequency;
    let deviates = |frequency: Decihertz| frequency.0 > 0 && deviates(frequency, nominal, max);
    let lasts = measured.lasts(|s| deviates(s.output_frequency), |s| deviates(s.output_frequency));
    let is_due_to_grid = follows_grid(measured)
        && measured.lasts(|s| deviates(s.grid_frequency), |s| deviates(s.grid_frequency));
    lasts.then_some(DeviatingOutput { measured, deviation: Deviation::Frequency, is_due_to_grid })
}

/// Returns whether a value is more than `max` per cent from a nominal value, which is known if it is not 0.
fn deviates<Q: Steps>(found: Q, nominal: Q, max: Percent) -> bool {
    nominal.steps() > 0 && difference(found, nominal) * 100 > nominal.steps() * i64::from(max.0)
}
