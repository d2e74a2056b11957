//! A profile's YAML as a small tree in which every scalar is text and everything has its place.
//!
//! Profiles need little of YAML: what they do not need is refused, so that a file is what it looks
//! like. Numbers stay as they are written: `06306` keeps its zero.

use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::diagnostic::Diagnostic;

/// A part of the file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    Scalar { text: String, is_plain: bool },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Whether nothing is there, or what YAML takes for nothing.
    pub(super) fn is_missing(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, is_plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

/// Reads a file as far as it can be read; `None` if there is nothing in it.
pub(super) fn read(text: &str, errors: &mut Vec<Diagnostic>) -> Option<Node> {
    if text.len() > MAX_BYTES {
        let (most, found) = (MAX_BYTES / 1024, text.len() / 1024);
        let error = Diagnostic::error(format!(
            "expected a profile of at most {most} KiB, found one of {found} KiB"
        ));
        errors.push(error.help("a profile states each setting once, in a few lines"));
        return None;
    }
    let places = Places::of(text);
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let done = match event {
            Ok((event, span)) => {
                let span = places.byte(span.start)..places.byte(span.end);
                tree.take(event, span, text).map_err(|error| *error)
            }
            Err(error) => Err(syntax(text, places.byte(*error.marker()), error.info())),
        };
        if let Err(error) = done {
            errors.push(error);
            tree.close(text);
            break;
        }
    }
    tree.root
}

/// Characters, which the parser counts, as bytes.
struct Places {
    bytes: Vec<usize>,
    end: usize,
}

impl Places {
    fn of(text: &str) -> Self {
        Self { bytes: text.char_indices().map(|(byte, _)| byte).collect(), end: text.len() }
    }

    fn byte(&self, marker: Marker) -> usize {
        self.bytes.get(marker.index()).copied().unwrap_or(self.end)
    }
}

/// A list or map that is not complete.
struct Open {
    node: Node,
    key: Option<Node>,
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Tree {
    fn take(
        &mut self,
        event: Event<'_>,
        span: Range<usize>,
        text: &str,
    ) -> Result<(), Box<Diagnostic>> {
        let kind = match event {
            Event::Scalar(value, style, anchor, tag) => {
                bare(anchor, tag.is_some(), &span)?;
                let is_plain = style == ScalarStyle::Plain;
                // Nothing that is not there has a place.
                let span = if value.is_empty() && is_plain { span.start..span.start } else { span };
                let node = Node {
                    span: trimmed(text, span),
                    kind: NodeKind::Scalar { text: value.into_owned(), is_plain },
                };
                return self.add(node);
            }
            Event::SequenceStart(anchor, tag) => {
                bare(anchor, tag.is_some(), &span)?;
                NodeKind::List(Vec::new())
            }
            Event::MappingStart(anchor, tag) => {
                bare(anchor, tag.is_some(), &span)?;
                NodeKind::Map(Vec::new())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { mut node, .. }) = self.open.pop() else { return Ok(()) };
                node.span = trimmed(text, node.span.start..span.end.max(node.span.end));
                return self.add(node);
            }
            Event::Alias(_) => return Err(Box::new(reference(span))),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let error = Diagnostic::error("expected one profile in a file, found a second");
                    return Err(Box::new(
                        error.at(span, "it starts here").help("put each profile into its own file"),
                    ));
                }
                return Ok(());
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {
                return Ok(());
            }
        };
        if self.open.len() >= DEEPEST {
            let error = Diagnostic::error(
                "expected a setting with one value, or a part with one value a line, found more in it",
            );
            return Err(Box::new(
                error
                    .at(span, "")
                    .help("only battery and applies_to have parts, and only applies_to has lists"),
            ));
        }
        self.open.push(Open { node: Node { span, kind }, key: None });
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<(), Box<Diagnostic>> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: Node { kind: NodeKind::List(list), .. }, .. }) => list.push(node),
            Some(Open { node: Node { kind: NodeKind::Map(map), .. }, key }) => match key.take() {
                Some(key) => map.push((key, node)),
                None if matches!(node.kind, NodeKind::Scalar { .. }) => *key = Some(node),
                None => {
                    let error = Diagnostic::error("expected a key, found a list or a map");
                    return Err(Box::new(error.at(node.span, "").help("write key: value")));
                }
            },
            Some(_) => {}
        }
        Ok(())
    }

    /// Ends what is open; a key whose value did not come is dropped, and a value that ran on into
    /// the line of the error.
    fn close(&mut self, text: &str) {
        if let Some(Open { node: Node { kind: NodeKind::Map(map), .. }, .. }) = self.open.last_mut()
        {
            let runs_on =
                |node: &Node| text.get(node.span.clone()).is_some_and(|text| text.contains('\n'));
            map.pop_if(|(_, value)| {
                matches!(value.kind, NodeKind::Scalar { .. }) && runs_on(value)
            });
        }
        while let Some(Open { node, .. }) = self.open.pop() {
            // Scalars and whole lists and maps fit everywhere but as keys.
            if self.add(node).is_err() {
                return;
            }
        }
    }
}

/// Without trailing blanks.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let kept = text.get(span.clone()).unwrap_or_default().trim_end().len();
    span.start..span.start + kept
}

fn bare(anchor: usize, has_tag: bool, span: &Range<usize>) -> Result<(), Box<Diagnostic>> {
    if anchor > 0 {
        return Err(Box::new(reference(span.clone())));
    }
    if has_tag {
        let error = Diagnostic::error("expected a plain value, found one with a tag (!…)");
        return Err(Box::new(error.at(span.clone(), "").help(TAG)));
    }
    Ok(())
}

fn reference(span: Range<usize>) -> Diagnostic {
    Diagnostic::error("expected a plain value, found an anchor (&…) or a reference to one (*…)")
        .at(span, "")
        .help("write the value itself in each place")
}

/// The parser's message in words that help.
fn syntax(text: &str, at: usize, info: &str) -> Diagnostic {
    let (start, line) = line_of(text, at);
    let before = text.get(..start).unwrap_or_default().trim_end();
    let (start_before, line_before) = line_of(text, before.len());
    let lines = [(start, line), (start_before, line_before)];
    let here =
        at..at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    if let Some((start, line)) =
        lines.into_iter().find(|(_, line)| line.trim_start_matches(' ').starts_with('\t'))
    {
        let tab = start + line.find('\t').unwrap_or(0);
        let rest = text.get(tab..).unwrap_or_default();
        let tabs = rest.len() - rest.trim_start_matches('\t').len();
        return Diagnostic::error("expected blanks before a key, found a tab")
            .at(tab..tab + tabs, "a tab")
            .help("indent with two blanks: YAML takes no tabs there");
    }
    if let Some((start, colon)) =
        lines.into_iter().find_map(|(start, line)| glued(line).map(|colon| (start, colon)))
    {
        return Diagnostic::error("expected a blank after the colon, found none")
            .at(start + colon..start + colon + 1, "")
            .help("write key: value");
    }
    let until = text.get(start..at).unwrap_or_default();
    if info.contains("mapping values are not allowed") && !until.contains(": ") {
        return Diagnostic::error("expected a line that starts where the one before does, found one that is indented further")
            .at(start..at, "")
            .help("only what is under battery and applies_to is indented, all of it alike");
    }
    if line.trim_start().starts_with("- ") && info.contains("expected") {
        let dash = start + line.len() - line.trim_start().len();
        return Diagnostic::error("expected key: value, found an entry of a list")
            .at(dash..dash + 1, "")
            .help("take the dash out");
    }
    let bare = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.contains(':')
    };
    if info.contains("simple key")
        && let Some((start, line)) = lines.into_iter().find(|(_, line)| bare(line))
    {
        let from = start + line.len() - line.trim_start().len();
        return Diagnostic::error("expected key: value, found a line without a colon")
            .at(from..start + line.trim_end().len(), "")
            .help("write key: value, or put # before a line that is a comment");
    }
    match MESSAGES.iter().find(|(known, ..)| info.contains(known)) {
        Some((_, message, help)) => Diagnostic::error(*message).at(here, "").help(*help),
        None => Diagnostic::error("expected key: value a line, found text that is no YAML")
            .at(here, "")
            .help("write one key: value a line; keys of one part start in the same column"),
    }
}

/// The line around a byte, and where it starts.
fn line_of(text: &str, at: usize) -> (usize, &str) {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    (start, text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default())
}

/// The colon of `key:value`.
fn glued(line: &str) -> Option<usize> {
    let (key, value) = line.split_once(':')?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = !key.trim_start().is_empty() && key.trim_start().chars().all(is_key);
    (fits && value.starts_with(|c: char| !c.is_whitespace())).then_some(key.len())
}

/// A piece of the parser's message, what to say instead, and what to do.
const MESSAGES: &[(&str, &str, &str)] = &[
    (
        "anchor",
        "expected a plain value, found an anchor (&…) or a reference to one (*…)",
        "write the value itself in each place",
    ),
    ("tag", "expected a plain value, found one with a tag (!…)", TAG),
    (
        "quoted",
        "expected text that ends with its quotation mark, found none",
        "close the quotation mark that is open",
    ),
    (
        "flow sequence",
        "expected a comma or ] in a list, found something else",
        "close the [ that is open",
    ),
    (
        "flow mapping",
        "expected a comma or } in a part, found something else",
        "close the { that is open",
    ),
    (
        "bracket",
        "found a bracket that closes nothing",
        "take it out, or quote the text that it belongs to",
    ),
    (
        "mapping values are not allowed",
        "expected one key: value a line, found a second colon",
        "put what is too much into its own line; text that has a colon needs quotation marks",
    ),
    ("unprintable", "expected text, found a control character", "take it out"),
    ("byte order mark", "expected text, found a byte order mark in the middle", "take it out"),
    ("directive", "expected key: value, found a directive (%…)", "take it out"),
    (
        "recursion",
        "expected a setting with one value, found lists in lists",
        "write one key: value a line",
    ),
    ("simple key", "expected key: value, found a line without a colon", "write key: value"),
    (
        "expected key",
        "expected key: value in the same column as the line before, found something else",
        "keys of one part start in the same column; write key: value",
    ),
    (
        "document start",
        "expected key: value in the same column as the line before, found something else",
        "keys of one part start in the same column; write key: value",
    ),
    ("unexpected character", "expected a value, found a character that none starts with", QUOTE),
];

const TAG: &str =
    "take the ! and what belongs to it out, or put text that starts so into quotation marks";

const QUOTE: &str = "text that starts with a sign needs quotation marks: \"…\"";

const MAX_BYTES: usize = 256 * 1024;

/// A profile needs three: a map, in it the parts, in them lists. What is deeper is told as what it is
/// as long as it can be meant for something.
const DEEPEST: usize = 8;
