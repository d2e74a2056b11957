//! The physical model of the bank: sun, house, grid, battery, and the power flow of each unit.
//!
//! Time is divided into steps of ten seconds. In each step:
//!
//! 1. [`day`] returns the sun on the panels and the power that the house uses.
//! 2. [`step`] decides the mode of each unit, and the current that it may charge the battery with.
//! 3. [`flow`] divides the power of each unit between sun, grid, battery and house.
//! 4. At the end of the step, [`battery`] changes its charge and [`energy`] counts the solar energy.
//!
//! [`measure`] turns the state into the values that a unit reports: rounded, and with the small deviations
//! of its sensors. The model is simple, but its values are consistent, so that hosts can cross-check them:
//! powers balance, currents match the battery's voltage, and counters match powers.

pub(crate) mod battery;
pub(crate) mod day;
pub(crate) mod energy;
pub(crate) mod flow;
pub(crate) mod measure;
pub(crate) mod step;
