//! All units beside each other, what was found, and a verdict.

use std::{fmt, time::Duration};

use pi18_proto::DateTime;
use serde::Serialize;

use crate::{Finding, Severity, UnitSnapshot, context::Context};

mod json;
mod markdown;
mod rows;
pub(crate) mod text;

pub(crate) use markdown::table as markdown_table;
pub(crate) use rows::settings as setting_rows;
pub use rows::{Cell, Row};
pub use text::ReportStyle;

/// What [`check`](crate::check) says of a bank.
///
/// Its Display is the report for people, without colours.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "a report may hold findings"]
pub struct Report {
    /// When the units were read, by this computer's clock.
    pub started: Option<DateTime>,
    /// How far apart in time the units' `GS` were taken; `None` with fewer than two.
    pub skew: Option<Duration>,
    /// Whether every unit answered or refused every question that the checks need.
    pub complete: bool,
    /// The units, the master first.
    pub units: Vec<ReportUnit>,
    /// The units side by side, a row for each thing.
    pub rows: Vec<Row>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// How many rules were left out.
    pub left_out: usize,
}

/// A unit of a [`Report`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReportUnit {
    /// What it is called here.
    pub name: String,
    /// Its serial number, if it said one.
    pub serial_number: Option<String>,
    /// Its number in its bank, if it said one.
    pub instance: Option<u16>,
    /// Whether it answered or refused every question that the checks need.
    pub complete: bool,
}

impl Report {
    pub(crate) fn new(context: &Context<'_>, findings: Vec<Finding>, left_out: usize) -> Self {
        let needed = context.checks.questions();
        let is_asked = |unit: &UnitSnapshot| unit.asked().contains(needed);
        let units = context.given.iter().map(|unit| ReportUnit {
            name: unit.name.clone(),
            serial_number: unit.identity.value().map(|identity| identity.serial_number.to_string()),
            instance: unit.instance().map(|instance| instance.0),
            complete: unit.is_complete() && is_asked(unit),
        });
        Self {
            started: context.bank.started,
            skew: context.bank.skew(),
            complete: context.bank.is_complete() && context.bank.not_asked(needed).is_empty(),
            units: units.collect(),
            rows: rows::rows(&context.given, &findings),
            findings,
            left_out,
        }
    }

    /// Whether there are units and nothing worse than an info was found.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let calm = self.findings.iter().all(|finding| finding.severity == Severity::Info);
        calm && !self.units.is_empty()
    }

    /// One line that says it all.
    #[must_use]
    pub fn verdict(&self) -> String {
        let count = |severity| self.findings.iter().filter(|f| f.severity == severity).count();
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let units = plural(self.units.len(), "unit");
        let left_out = match self.left_out {
            0 => String::new(),
            number => format!(", {} left out", plural(number, "rule")),
        };
        if self.units.is_empty() {
            return "nothing is known: no unit was given".to_owned();
        }
        if self.is_healthy() {
            let says = |finding: &Finding| matches!(finding.rule, "skew" | "unread");
            let unjudged = self.findings.iter().any(says) || !self.complete;
            let as_far = if unjudged { " as far as it was judged" } else { "" };
            return format!("healthy{as_far}: {units}, no error, no warning{left_out}");
        }
        format!(
            "not healthy: {units}, {}, {}{left_out}",
            plural(count(Severity::Error), "error"),
            plural(count(Severity::Warning), "warning")
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&ReportStyle::default()))
    }
}
