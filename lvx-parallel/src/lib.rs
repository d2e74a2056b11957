//! Checks whether a bank of parallel PI18 inverters is healthy, and if not, why and what to do.
//!
//! Units that share a battery and an output must agree: in firmware, in their settings, and about each
//! other. If they do not, they share the load badly or stop with a fault. This crate reads all units of
//! a bank, applies [rules](RuleInfo::all) to what they report, and returns a [`Report`]: the units side
//! by side, and [`Finding`]s with their reasons and what to do. It never writes to an inverter.
//!
//! Every step works on data: a [`BankSnapshot`] can be saved as YAML or JSON and judged later, on
//! another machine.
//!
//! ```
//! use lvx_parallel::{BankSnapshot, Member, check};
//!
//! // `sim:0` and `sim:1` are virtual units; `/dev/hidraw0` or `serial:/dev/ttyUSB0` are real ones.
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
//! # Terms
//!
//! - A *unit* is one inverter, a *bank* all units that share a battery.
//! - A unit's *instance* is its number in the bank. Instance 0 is the *master*, which the others follow.
//! - A *question* is a query such as `GS` (measurements), `PIRI` (ratings and settings) or `FWS` (fault and
//!   warnings). `PRIn` and `PGSn` ask a unit about unit `n` of its bank; they show whether units hold the
//!   right data about each other.
//! - A *reading* is an answer with the time at which it was read. Values that change are compared only if
//!   they were read within a few seconds ([`Thresholds::max_skew`]).
//! - A *rule* judges the bank and returns *findings*. Each finding has a [`Severity`], the values of the
//!   units, the reason why it matters, and advice.
//!
//! # Rules
//!
//! | Rules | compare |
//! |---|---|
//! | `same-unit`, `serial-number`, `instance`, `bank-size` | who is in the bank |
//! | `ratings`, `main-firmware`, `slave-firmware` | model and firmware |
//! | `settings`, `further-settings`, `output-mode`, `selectable-currents`, `clock` | settings |
//! | `fault`, `warning`, `mode`, `mode-conflict` | what the units are doing |
//! | `battery-voltage`, `battery-capacity`, `state-of-charge`, `charge-rate` | the battery |
//! | `charge-current`, `discharge-current` | how units share a current |
//! | `grid`, `output` | AC voltages and frequencies |
//! | `cross-serial`, `cross-status`, `cross-totals` | what units report about each other |
//! | `unread`, `skew`, `baseline` | what was not read, and what changed |
//!
//! One cause is reported once: if the firmware differs, `main-firmware` reports it and the fault that
//! follows from it is not reported again. [`RuleInfo::all`] describes each rule with its source.
//!
//! # Where to start
//!
//! | To | use |
//! |---|---|
//! | read all units | [`BankSnapshot::read`], or [`Checks::read`] to ask only what the chosen rules need |
//! | choose rules and limits | [`Checks`] with [`RuleInfo`] and [`Thresholds`] |
//! | find what changed since an earlier snapshot | [`Checks::baseline`] |
//! | compare settings, and nothing else | [`compare`] |
//! | explain a code on a display | [`Explanation`] |
//! | add up power and energy of all units | [`Cluster`] |
//! | build a snapshot without a link | [`UnitSnapshot::from_answers`] |

mod advice;
mod checks;
mod cluster;
mod compare;
mod context;
mod error;
mod explanation;
mod finding;
mod read;
mod report;
mod rules;
mod snapshot;
mod thresholds;
mod wording;

pub use checks::{Checks, check};
pub use cluster::{Cluster, SumError, Totals};
pub use compare::{Comparison, compare};
pub use error::FormatError;
pub use explanation::Explanation;
pub use finding::{Finding, Observed, Severity};
pub use read::Member;
pub use report::{Cell, Report, ReportStyle, ReportUnit, Row};
pub use rules::RuleInfo;
pub use snapshot::{Answer, BankSnapshot, Gap, Question, Questions, Reading, Reason, UnitSnapshot};
pub use thresholds::{ThresholdInfo, Thresholds};

/// The README, so that its program is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
