//! Rules about temperatures.

pub(super) mod heat_sink;
