//! Diagnostics: all errors and warnings in a text at once, with their places underlined.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Padding, Renderer, Snippet};
use pi18_transport::{is_printable, printable};
use serde::{Serialize, Serializer};

use crate::ObstacleKind;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiagnosticSeverity {
    /// The text cannot be used.
    Error,
    /// The text can be used, but should be changed.
    Warning,
}

/// The cause of a diagnostic, for programs that add their own help.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// A key that is neither a setting nor similar to one.
    UnknownSetting,
    /// An obstacle to a plan.
    Obstacle(ObstacleKind),
    /// Any other cause.
    #[default]
    Other,
}

/// The style in which diagnostics are printed.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DiagnosticStyle {
    /// Text only, for a file or a pipe.
    #[default]
    Plain,
    /// With colours, for a terminal.
    Color,
}

/// A place in the text with a remark.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Label {
    /// The range in bytes.
    pub span: Range<usize>,
    /// The remark; may be empty.
    pub text: String,
    /// Whether this is the place of the mistake rather than a related place.
    pub is_primary: bool,
}

/// One error or warning.
///
/// [`Diagnostics::render`] shows it with the lines of the text:
///
/// ```text
/// error: expected a setting, found "bulk_voltge"
///  --> bank.yaml:1:1
///   |
/// 1 | bulk_voltge: 56.4 V
///   | ^^^^^^^^^^^
///   |
///   = help: did you mean bulk_voltage?
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Severity of the diagnostic.
    pub severity: DiagnosticSeverity,
    /// Cause of the diagnostic.
    pub kind: DiagnosticKind,
    /// Message: the key, the value expected and the value found.
    pub message: String,
    /// The places; empty if the diagnostic concerns the whole text.
    pub labels: Vec<Label>,
    /// Advice, one line each.
    pub help: Vec<String>,
}

/// All errors and warnings in one text, in the order of the text.
///
/// ```
/// use lvx_settings::{DiagnosticSeverity, Profile};
///
/// let errors = Profile::parse("bank.yaml", "bulk_voltage: 56,4 V\n").unwrap_err();
/// let error = errors.iter().next().unwrap();
/// assert_eq!(error.severity, DiagnosticSeverity::Error);
/// assert_eq!(error.labels[0].span, 14..20);
/// assert_eq!(error.help, ["write a decimal point, not a comma"]);
/// ```
#[derive(Clone, Eq, PartialEq)]
#[must_use = "a profile with errors cannot be used"]
pub struct Diagnostics {
    source: Source,
    list: Vec<Diagnostic>,
}

/// A text and its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl Diagnostic {
    /// Returns an error without places.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: DiagnosticSeverity::Error,
            kind: DiagnosticKind::Other,
            message: message.into(),
            labels: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Returns a warning without places.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: DiagnosticSeverity::Warning, ..Self::error(message) }
    }

    /// Sets the cause.
    pub(crate) fn of_kind(self, kind: DiagnosticKind) -> Self {
        Self { kind, ..self }
    }

    /// Adds the place of the mistake.
    #[must_use]
    pub fn at(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), is_primary: true });
        self
    }

    /// Adds a related place.
    #[must_use]
    pub fn and(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), is_primary: false });
        self
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Returns the first byte of the mistake.
    fn start(&self) -> usize {
        let primary = self.labels.iter().filter(|label| label.is_primary);
        primary.map(|label| label.span.start).min().unwrap_or(0)
    }
}

impl Diagnostics {
    /// Returns the diagnostics of a text with this name, in the order of the text.
    pub fn new(name: &str, text: &str, list: Vec<Diagnostic>) -> Self {
        Self::of(Source { name: name.into(), text: text.into() }, list)
    }

    /// Returns the diagnostics of a text, in the order of the text.
    pub(crate) fn of(source: Source, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(Diagnostic::start);
        Self { source, list }
    }

    /// Returns the diagnostics with a line of help added to those for which `help` returns one, for
    /// example the option of a program that permits a plan.
    ///
    /// ```
    /// use lvx_settings::{DiagnosticKind, Profile};
    ///
    /// let errors = Profile::parse("bank.yaml", "volts: 56.4\n").unwrap_err();
    /// let errors = errors.with_help(|error| {
    ///     (error.kind == DiagnosticKind::UnknownSetting).then(|| "see the manual".to_owned())
    /// });
    /// assert_eq!(errors.iter().next().unwrap().help.last().unwrap(), "see the manual");
    /// ```
    pub fn with_help(mut self, help: impl Fn(&Diagnostic) -> Option<String>) -> Self {
        for one in &mut self.list {
            let line = help(one);
            one.help.extend(line);
        }
        self
    }

    /// Returns the name of the text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// Returns the text to which the places belong, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// Iterates over the diagnostics.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Returns whether there are no diagnostics.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of diagnostics.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether any diagnostic is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|one| one.severity == DiagnosticSeverity::Error)
    }

    /// Returns the diagnostics as text for a person. Control characters are escaped.
    #[must_use]
    pub fn render(&self, style: DiagnosticStyle) -> String {
        let renderer = match style {
            DiagnosticStyle::Plain => Renderer::plain(),
            DiagnosticStyle::Color => Renderer::styled(),
        };
        let (name, shown) = (clean(&self.source.name), Shown::of(&self.source.text));
        let list = self.list.iter().take(MAX_SHOWN);
        let mut parts: Vec<_> =
            list.map(|one| rendered(&renderer, one, &name, &shown) + "\n").collect();
        match self.list.len().saturating_sub(MAX_SHOWN) {
            0 => {}
            more => parts.push(format!("and {more} more\n")),
        }
        parts.join("\n")
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Writes a list of the diagnostics, without the text that they are about.
impl Serialize for Diagnostics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.list)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(DiagnosticStyle::Plain))
    }
}

/// Writes the same text as `Display`, because a `main` that returns an error prints it with `Debug`.
impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Diagnostics {}

/// Renders one diagnostic with its excerpt of the text.
fn rendered(renderer: &Renderer, one: &Diagnostic, name: &str, shown: &Shown) -> String {
    let level = match one.severity {
        DiagnosticSeverity::Error => Level::ERROR,
        DiagnosticSeverity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(clean(&one.message)).elements(None::<Origin<'_>>);
    let labels: Vec<_> = one.labels.iter().map(|label| (label, shown.place(&label.span))).collect();
    let start = labels.iter().map(|(_, place)| place.start).min();
    let end = labels.iter().map(|(_, place)| place.end).max();
    let lines = start.zip(end).map(|(start, end)| shown.lines(start..end));
    group = match (lines, labels.first()) {
        (Some((from, text)), _) if text.len() <= MAX_EXCERPT => {
            let marks = labels.iter().map(|(label, place)| mark(label, place, from));
            let (line, _) = shown.line_and_column(from);
            let snippet = Snippet::source(text).line_start(line).path(name.to_owned());
            group.element(snippet.annotations(marks))
        }
        (Some(_), Some((label, place))) => {
            let (from, text) = shown.piece(place);
            let (line, column) = shown.line_and_column(place.start);
            let place = place.start..place.end.min(from + text.len());
            let snippet = Snippet::source(text).line_start(line);
            group
                .element(Origin::path(name.to_owned()).line(line).char_column(column))
                .element(snippet.annotation(mark(label, &place, from)))
        }
        _ => group.element(Origin::path(name.to_owned())).element(Padding),
    };
    for help in &one.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    renderer.render(&[group])
}

/// Returns the annotation of a place in an excerpt that starts at the byte `from`.
fn mark<'a>(label: &Label, place: &Range<usize>, from: usize) -> Annotation<'a> {
    let kind = if label.is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    let text = Some(clean(&label.text)).filter(|text| !text.is_empty());
    kind.span(place.start - from..place.end - from).label(text)
}

/// A text with escaped control characters, which maps positions in the original to positions in it.
struct Shown {
    text: String,
    /// Positions from which the offset between the texts is constant: byte in the original, byte in `text`.
    steps: Vec<(usize, usize)>,
}

impl Shown {
    /// Escapes the control characters of a text; keeps line feeds and tabs, drops the carriage return of a
    /// line end.
    fn of(text: &str) -> Self {
        let mut shown = Self { text: String::with_capacity(text.len()), steps: vec![(0, 0)] };
        for (at, c) in text.char_indices() {
            if is_printable(c) || matches!(c, '\n' | '\t') {
                shown.text.push(c);
                continue;
            }
            let is_line_end = text.get(at..).is_some_and(|rest| rest.starts_with("\r\n"));
            if !is_line_end {
                shown.text.push_str(&printable(c.encode_utf8(&mut [0; 4])));
            }
            shown.steps.push((at + c.len_utf8(), shown.text.len()));
        }
        shown
    }

    /// Returns the position in this text of a byte of the original.
    fn byte(&self, before: usize) -> usize {
        let step = self.steps.partition_point(|step| step.0 <= before).saturating_sub(1);
        let (from, to) = self.steps.get(step).copied().unwrap_or_default();
        self.text.floor_char_boundary(to + before.saturating_sub(from))
    }

    /// Returns a span of the original in this text, up to the end of its first line.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        let (start, end) = (self.byte(span.start), self.byte(span.end));
        let line = self.text.get(start..).unwrap_or_default().split('\n').next();
        let line_end = start + line.unwrap_or_default().len();
        start..end.clamp(start, line_end)
    }

    /// Returns the whole lines around a place, and their start.
    fn lines(&self, place: Range<usize>) -> (usize, &str) {
        let before = self.text.get(..place.start).unwrap_or_default();
        let from = before.rfind('\n').map_or(0, |end| end + 1);
        let after = self.text.get(place.end..).unwrap_or_default();
        let to = place.end + after.find('\n').unwrap_or(after.len());
        (from, self.text.get(from..to).unwrap_or_default())
    }

    /// Returns a part of a long line, and its start.
    fn piece(&self, place: &Range<usize>) -> (usize, &str) {
        let (start, line) = self.lines(place.start..place.start);
        let near = place.start.saturating_sub(PIECE / 4).max(start);
        let from = self.text.floor_char_boundary(near);
        let to = self.text.floor_char_boundary((from + PIECE).min(start + line.len()));
        (from, self.text.get(from..to.max(place.start)).unwrap_or_default())
    }

    /// Returns line and column, both counted from 1.
    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// Returns one line of limited length, without characters that move the cursor or change the direction
/// of text.
fn clean(text: &str) -> String {
    let cut = text.char_indices().nth(MAX_MESSAGE).map(|(at, _)| at);
    let kept = cut.and_then(|at| text.get(..at)).unwrap_or(text);
    let dots = if cut.is_some() { "…" } else { "" };
    printable(kept).into_owned() + dots
}

/// Maximum number of diagnostics that are printed.
const MAX_SHOWN: usize = 50;

/// Maximum length of an excerpt in bytes; a longer one is cut to `PIECE` bytes around its mistake.
const MAX_EXCERPT: usize = 4000;
const PIECE: usize = 120;

/// Maximum length of a message in characters; longer ones quote large parts of a file.
const MAX_MESSAGE: usize = 400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diagnostics(text: &str, spans: &[(usize, usize)]) -> Diagnostics {
        let mut one = Diagnostic::error("expected \u{1b}[31mthis\n").help("do \u{7}that");
        for (number, &(start, end)) in spans.iter().enumerate() {
            one = match number {
                0 => one.at(start..end, "here"),
                _ => one.and(start..end, "and\u{1b} here"),
            };
        }
        Diagnostics::new("a\u{1b}b.yaml", text, vec![one])
    }

    #[test]
    fn rendering_shows_labelled_lines_without_control_characters() {
        let text = "one: \u{1b}[2J1\r\ntwo:\t2\r\nthree: 3\r\nfour: 4\r\nwide: 你好 x";
        let wide = text.find("好").unwrap();
        insta::assert_snapshot!(diagnostics(text, &[(5, 10), (wide, wide + 3)]));
        insta::assert_snapshot!(diagnostics("", &[(0, 0)]), @r"
        error: expected \u001b[31mthis\n
         --> a\u001bb.yaml:1:1
          |
        1 |
          | ^ here
          |
          = help: do \u0007that
        ");
        insta::assert_snapshot!(diagnostics("", &[]), @r"
        error: expected \u001b[31mthis\n
        --> a\u001bb.yaml
         |
         = help: do \u0007that
        ");
    }

    #[test]
    fn rendering_cuts_long_lines() {
        let text = format!("one: 1\nlong: {}x{}\n", "é".repeat(5000), "y".repeat(9000));
        let at = text.find('x').unwrap();
        insta::assert_snapshot!(diagnostics(&text, &[(at, at + 8000)]));
    }

    #[test]
    fn rendering_counts_diagnostics_beyond_the_maximum() {
        let many = vec![Diagnostic::error("wrong"); MAX_SHOWN + 3];
        assert!(Diagnostics::new("a", "", many).to_string().ends_with("\nand 3 more\n"));
    }

    proptest! {
        #[test]
        fn rendering_accepts_any_text_and_labels(
            text in "(\\PC|\t|\r|\n|\u{1b}|\u{7f}|\u{9b}|\u{202e}|\u{2028}|你|é|\u{301}| |[a-z: ]{1,80}){0,40}",
            long in prop_oneof![Just(0), 3900..4100_usize],
            spans in proptest::collection::vec((0..9000_usize, 0..9000_usize), 0..4),
        ) {
            let text = format!("{}{text}{}", "你".repeat(long / 3), "é".repeat(long / 2));
            prop_assert!(!clean(&text).contains(char::is_control));
            for style in [DiagnosticStyle::Plain, DiagnosticStyle::Color] {
                let rendered = diagnostics(&text, &spans).render(style);
                let colour = |c: char| c == '\u{1b}' && style == DiagnosticStyle::Color;
                let moves = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
                let raw = |c: char| moves(c) && c != '\n' && !colour(c);
                prop_assert!(!rendered.contains(raw), "{rendered:?}");
            }
        }
    }
}
