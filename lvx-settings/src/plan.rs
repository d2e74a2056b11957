//! Plans: writes in an order in which no step leaves a unit in a state that breaks a rule.
//!
//! [`Plan::for_profile`] compares units with a profile and searches for such an order; every reason
//! against it is an [`Obstacle`]. A plan is a file (JSON) that [`Apply`](crate::Apply) carries out.

mod bank;
mod bounds;
mod check;
mod feasibility;
mod obstacle;
mod own_voltages;
mod permissions;
mod planner;
mod search;
mod steps;

pub use bank::LeftOut;
pub(crate) use bounds::Bounds;
pub use obstacle::{Obstacle, ObstacleKind, Obstacles};
pub use permissions::Permissions;
pub(crate) use planner::unit_obstacles;
pub use steps::{Plan, PlannedUnit, Step};
