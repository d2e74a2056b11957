//! The report and its verdict.

use std::time::Duration;

use pi18_proto::SerialNumber;
use serde::{Deserialize, Serialize};

use super::{pack_rows::pack_rows, rows::rows, table::Row};
use crate::{
    Finding, HostTime, PackSnapshot, Questions, Severity, UnitSnapshot,
    context::Context,
    snapshot::{not_asked, skew},
};

/// The result of [`check`](crate::check): the units side by side, the findings and a verdict.
///
/// Its `Display` is the text of [`to_text`](Self::to_text), without colours.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member, check};
///
/// let members = ["sim:0".parse()?, "sim:1?main=06440".parse()?];
/// let report = check(&BankSnapshot::read(members.map(|address| Member::open(&address)).into()));
/// println!("{report}");
///
/// assert_eq!(report.verdict(), "not healthy: 2 units, 0 errors, 1 warning");
/// let worst = &report.findings[0];
/// assert_eq!(worst.rule, "main-firmware");
/// assert_eq!(worst.advice.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// A report that was read from JSON keeps the verdict of the program that made it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "a report may hold findings"]
pub struct Report {
    /// Time at which the units were read, by the clock of the computer that read them.
    pub started: Option<HostTime>,
    /// Time between the first and the last `GS` of the units; `None` with fewer than two.
    pub skew: Option<Duration>,
    /// Whether every unit answered or refused every question that the checks need, and every pack was read.
    pub complete: bool,
    /// The units, the master first.
    pub units: Vec<ReportUnit>,
    /// The values of the units side by side.
    pub rows: Vec<Row>,
    /// The battery packs, sorted by name; empty if the bank was read without packs.
    pub packs: Vec<ReportPack>,
    /// The values of the packs side by side.
    pub pack_rows: Vec<Row>,
    /// The findings, the most severe first.
    pub findings: Vec<Finding>,
    /// Number of rules that were left out by the choice of the caller.
    pub left_out: usize,
    /// See [`is_healthy`](Self::is_healthy).
    pub(super) healthy: bool,
    /// See [`verdict`](Self::verdict).
    pub(super) verdict: String,
}

/// A unit of a [`Report`].
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReportUnit {
    /// Name of the unit in the report: a label for people.
    pub name: String,
    /// Serial number, if it is known. It identifies the unit in all reports.
    #[serde(default)]
    pub serial_number: Option<String>,
    /// Number of the unit in its bank, if the unit reported one; 0 is the master.
    #[serde(default)]
    pub instance: Option<u16>,
    /// Whether the unit answered or refused every question that the checks need.
    pub complete: bool,
}

/// A battery pack of a [`Report`].
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReportPack {
    /// Name of the pack, which identifies it: the port at which it was read.
    pub name: String,
    /// Model that the pack reports; `None` if its label was not read.
    #[serde(default)]
    pub model: Option<String>,
    /// Whether the pack was read.
    pub complete: bool,
}

impl Report {
    /// Returns the report on a bank whose rules need the answers to `needed`.
    pub(crate) fn new(
        context: &Context<'_>,
        needed: Questions,
        findings: Vec<Finding>,
        left_out: usize,
    ) -> Self {
        let given = || context.given.iter().copied();
        let units = given().map(|unit| ReportUnit {
            name: unit.name.clone(),
            serial_number: reported_serial(unit).map(|serial| serial.to_string()),
            instance: unit.instance().map(|instance| instance.0),
            complete: unit.is_complete() && unit.asked().contains(needed),
        });
        let packs = context.packs().iter().map(|pack| ReportPack {
            name: pack.name.clone(),
            model: pack.label.as_ref().map(|label| label.model.clone()),
            complete: pack.live.is_some(),
        });
        let is_read = |pack: &&PackSnapshot| pack.live.is_some();
        let mut report = Self {
            started: context.started,
            skew: skew(given()),
            complete: given().all(UnitSnapshot::is_complete)
                && not_asked(given(), needed).is_empty()
                && context.packs().iter().all(is_read),
            units: units.collect(),
            rows: rows(&context.given, &findings),
            packs: packs.collect(),
            pack_rows: pack_rows(context.packs(), &findings),
            findings,
            left_out,
            healthy: false,
            verdict: String::new(),
        };
        report.healthy = report.judged_healthy();
        report.verdict = report.judged();
        report
    }

    /// Returns whether there are units or packs, and no finding is a warning or an error.
    ///
    /// A bank of which only a part was judged can be healthy; its [`verdict`](Self::verdict) then
    /// begins with `healthy as far as it was judged`.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.healthy
    }

    fn judged_healthy(&self) -> bool {
        let is_quiet = self.findings.iter().all(|finding| finding.severity == Severity::Info);
        is_quiet && !(self.units.is_empty() && self.packs.is_empty())
    }

    /// Returns the result in one line: `not healthy: 2 units, 1 error, 0 warnings`.
    #[must_use]
    pub fn verdict(&self) -> &str {
        &self.verdict
    }

    fn judged(&self) -> String {
        let count = |severity| self.findings.iter().filter(|f| f.severity == severity).count();
        let plural = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        let both = [(self.units.len(), "unit"), (self.packs.len(), "pack")];
        let given = both.into_iter().filter(|(number, _)| *number > 0);
        let units: Vec<_> = given.map(|(number, noun)| plural(number, noun)).collect();
        let left_out = match self.left_out {
            0 => String::new(),
            number => format!(", {} left out", plural(number, "rule")),
        };
        if units.is_empty() {
            return "nothing to judge: no unit was given".to_owned();
        }
        let units = units.join(", ");
        if self.healthy {
            let is_gap = |finding: &Finding| matches!(&*finding.rule, "skew" | "unread");
            let is_partial = self.findings.iter().any(is_gap) || !self.complete;
            let as_far = if is_partial { " as far as it was judged" } else { "" };
            return format!("healthy{as_far}: {units}, no error, no warning{left_out}");
        }
        format!(
            "not healthy: {units}, {}, {}{left_out}",
            plural(count(Severity::Error), "error"),
            plural(count(Severity::Warning), "warning")
        )
    }
}

/// Returns the serial number as the unit reports it, even if it is not a genuine one; for a unit that did not
/// answer, the number by which it was addressed.
fn reported_serial(unit: &UnitSnapshot) -> Option<SerialNumber> {
    unit.identity.value().map(|identity| identity.serial_number).or(unit.serial)
}
