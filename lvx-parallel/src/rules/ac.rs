//! Rules about the grid and the output.

pub(super) mod grid;
pub(super) mod load;
pub(super) mod output;
