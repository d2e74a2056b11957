//! What is wrong in a text that a person wrote: each place underlined, all of them at once.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Level, Origin, Padding, Renderer, Snippet};

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// It cannot be used.
    Error,
    /// It can be used and is unwise.
    Warning,
}

/// Where diagnostics are printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Style {
    /// To a file or a pipe: text only.
    #[default]
    Plain,
    /// To a terminal that has colours.
    Color,
}

/// A place in the text, and what is to be said of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Label {
    /// The bytes.
    pub span: Range<usize>,
    /// A few words, or none.
    pub text: String,
    /// Whether it is the place of the mistake, not one that explains it.
    pub is_primary: bool,
}

/// One thing that is wrong or unwise.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: what was wanted, what is there.
    pub message: String,
    /// Where; nowhere if it is about the whole text.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Vec<String>,
}

/// All that is wrong or unwise in one text, in the order of the text.
#[derive(Clone, Eq, PartialEq)]
pub struct Diagnostics {
    source: Source,
    list: Vec<Diagnostic>,
}

/// A text and what it is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl Diagnostic {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        let (labels, help) = (Vec::new(), Vec::new());
        Self { severity: Severity::Error, message: message.into(), labels, help }
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// The place of the mistake.
    pub(crate) fn at(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), is_primary: true });
        self
    }

    /// A place that explains it.
    pub(crate) fn and(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), is_primary: false });
        self
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    fn start(&self) -> usize {
        let primary = self.labels.iter().filter(|label| label.is_primary);
        primary.map(|label| label.span.start).min().unwrap_or(0)
    }
}

impl Diagnostics {
    pub(crate) fn new(source: Source, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(Diagnostic::start);
        Self { source, list }
    }

    /// What the text is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// The text that the places are in, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|one| one.severity == Severity::Error)
    }

    /// As a person reads them. No control character of the text gets out.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Color => Renderer::styled(),
        };
        let (name, shown) = (clean(&self.source.name), Shown::of(&self.source.text));
        let list = self.list.iter().take(MOST);
        let mut parts: Vec<_> =
            list.map(|one| rendered(&renderer, one, &name, &shown) + "\n").collect();
        match self.list.len().saturating_sub(MOST) {
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

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

/// The same text, so that a `main` that returns it tells it well.
impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Diagnostics {}

fn rendered(renderer: &Renderer, one: &Diagnostic, name: &str, shown: &Shown) -> String {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(clean(&one.message)).elements(None::<Origin<'_>>);
    let places: Vec<_> = one.labels.iter().map(|label| shown.place(&label.span)).collect();
    let start = places.iter().map(|place| place.start).min();
    let end = places.iter().map(|place| place.end).max();
    if let Some((start, end)) = start.zip(end) {
        let (from, window) = shown.lines(start..end);
        let marks = one.labels.iter().zip(&places).map(|(label, place)| {
            let kind = match label.is_primary {
                true => AnnotationKind::Primary,
                false => AnnotationKind::Context,
            };
            let text = Some(clean(&label.text)).filter(|text| !text.is_empty());
            kind.span(place.start - from..place.end - from).label(text)
        });
        let line = shown.text.get(..from).unwrap_or_default().matches('\n').count() + 1;
        group = group.element(
            Snippet::source(window).line_start(line).path(name.to_owned()).annotations(marks),
        );
    } else {
        group = group.element(Origin::path(name.to_owned())).element(Padding);
    }
    for help in &one.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    renderer.render(&[group])
}

/// A text as it may be printed, and which byte of it was which.
struct Shown {
    text: String,
    /// Where the distance between the two changes: the byte before, the byte after.
    steps: Vec<(usize, usize)>,
}

impl Shown {
    fn of(text: &str) -> Self {
        let mut shown = Self { text: String::with_capacity(text.len()), steps: vec![(0, 0)] };
        for (at, c) in text.char_indices() {
            let is_line_end = text.get(at..).is_some_and(|rest| rest.starts_with("\r\n"));
            let put = match c {
                '\r' if is_line_end => None,
                '\n' | '\t' => Some(c),
                c => Some(visible(c)),
            };
            shown.text.extend(put);
            if put != Some(c) {
                shown.steps.push((at + c.len_utf8(), shown.text.len()));
            }
        }
        shown
    }

    fn byte(&self, before: usize) -> usize {
        let step = self.steps.partition_point(|step| step.0 <= before).saturating_sub(1);
        let (from, to) = self.steps.get(step).copied().unwrap_or_default();
        let after = (to + before.saturating_sub(from)).min(self.text.len());
        (0..=after).rev().find(|&byte| self.text.is_char_boundary(byte)).unwrap_or(0)
    }

    /// Where a span is, up to the end of its first line.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        let (start, end) = (self.byte(span.start), self.byte(span.end));
        let line = self.text.get(start..).unwrap_or_default().split('\n').next();
        let line_end = start + line.unwrap_or_default().len();
        start..end.clamp(start, line_end)
    }

    /// The whole lines that hold a place, and where they start.
    fn lines(&self, place: Range<usize>) -> (usize, &str) {
        let before = self.text.get(..place.start).unwrap_or_default();
        let from = before.rfind('\n').map_or(0, |end| end + 1);
        let after = self.text.get(place.end..).unwrap_or_default();
        let to = place.end + after.find('\n').unwrap_or(after.len());
        (from, self.text.get(from..to).unwrap_or_default())
    }
}

/// One line, not too long, without anything that moves a terminal's cursor or turns its direction.
fn clean(text: &str) -> String {
    let cut = text.char_indices().nth(LONGEST).map(|(at, _)| at);
    let kept = cut.and_then(|at| text.get(..at)).unwrap_or(text);
    let dots = if cut.is_some() { "…" } else { "" };
    kept.chars().map(visible).chain(dots.chars()).collect()
}

fn visible(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // Line and paragraph separators, marks and overrides of direction, invisible ones.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c => c,
    }
}

/// More than these nobody reads.
const MOST: usize = 50;

/// A message of more characters quotes half a file.
const LONGEST: usize = 400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diagnostics(text: &str, spans: &[Range<usize>]) -> Diagnostics {
        let mut one = Diagnostic::error("wanted \u{1b}[31mthis\n").help("do \u{7}that");
        for (number, span) in spans.iter().enumerate() {
            one = match number {
                0 => one.at(span.clone(), "here"),
                _ => one.and(span.clone(), "and\u{1b} here"),
            };
        }
        Diagnostics::new(Source { name: "a\u{1b}b.yaml".into(), text: text.into() }, vec![one])
    }

    #[test]
    fn shows_the_lines_of_its_labels_and_no_control_characters() {
        let text = "one: \u{1b}[2J1\r\ntwo:\t2\r\nthree: 3\r\nfour: 4\r\nwide: 你好 x";
        let wide = text.find("好").unwrap();
        insta::assert_snapshot!(diagnostics(text, &[5..10, wide..wide + 3]));
        insta::assert_snapshot!(diagnostics("", &[0..0]), @r"
        error: wanted ␛[31mthis␊
         --> a␛b.yaml:1:1
          |
        1 |
          | ^ here
          |
          = help: do ␇that
        ");
        insta::assert_snapshot!(diagnostics("", &[]), @r"
        error: wanted ␛[31mthis␊
        --> a␛b.yaml
         |
         = help: do ␇that
        ");
    }

    #[test]
    fn stops_before_nobody_reads_on() {
        let many = vec![Diagnostic::error("wrong"); MOST + 3];
        let source = Source { name: "a".into(), text: "".into() };
        assert!(Diagnostics::new(source, many).to_string().ends_with("\nand 3 more\n"));
    }

    proptest! {
        #[test]
        fn renders_any_text_with_labels_anywhere(
            text in "(\\PC|\t|\r|\n|\u{1b}|你|é|\u{301}| |[a-z: ]{1,80}){0,40}",
            spans in proptest::collection::vec((0..900_usize, 0..900_usize), 0..4),
        ) {
            let spans: Vec<_> = spans.into_iter().map(|(start, end)| start..end).collect();
            for style in [Style::Plain, Style::Color] {
                let rendered = diagnostics(&text, &spans).render(style);
                let raw = |c: char| c.is_control() && c != '\n' && !(c == '\u{1b}' && style == Style::Color);
                prop_assert!(!rendered.contains(raw), "{rendered:?}");
            }
        }
    }
}
