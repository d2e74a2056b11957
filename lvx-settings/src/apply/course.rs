//! The course of a run: from step to step, back again after a failure, and to the report.
//!
//! `changes` builds the write of a step or of a correction, `steps` and `corrections` decide what
//! follows from its verdict, and `conclude` what follows from the last readings.

mod changes;
mod conclude;
mod corrections;
mod steps;
