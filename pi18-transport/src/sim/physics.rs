//! The physical model of the bank: sun, house, grid, battery, and the power flow of each unit.
//!
//! Time is divided into steps of ten seconds. In each step:
//!
//! 1. [`day`] returns the sun and the power that the house uses, [`panels`] what the strings can supply.
//! 2. [`settle`] decides the mode of each unit. [`share`] divides the load between the units.
//! 3. [`flow`] divides the power of each unit between sun, grid, battery and house, with its losses.
//! 4. [`bus`] computes the voltage and the currents on the DC side, and limits those of the chargers.
//! 5. [`heating`] warms each unit by its losses.
//! 6. At the end of the step, [`battery`] changes its charge, [`energy`] counts the solar energy and [`losses`]
//!    all energies. [`stage`], [`protection`] and [`bms`] decide what the units and the battery do next.
//!
//! [`measure`] turns the state into the values that a unit reports: rounded, and with the small deviations
//! of its sensors. The model is simple, but its values are consistent, so that hosts can cross-check them:
//! powers balance, currents match the battery's voltage, and counters match powers.

pub(crate) mod battery;
pub(crate) mod bms;
pub(crate) mod bus;
pub(crate) mod day;
pub(crate) mod energy;
pub(crate) mod flow;
pub(crate) mod grid;
pub(crate) mod heat;
pub(crate) mod heating;
pub(crate) mod losses;
pub(crate) mod measure;
pub(crate) mod panels;
pub(crate) mod parallel;
pub(crate) mod protection;
pub(crate) mod reactive;
pub(crate) mod settle;
pub(crate) mod share;
pub(crate) mod soc;
pub(crate) mod stage;
pub(crate) mod step;
mod timer;
