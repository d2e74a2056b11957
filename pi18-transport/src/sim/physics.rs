//! What happens to the bank over time, without the protocol.
//!
//! Time is divided into steps of ten seconds. [`step`] decides in which mode each unit is and what it
//! charges, [`flow`] divides its power between sun, grid, battery and house, [`battery`] and [`energy`]
//! add that up. [`measure`] shows the result as a unit's sensors do; [`day`] supplies the sun and the
//! house.

pub(crate) mod battery;
pub(crate) mod day;
pub(crate) mod energy;
pub(crate) mod flow;
pub(crate) mod measure;
pub(crate) mod step;
