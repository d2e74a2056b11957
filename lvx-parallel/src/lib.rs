//! Checks whether parallel inverters work together correctly, and if not, why and what to do. It reads
//! inverters with the serial protocol PI18, such as the MPP Solar LVX6048 and Voltronic InfiniSolar V.
//!
//! Inverters that share a battery and an output must have the same firmware and the same settings, and must
//! have correct data about each other; if not, they share the load badly or stop with a fault. This crate
//! reads all of them at the same time, applies [rules](#rules) to their answers, and returns a [`Report`]: a
//! table of the inverters side by side, and [`Finding`]s with reasons and advice. It never writes to an
//! inverter.
//!
//! Reading and checking are separate steps: a [`BankSnapshot`] can be saved as YAML or JSON and checked later,
//! on another machine.
//!
//! ```
//! use lvx_parallel::{BankSnapshot, Member, Report, check};
//!
//! // Two virtual inverters. The addresses of real ones are `/dev/hidraw0` (USB), `serial:/dev/ttyUSB0`
//! // or `tcp:HOST:PORT`.
//! let addresses = ["sim:0".parse()?, "sim:1".parse()?];
//! let members = addresses.map(|address| Member::open(&address));
//! let bank = BankSnapshot::read(members.into());
//! let report = check(&bank);
//! assert!(report.is_healthy(), "{report}");
//!
//! let saved = bank.to_yaml();
//! assert_eq!(BankSnapshot::parse(&saved)?, bank);
//! assert_eq!(Report::parse(&report.to_json())?, report);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Terms
//!
//! - A *unit* is one inverter. A *bank* is all units that share a battery. A *pack* is one of several batteries in
//!   parallel that together are the battery of the bank.
//! - The *instance* of a unit is its number in the bank. Instance 0 is the *master*, which the other units,
//!   the *slaves*, follow.
//! - *Main firmware* runs on the main processor of a unit, *slave firmware* on its other processors. The
//!   slave processors have nothing to do with the slaves of a bank.
//! - A *question* is a query of the protocol. Documentation and reports use the names of the protocol: `PIRI`
//!   (ratings and settings), `GS` (measurements), `FWS` (fault and warnings), `MOD` (working mode), `VFW`
//!   (firmware versions). `PRIn` and `PGSn` ask a unit for its data about unit `n` of the bank.
//! - A *member* is a unit to read, with its open link. A *snapshot* holds the answers.
//! - A *reading* is an answer with the time at which it was read. Values that change are compared only if
//!   they were read within a few seconds ([`Thresholds::max_skew`]).
//! - A *rule* examines a bank and returns *findings*. A finding has a [`Severity`], the values of the units,
//!   the reason why it matters, and advice. A bank without warnings and errors is *healthy*.
//!
//! # Rules
//!
//! | Rules | Subject |
//! |---|---|
//! | `same-unit`, `serial-number`, `instance`, `bank-size` | which units the bank has |
//! | `ratings`, `main-firmware`, `slave-firmware` | models and firmware |
//! | `settings`, `setting-rules`, `further-settings`, `output-mode` | settings |
//! | `selectable-currents`, `clock` | selectable currents, clocks |
//! | `fault`, `warning`, `mode`, `mode-conflict` | faults, warnings and working modes |
//! | `battery-voltage`, `battery-voltmeter`, `battery-capacity`, `state-of-charge` | the battery |
//! | `over-voltage`, `under-voltage`, `charge-rate` | limits of the battery |
//! | `charge-current`, `discharge-current` | how the units share the battery current |
//! | `grid`, `output` | AC voltages and frequencies |
//! | `cross-serial`, `cross-status`, `cross-totals` | the data of the units about each other |
//! | `pack-silent`, `pack-aggregate`, `pack-twice` | which battery packs answer |
//! | `pack-cell-sum`, `pack-alarm`, `pack-cell-voltage`, `pack-cell-spread`, `pack-temperature` | one battery pack |
//! | `pack-charge-drift`, `pack-sharing` | the battery packs together |
//! | `pack-current`, `pack-voltage-drop`, `pack-charge-limit`, `pack-voltage-limits`, `pack-state-of-charge` | packs and units |
//! | `unread`, `skew` | missing answers, and readings too far apart in time |
//! | `baseline` | changes since an earlier snapshot |
//!
//! One cause is reported once. For example, units with different main firmware stop with fault 71: rule
//! `main-firmware` then reports the versions, and rule `fault` does not report fault 71 again.
//! [`RuleInfo::all`] returns each rule with a description and the origin of its limits. Programs add rules of
//! their own with the trait [`Rule`].
//!
//! # Saved banks and reports
//!
//! Banks are saved as `lvx-bank` 2 in YAML or JSON, reports as `lvx-report` 2 in JSON. Both have a schema
//! ([`BankSnapshot::SCHEMA`], [`Report::SCHEMA`]). They are read by earlier and later versions of this crate:
//! unknown keys are ignored, and so is what this version cannot read in a later format; the report on such a
//! bank says so. A unit is identified by its serial number; its name is a label. Times have their offset from
//! UTC.
//!
//! # Where to start
//!
//! | Task | Item |
//! |---|---|
//! | read all units | [`BankSnapshot::read`], or [`Checks::read`], which asks only what the chosen rules need |
//! | read units and battery packs | [`BankSnapshot::read_with_packs`], or [`Checks::read_with_packs`] |
//! | choose rules and limits | [`Checks`] with [`RuleInfo`] and [`Thresholds`] |
//! | add a rule | [`Rule`] with [`Context`], and [`Checks::with_rule`] |
//! | find what changed since an earlier snapshot | [`Checks::baseline`] |
//! | compare settings without applying rules | [`compare`] |
//! | explain a fault, warning or mode on a display | [`Explanation`] |
//! | add up power and energy of all units | [`Cluster`] |
//! | build a snapshot without a link | [`UnitSnapshot::from_answers`] |
//! | read battery packs alone | [`pack`] |
//!
//! # Features
//!
//! - `checks` (default): everything except [`Cluster`] and its types. Turns on `serde`.
//! - `serde`: `Serialize` for [`Totals`].

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "checks")]
mod advice;
#[cfg(feature = "checks")]
mod checks;
mod cluster;
#[cfg(feature = "checks")]
mod compare;
#[cfg(feature = "checks")]
mod context;
#[cfg(feature = "checks")]
mod error;
#[cfg(feature = "checks")]
mod explanation;
#[cfg(feature = "checks")]
mod finding;
#[cfg(feature = "checks")]
pub mod pack;
#[cfg(feature = "checks")]
mod read;
#[cfg(feature = "checks")]
mod report;
#[cfg(feature = "checks")]
mod rules;
#[cfg(feature = "checks")]
mod snapshot;
#[cfg(feature = "checks")]
mod thresholds;
#[cfg(feature = "checks")]
mod wording;

#[cfg(feature = "checks")]
pub use checks::{Checks, check};
pub use cluster::{Cluster, Missing, SumError, Totals};
#[cfg(feature = "checks")]
pub use compare::{Comparison, compare};
#[cfg(feature = "checks")]
pub use context::Context;
#[cfg(feature = "checks")]
pub use error::FormatError;
#[cfg(feature = "checks")]
pub use explanation::Explanation;
#[cfg(feature = "checks")]
pub use finding::{Finding, Observed, Severity};
#[cfg(feature = "checks")]
pub use read::{Member, PackMember};
#[cfg(feature = "checks")]
pub use report::{Cell, Report, ReportPack, ReportStyle, ReportUnit, Row};
#[cfg(feature = "checks")]
pub use rules::{FindingKind, Rule, RuleInfo};
#[cfg(feature = "checks")]
pub use snapshot::{
    Answer, BankSnapshot, Gap, HostTime, PackSnapshot, Question, Questions, Reading, Reason,
    UnitSnapshot,
};
#[cfg(feature = "checks")]
pub use thresholds::{ThresholdInfo, Thresholds};

/// The README, so that its program is tested.
#[cfg(all(doctest, feature = "checks"))]
#[doc = include_str!("../README.md")]
struct Readme;
