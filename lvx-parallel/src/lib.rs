//! Is this bank of parallel inverters healthy, and if not, why and what to do.
//!
//! Take a [`BankSnapshot`], [`check`] it, read the [`Report`]. A snapshot can be saved and judged
//! later, or by somebody else. Nothing here writes to an inverter.
//!
//! ```
//! use lvx_parallel::{BankSnapshot, Member, check};
//!
//! let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
//! let bank = BankSnapshot::read(members.into());
//! let report = check(&bank);
//! assert!(report.is_healthy(), "{report}");
//!
//! let saved = bank.to_yaml();
//! assert_eq!(BankSnapshot::parse(&saved)?, bank);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Checks`] says what is checked and how: [`Thresholds`], rules, a baseline.
//! - [`Questions`] are what a task asks: [`Checks::read`] asks only what the chosen rules need.
//! - [`Explanation`] says what a fault, a warning or a mode means, without a unit.
//! - [`compare`] holds settings against each other, and nothing else.
//! - [`Cluster`] sums up what a bank gives and takes, as long as every member's word is fresh.

mod advice;
mod bank;
mod checks;
mod cluster;
mod comparison;
mod context;
mod error;
mod explanation;
mod file;
mod finding;
mod questions;
mod read;
mod reading;
mod report;
mod ring;
mod rules;
mod snapshot;
mod thresholds;

pub use bank::{BankSnapshot, Member};
pub use checks::{Checks, check};
pub use cluster::{Cluster, Incomplete, Totals};
pub use comparison::{Comparison, compare};
pub use error::FormatError;
pub use explanation::Explanation;
pub use finding::{Finding, Observed, Severity};
pub use questions::Questions;
pub use reading::{Answer, Gap, Reading, Reason};
pub use report::{Cell, Report, ReportStyle, ReportUnit, Row};
pub use rules::RuleInfo;
pub use snapshot::{Question, UnitSnapshot};
pub use thresholds::{ThresholdInfo, Thresholds};
