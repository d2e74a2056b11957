//! The report for people: a table, the findings, the verdict.

use lvx_settings::Setting;
use pi18_transport::{printable, wrap};

use super::{Report, Row};
use crate::{Finding, Severity};

/// How a report for people is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReportStyle {
    /// Whether it has the colours of a terminal.
    pub colour: bool,
    /// Most characters of a line; more units than fit beside each other go below.
    pub width: usize,
}

impl Default for ReportStyle {
    /// No colours, 100 characters.
    fn default() -> Self {
        Self { colour: false, width: 100 }
    }
}

impl ReportStyle {
    /// The same with colours or without.
    #[must_use]
    pub fn coloured(self, colour: bool) -> Self {
        Self { colour, ..self }
    }

    /// The same with lines of so many characters; fewer than 40 are 40.
    #[must_use]
    pub fn wide(self, width: usize) -> Self {
        Self { width: width.max(40), ..self }
    }

    /// Returns the same with lines of at most `width` characters.
    #[must_use]
    pub fn at_most(self, width: usize) -> Self {
        Self { width: self.width.min(width), ..self }
    }

    /// Words in lines that are no wider than the style allows: the first begins with `lead`, the others
    /// are indented as far.
    #[must_use]
    pub fn wrap(&self, lead: &str, words: &str) -> String {
        wrap(lead, words, self.width)
    }

    fn paint(self, text: &str, colour: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

const RED: &str = "1;31";
const YELLOW: &str = "33";
const GREEN: &str = "32";
const BOLD: &str = "1";

impl Report {
    /// The report for people: the units side by side, what was found, the verdict.
    #[must_use]
    pub fn to_text(&self, style: &ReportStyle) -> String {
        let names: Vec<_> = self.units.iter().map(|unit| unit.name.as_str()).collect();
        let (folded, shown): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(|row| row.same);
        // Of settings only those that differ.
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
        if !text.is_empty() {
            text.push('\n');
        }
        for finding in &self.findings {
            text.push_str(&told(finding, *style));
        }
        if !self.findings.is_empty() {
            text.push('\n');
        }
        let errors = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        let colour = match (self.is_healthy(), errors) {
            (true, _) => GREEN,
            (false, true) => RED,
            (false, false) => YELLOW,
        };
        text.push_str(&style.paint(&self.verdict(), colour));
        text.push('\n');
        text
    }
}

/// Leads the mode or the fault that all units have and should not have.
const BAD_ON_ALL: &str = "wrong on all: ";

/// What is equal everywhere, settings by their number only.
pub(super) fn fold(rows: &[&Row]) -> String {
    let is_agreeing =
        |key: &str| Setting::from_key(key).is_some_and(|key| Setting::AGREEING.contains(&key));
    let mut parts = Vec::new();
    for row in rows.iter().filter(|row| row.setting.is_none()) {
        let value = row.cells.first().and_then(|cell| cell.value.as_deref()).unwrap_or("-");
        parts.push(format!("{} {}", row.label, plain(value)));
    }
    let keys = || rows.iter().filter_map(|row| row.setting);
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

/// Units side by side, as many as fit, the others below.
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
        text.push_str("(* differs or is told below)\n");
    }
    text
}

/// Units that stand beside each other.
struct Block<'a> {
    start: usize,
    end: usize,
    label: usize,
    columns: &'a [usize],
    style: ReportStyle,
}

impl Block<'_> {
    fn line(&self, label: &str, cell: impl Fn(usize) -> (String, Option<&'static str>)) -> String {
        let mut line = format!("{label:<width$}", width = self.label);
        // Blanks are written only once something follows.
        let mut blanks = 0;
        for place in self.start..self.end {
            let (text, colour) = cell(place);
            let column = self.columns.get(place).copied().unwrap_or(0);
            let length = width(&text);
            if length == 0 {
                blanks += column;
                continue;
            }
            line.push_str(&" ".repeat(blanks + GAP));
            line.push_str(&colour.map_or(text.clone(), |colour| self.style.paint(&text, colour)));
            blanks = column.saturating_sub(length + GAP);
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

fn shown(cell: &super::Cell) -> String {
    let value = plain(cell.value.as_deref().unwrap_or("-"));
    if cell.marked { format!("{value} *") } else { value }
}

/// Blanks between columns.
const GAP: usize = 2;

fn told(finding: &Finding, style: ReportStyle) -> String {
    let colour = match finding.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Info => BOLD,
    };
    let lead = format!("{}: ", finding.severity);
    let line = wrap(&lead, &plain(&format!("{finding} [{}]", finding.rule)), style.width);
    let word = finding.severity.to_string();
    let mut text = line.replacen(&word, &style.paint(&word, colour), 1);
    text.push_str(&wrap("    why: ", &plain(&finding.why), style.width));
    for (number, advice) in (1..).zip(&finding.advice) {
        let lead = if number == 1 { "    do:  " } else { "         " };
        text.push_str(&wrap(&format!("{lead}{number}. "), &plain(advice), style.width));
    }
    text
}

/// A label as it stands within a sentence; `AC` and the like stay.
pub(crate) fn uncapitalised(label: &str) -> String {
    let mut rest = label.chars();
    match rest.next() {
        Some(first) if !rest.clone().next().is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(rest).collect()
        }
        _ => label.to_owned(),
    }
}

/// Nothing that a terminal would act on.
pub(crate) fn plain(text: &str) -> String {
    printable(text).into_owned()
}

fn width(text: &str) -> usize {
    text.chars().count()
}
