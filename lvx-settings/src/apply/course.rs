//! The course of a run: the steps, their undo after a failure, and the report.
//!
//! `changes` builds the write of a step or of a correction. `steps` and `corrections` decide how the run
//! continues after its verdict, and `conclude` how it continues after the last readings.
//!
//! If a step fails, all steps that may be done are undone, the last one first. The steps of a unit that
//! cannot be reached are left as they are, and are undone after the last readings if the unit answers then.
//! If a command may have reached another unit of the plan, that unit is corrected.

mod changes;
mod conclude;
mod corrections;
mod steps;
