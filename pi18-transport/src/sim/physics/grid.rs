//! The voltage and the frequency of the grid, or of a generator in its place.
//!
//! The grid varies slowly and slightly. The voltage and the frequency of a portable generator fall with its
//! load, and vary faster.
//!
//! All values are assumed. They are meant to be within the limits of ISO 8528-5, class G1 (assumed: 5 % of voltage
//! deviation, 8 % of frequency droop and a band of 2.5 % around it).

use pi18_proto::{Decihertz, Decivolts};

use crate::sim::{round::round_u16, switches::groups::Grid, world::World};

/// Returns the voltage and the frequency at the AC input in the present step.
pub(crate) fn now(world: &World) -> (Decivolts, Decihertz) {
    let time = world.stepped.as_secs_f64();
    let [volts, hertz] = match world.grid() {
        Grid::Off => [0.0; 2],
        Grid::On => [120.0 + 0.9 * (time / 530.0).sin(), 60.0 + 0.09 * (time / 310.0).sin()],
        Grid::Generator => {
            let power: f64 = world.units.iter().map(|unit| unit.flow.grid).sum();
            let load = (power / GENERATOR).clamp(0.0, 1.2);
            let quick = (time / 19.0).sin();
            let slow = (time / 71.0).sin();
            [122.0 - 4.0 * load + 1.6 * quick + slow, 62.0 - 2.5 * load + 0.3 * quick + 0.25 * slow]
        }
    };
    (Decivolts(round_u16(volts * 10.0)), Decihertz(round_u16(hertz * 10.0)))
}

/// Rated power of the generator, W (assumed).
const GENERATOR: f64 = 6000.0;
