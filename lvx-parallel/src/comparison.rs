//! The settings of units beside each other, and nothing else.

use std::fmt;

use lvx_settings::Setting;
use serde::Serialize;

use crate::{
    BankSnapshot, ReportStyle, Row, UnitSnapshot,
    context::{in_order, named_apart},
    report::{self, text},
};

/// The settings of units beside each other: do the twelve agree, do the others?
///
/// Its Display is the comparison for people, without colours.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The units' names, the master first.
    pub units: Vec<String>,
    /// The twelve settings that must agree.
    pub agreeing: Vec<Row>,
    /// All others but the clock.
    pub further: Vec<Row>,
    /// Units whose settings could not be read.
    pub unread: Vec<String>,
}

/// Lays the settings of units beside each other.
#[must_use]
pub fn compare(bank: &BankSnapshot) -> Comparison {
    let bank = &*named_apart(bank);
    let has = |unit: &&UnitSnapshot| unit.rated.value().is_some();
    let (units, unread): (Vec<_>, Vec<_>) = in_order(bank).into_iter().partition(has);
    let names = |units: &[&UnitSnapshot]| units.iter().map(|unit| unit.name.clone()).collect();
    let is_agreeing = |row: &Row| {
        row.setting
            .and_then(Setting::from_key)
            .is_some_and(|setting| Setting::AGREEING.contains(&setting))
    };
    let rows = if units.is_empty() { Vec::new() } else { report::setting_rows(&units) };
    let (agreeing, further) = rows.into_iter().partition(is_agreeing);
    Comparison { units: names(&units), agreeing, further, unread: names(&unread) }
}

/// As it stands in JSON.
#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    matches: bool,
    units: &'a [String],
    unread: &'a [String],
    agreeing: Part<'a>,
    further: Part<'a>,
}

#[derive(Serialize)]
struct Part<'a> {
    matching: usize,
    of: usize,
    settings: &'a [Row],
}

impl<'a> Part<'a> {
    fn of(rows: &'a [Row]) -> Self {
        Self { matching: matching(rows), of: rows.len(), settings: rows }
    }
}

impl Comparison {
    /// Whether all settings are the same on all units, but for the output modes of different phases.
    #[must_use]
    pub fn matches(&self) -> bool {
        self.agreeing.iter().chain(&self.further).all(|row| !row.is_marked())
    }

    /// `12/12 match, and 16/16 of the further settings`
    #[must_use]
    pub fn verdict(&self) -> String {
        format!(
            "{}/{} match, and {}/{} of the further settings",
            matching(&self.agreeing),
            self.agreeing.len(),
            matching(&self.further),
            self.further.len()
        )
    }

    /// The comparison for people: the twelve, what differs of the others, and the numbers.
    #[must_use]
    pub fn to_text(&self, style: &ReportStyle) -> String {
        if self.units.is_empty() {
            return "nothing to compare: no unit was read\n".to_owned();
        }
        let mut out = text::table(&self.names(), &self.shown(), *style);
        out.push('\n');
        out.push_str(&text::plain(&self.verdict()));
        out.push('\n');
        out
    }

    /// The comparison in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let table = report::markdown_table(&self.names(), &self.shown());
        format!("**{}**\n\n{table}", self.verdict())
    }

    /// The comparison for programs, indented: `matches`, and of `agreeing` and `further` how many
    /// match and each setting with its cells.
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document {
            format: "lvx-comparison",
            version: 1,
            matches: self.matches(),
            units: &self.units,
            unread: &self.unread,
            agreeing: Part::of(&self.agreeing),
            further: Part::of(&self.further),
        };
        let written = serde_json::to_string_pretty(&document);
        // Its keys are texts and none of its numbers is infinite.
        written.unwrap_or_default()
    }

    fn names(&self) -> Vec<&str> {
        self.units.iter().map(String::as_str).collect()
    }

    fn shown(&self) -> Vec<&Row> {
        let further = self.further.iter().filter(|row| row.is_marked());
        self.agreeing.iter().chain(further).collect()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&ReportStyle::default()))
    }
}

fn matching(rows: &[Row]) -> usize {
    rows.iter().filter(|row| !row.is_marked()).count()
}
