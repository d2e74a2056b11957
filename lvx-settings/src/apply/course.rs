//! The course of a run: from step to step, back again after a failure, and to the report.
//!
//! `changes` builds the write of a step or of a correction, `steps` and `corrections` decide what
//! follows from its verdict, and `conclude` what follows from the last readings.
//!
//! A step that fails is undone together with all steps before it, the last one first. A unit that
//! cannot be reached keeps what it has, and is undone after the last readings if it answers again. A
//! command that may have reached another unit of the plan is followed by a correction of that unit.

mod changes;
mod conclude;
mod corrections;
mod steps;
