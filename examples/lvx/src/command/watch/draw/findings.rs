//! The page of findings: why each matters, and what to do.

use lvx_parallel::Severity;

use super::{
    canvas::{Canvas, wrapped},
    look::Tone,
    moment::Moment,
};
use crate::overview::{Finding, Level, Overview, local_time};

/// Draws the page from the line `top`. Limits `scroll` to what there is.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    top: u16,
    bank: &Overview,
    scroll: &mut usize,
    moment: &Moment,
) {
    let lines = lines(bank, canvas.width() - 2, moment);
    let room = usize::from(canvas.height().saturating_sub(top + 2));
    *scroll = (*scroll).min(lines.len().saturating_sub(room));
    let below = lines.len().saturating_sub(*scroll + room);
    let right = match (*scroll, below) {
        (0, 0) => String::new(),
        (above, below) => format!("↑ {above} lines, ↓ {below} lines"),
    };
    canvas.rule(top, "Findings", &right);
    for (y, (x, text, tone)) in (top + 1..).zip(lines.iter().skip(*scroll).take(room)) {
        canvas.put(*x, y, text, *tone);
    }
}

/// A line: its column, its text, its tone.
type Line = (u16, String, Tone);

fn lines(bank: &Overview, width: u16, moment: &Moment) -> Vec<Line> {
    let mut lines = Vec::new();
    if bank.findings.is_empty() {
        let text = match bank.verdict.level {
            Level::Starting => "Not all units have been read yet.",
            _ => "No check found a problem.",
        };
        lines.push((1, text.to_owned(), Tone::Plain));
    }
    for finding in &bank.findings {
        let (sign, tone) = level(finding);
        let head = format!("{sign} {}: {}", finding.severity, title(finding));
        lines.extend(wrapped(&head, width).into_iter().map(|line| (1, line, tone)));
        let since = finding.since.map(|since| format!("since {}", local_time(since, &moment.wall)));
        let by = finding.acknowledged.as_ref().map(|by| format!("acknowledged by {by}"));
        let facts: Vec<_> = since.into_iter().chain(by).collect();
        if !facts.is_empty() {
            lines.push((3, facts.join("; "), Tone::Dim));
        }
        let why = format!("why: {}", finding.why);
        lines.extend(wrapped(&why, width - 4).into_iter().map(|line| (3, line, Tone::Plain)));
        for (number, step) in (1..).zip(&finding.steps) {
            let step = format!("{number}. {step}");
            for (place, line) in wrapped(&step, width - 8).into_iter().enumerate() {
                lines.push((if place == 0 { 5 } else { 8 }, line, Tone::Plain));
            }
        }
        lines.push((1, String::new(), Tone::Plain));
    }
    lines
}

/// Returns the sign of a finding, and its tone.
pub(super) fn level(finding: &Finding) -> (&'static str, Tone) {
    match finding.severity {
        Severity::Info => ("·", Tone::Strong),
        Severity::Warning => ("!", Tone::Problem(Level::Warning)),
        _ => ("✗", Tone::Problem(Level::Error)),
    }
}

/// Returns what was found, with the values of the units.
pub(super) fn title(finding: &Finding) -> String {
    // Alerts of the bridge have the values already in their titles, if these are short.
    if finding.values.is_empty() {
        finding.title.clone()
    } else {
        format!("{}: {}", finding.title, finding.values)
    }
}
