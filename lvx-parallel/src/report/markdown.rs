//! The report in Markdown, for posts in a forum.

use super::{summary::Report, table::Row, text};
use crate::{Finding, wording::plain};

impl Report {
    /// Writes the report in Markdown, to be pasted into a forum.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, check};
    ///
    /// let report = check(&BankSnapshot::read(vec![Member::open(&"sim:0?fault=02".parse()?)]));
    /// assert!(report.to_markdown().contains("- **error** fault 02"));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let names: Vec<_> = self.units.iter().map(|unit| unit.name.as_str()).collect();
        let (folded, shown): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(|row| row.same);
        let shown = shown.into_iter().filter(|row| row.setting.is_none() || row.is_marked());
        let (bad, shown): (Vec<&Row>, Vec<&Row>) = shown.partition(|row| row.is_bad_on_all());
        let mut out = format!("**{}**\n\n", escaped(self.verdict()));
        out.push_str(&table(&names, &shown));
        if !bad.is_empty() {
            let line = escaped(&text::fold(&bad));
            out.push_str("\n**Wrong on all: ");
            out.push_str(&line);
            out.push_str(".**\n");
        }
        if !folded.is_empty() {
            out.push_str("\nSame on all: ");
            out.push_str(&escaped(&text::fold(&folded)));
            out.push_str(".\n");
        }
        if !self.packs.is_empty() {
            let names: Vec<_> = self.packs.iter().map(|pack| pack.name.as_str()).collect();
            let rows: Vec<_> = self.pack_rows.iter().collect();
            out.push('\n');
            out.push_str(&table(&names, &rows));
        }
        if !self.findings.is_empty() {
            out.push('\n');
        }
        out.extend(self.findings.iter().map(list_item));
        out
    }
}

/// Writes a finding as a list item, with its reason and its advice below.
fn list_item(finding: &Finding) -> String {
    let line = escaped(&finding.to_string());
    let rule = plain(&finding.rule).replace('`', "");
    let head = format!("- **{}** {line} (`{rule}`)\n", finding.severity);
    let why = format!("  - why: {}\n", escaped(&finding.why));
    let advice = (1..).zip(&finding.advice);
    let advice = advice.map(|(n, advice)| format!("  - do {n}: {}\n", escaped(advice)));
    [head, why].into_iter().chain(advice).collect()
}

/// Writes the units side by side. Marked values are bold.
pub(crate) fn table(names: &[&str], rows: &[&Row]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let line = |label: &str, cells: Vec<String>| format!("| {label} | {} |\n", cells.join(" | "));
    let mut out = line("", names.iter().map(|name| escaped(name)).collect());
    out.push_str(&line("---", names.iter().map(|_| "---".to_owned()).collect()));
    for row in rows {
        let cells = row.cells.iter().map(|cell| {
            let value = escaped(cell.value.as_deref().unwrap_or("-"));
            if cell.marked { format!("**{value}**") } else { value }
        });
        out.push_str(&line(&escaped(&row.label), cells.collect()));
    }
    out
}

/// Escapes a text so that Markdown shows it unchanged.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        if matches!(c, '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' | '#' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
