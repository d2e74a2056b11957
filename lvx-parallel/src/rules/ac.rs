//! Rules about the grid and the output.

pub(super) mod circulating_current;
pub(super) mod grid;
pub(super) mod load;
pub(super) mod output;
pub(super) mod output_voltage;
pub(super) mod split_phase;
