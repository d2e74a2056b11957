//! The report as text: a table, the findings and the verdict.

use std::fmt;

use lvx_settings::Setting;
use pi18_transport::wrap;

use super::{
    style::ReportStyle,
    summary::Report,
    table::{Cell, Row},
};
use crate::{Finding, Severity, wording::plain};

const RED: &str = "1;31";
const YELLOW: &str = "33";
const GREEN: &str = "32";
const BOLD: &str = "1";

impl Report {
    /// Writes the report as text: the units side by side, the battery packs below them, the findings and the verdict.
    ///
    /// Values that are the same on all units are folded into one line, and settings are shown only if they
    /// differ. Characters that control a terminal are escaped.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, ReportStyle, check};
    ///
    /// let report = check(&BankSnapshot::read(vec![Member::open(&"sim:0".parse()?)]));
    /// let text = report.to_text(&ReportStyle::default().wide(60));
    /// assert!(text.contains("battery voltage"));
    /// assert!(text.ends_with(&format!("{}\n", report.verdict())));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn to_text(&self, style: &ReportStyle) -> String {
        let names: Vec<_> = self.units.iter().map(|unit| unit.name.as_str()).collect();
        let (folded, shown): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(|row| row.same);
        let shown = shown.into_iter().filter(|row| row.setting.is_none() || row.is_marked());
        let (bad, shown): (Vec<&Row>, Vec<&Row>) = shown.partition(|row| row.is_bad_on_all());
        let mut text = table(&names, &shown, *style);
        if !bad.is_empty() {
            let line = wrap(BAD_ON_ALL, &fold(&bad), style.width);
            text.push_str(&line.replacen(BAD_ON_ALL, &style.paint(BAD_ON_ALL, YELLOW), 1));
        }
        if !folded.is_empty() {
            text.push_str(&wrap("same on all: ", &fold(&folded), style.width));
        }
        if !self.packs.is_empty() {
            let names: Vec<_> = self.packs.iter().map(|pack| pack.name.as_str()).collect();
            if !text.is_empty() {
                text.push('\n');
            }
            let (folded, shown): (Vec<&Row>, Vec<&Row>) =
                self.pack_rows.iter().partition(|row| row.same);
            text.push_str(&table(&names, &shown, *style));
            if !folded.is_empty() {
                text.push_str(&wrap("same on all: ", &fold(&folded), style.width));
            }
        }
        if !text.is_empty() {
            text.push('\n');
        }
        for finding in &self.findings {
            text.push_str(&paragraph(finding, *style));
        }
        if !self.findings.is_empty() {
            text.push('\n');
        }
        let has_error = self.findings.iter().any(|finding| finding.severity >= Severity::Error);
        let colour = match (self.is_healthy(), has_error) {
            (true, _) => GREEN,
            (false, true) => RED,
            (false, false) => YELLOW,
        };
        text.push_str(&style.paint(&plain(self.verdict()), colour));
        text.push('\n');
        text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&ReportStyle::default()))
    }
}

/// Start of the line with a bad mode or a fault that all units have.
const BAD_ON_ALL: &str = "wrong on all: ";

/// Returns, in one line, rows whose value is the same on all units. Settings are only counted.
pub(super) fn fold(rows: &[&Row]) -> String {
    let is_agreeing =
        |key: &str| Setting::from_key(key).is_some_and(|key| Setting::AGREEING.contains(&key));
    let mut parts = Vec::new();
    for row in rows.iter().filter(|row| row.setting.is_none()) {
        let value = row.cells.first().and_then(|cell| cell.value.as_deref()).unwrap_or("-");
        parts.push(format!("{} {}", row.label, plain(value)));
    }
    let keys = || rows.iter().filter_map(|row| row.setting.as_deref());
    let agreeing = keys().filter(|key| is_agreeing(key)).count();
    let further = keys().count() - agreeing;
    if agreeing > 0 {
        let all = Setting::AGREEING.len();
        parts.push(format!("{agreeing}/{all} settings that must agree"));
    }
    if further > 0 {
        parts.push(format!("{further} further settings"));
    }
    parts.join(", ")
}

/// Writes the units side by side. Units that do not fit the width follow in a second block.
pub(crate) fn table(names: &[&str], rows: &[&Row], style: ReportStyle) -> String {
    let label = rows.iter().map(|row| width(&row.label)).max().unwrap_or(0).max(18);
    let columns: Vec<usize> = (0..names.len())
        .map(|place| {
            let cells = rows.iter().filter_map(|row| row.cells.get(place));
            let widest = cells.map(|cell| width(&shown(cell))).max().unwrap_or(0);
            widest.max(names.get(place).map_or(0, |name| width(&plain(name)))) + GAP
        })
        .collect();
    let mut text = String::new();
    let mut start = 0;
    while start < names.len() {
        let mut room = style.width.saturating_sub(label);
        let fits = columns.iter().skip(start).take_while(|&&column| {
            let fits = column <= room;
            room = room.saturating_sub(column);
            fits
        });
        let end = start + fits.count().max(1);
        if start > 0 {
            text.push('\n');
        }
        let block = Block { start, end, label, columns: &columns, style };
        text.push_str(&block.line("", |place| {
            (names.get(place).map_or(String::new(), |name| plain(name)), Some(BOLD))
        }));
        for row in rows {
            text.push_str(&block.line(&row.label, |place| match row.cells.get(place) {
                Some(cell) => (shown(cell), cell.marked.then_some(YELLOW)),
                None => (String::new(), None),
            }));
        }
        start = end;
    }
    if rows.iter().any(|row| row.is_marked()) {
        text.push_str("(* differs from most units, or a finding is about it)\n");
    }
    text
}

/// Units that fit side by side.
struct Block<'a> {
    start: usize,
    end: usize,
    label: usize,
    columns: &'a [usize],
    style: ReportStyle,
}

impl Block<'_> {
    /// Writes the label and the cells of one row, each in its column.
    fn line(&self, label: &str, cell: impl Fn(usize) -> (String, Option<&'static str>)) -> String {
        let mut line = format!("{label:<width$}", width = self.label);
        // Spaces are written only before a cell that follows, so that no line ends with spaces.
        let mut spaces = 0;
        for place in self.start..self.end {
            let (text, colour) = cell(place);
            let column = self.columns.get(place).copied().unwrap_or(0);
            let length = width(&text);
            if length == 0 {
                spaces += column;
                continue;
            }
            line.push_str(&" ".repeat(spaces + GAP));
            line.push_str(&colour.map_or(text.clone(), |colour| self.style.paint(&text, colour)));
            spaces = column.saturating_sub(length + GAP);
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// Returns the value of a cell, with a star if it is marked.
fn shown(cell: &Cell) -> String {
    let value = plain(cell.value.as_deref().unwrap_or("-"));
    if cell.marked { format!("{value} *") } else { value }
}

/// Spaces between columns.
const GAP: usize = 2;

/// Writes a finding with its reason and its advice.
fn paragraph(finding: &Finding, style: ReportStyle) -> String {
    let colour = match finding.severity {
        Severity::Error | Severity::Unknown => RED,
        Severity::Warning => YELLOW,
        Severity::Info => BOLD,
    };
    let lead = format!("{}: ", finding.severity);
    let line = wrap(&lead, &plain(&format!("{finding} [{}]", finding.rule)), style.width);
    let severity = finding.severity.to_string();
    let mut text = line.replacen(&severity, &style.paint(&severity, colour), 1);
    text.push_str(&wrap("    why: ", &plain(&finding.why), style.width));
    for (number, advice) in (1..).zip(&finding.advice) {
        let lead = if number == 1 { "    do:  " } else { "         " };
        text.push_str(&wrap(&format!("{lead}{number}. "), &plain(advice), style.width));
    }
    text
}

/// Returns the number of characters.
fn width(text: &str) -> usize {
    text.chars().count()
}
