//! The physical model of the bank: sun, house, grid, battery, and the power flow of each unit.
//!
//! Time is divided into steps of ten seconds. In each step:
//!
//! 1. [`day`] supplies the sun on the panels and the power that the house uses.
//! 2. [`step`] decides the mode of each unit, and the current that it may charge the battery with.
//! 3. [`flow`] divides the power of each unit between sun, grid, battery and house.
//! 4. At the end of the step, [`battery`] and [`energy`] add up what has flowed.
//!
//! [`measure`] turns the state into the values that a unit reports: rounded, and with the small deviations
//! of its sensors. The model is as simple as hosts allow that check whether values are consistent: powers
//! balance, currents match the battery's voltage, and counters match powers.

pub(crate) mod battery;
pub(crate) mod day;
pub(crate) mod energy;
pub(crate) mod flow;
pub(crate) mod measure;
pub(crate) mod step;
