//! Plans: writes in an order in which no step leaves a unit in a state that breaks a rule.
//!
//! [`Plan::for_profile`] compares units with a profile and searches for such an order. If it cannot make a
//! plan, it returns the reasons as [`Obstacles`]. A plan can be saved as JSON, and
//! [`Apply`](crate::Apply) carries it out.
//!
//! `steps` has the plan itself, `permissions` the writes that a caller permits, `obstacle` the reasons why a
//! plan cannot be made, and `warning` what a person should know before it is carried out. A plan is made in these steps:
//!
//! 1. `planner` determines the battery guard that applies, and collects the obstacles.
//! 2. `feasibility` and `bank` find the obstacles that no order avoids: values outside the limits, rules
//!    that the target breaks, missing permissions, missing units of the bank.
//! 3. `search` finds an order in which `bounds` allows every write.
//! 4. `check` repeats these checks for a plan that was read from a file, which may have been edited.
//!
//! Battery types other than `user` set their own voltages (`own_voltages`), so a change between two of
//! them goes through `user`.

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
mod warning;

pub use bank::LeftOut;
pub(crate) use bounds::Bounds;
pub use obstacle::{Obstacle, ObstacleKind, Obstacles};
pub use permissions::Permissions;
pub(crate) use planner::unit_obstacles;
pub use steps::{Plan, PlannedUnit, Step};
pub use warning::{PlanWarning, PlanWarningKind};
