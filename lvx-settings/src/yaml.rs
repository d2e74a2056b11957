//! YAML as a tree, in which every scalar is text and every node has its place, for files that people write.
//!
//! [`read`] reads a small part of YAML. Anchors, aliases, tags and further documents are errors, so that every
//! value can be read where it applies. Numbers stay text: `06306` keeps its leading zero. With the places of the
//! nodes, a program reports all mistakes of a file at once, as [`Diagnostics`](crate::Diagnostics):
//!
//! ```
//! use lvx_settings::{Diagnostic, Diagnostics, yaml::{self, Format, NodeKind}};
//!
//! let format = Format::new("list of colours");
//! let text = "paint: 7\n";
//! let mut errors = Vec::new();
//! let root = yaml::read(text, &format, &mut errors).unwrap();
//! let NodeKind::Map(entries) = &root.kind else { panic!("expected a map") };
//! let (key, _) = &entries[0];
//! let help = yaml::similar("paint", ["print", "colour"]).map(|key| format!("did you mean {key}?"));
//! errors.push(
//!     Diagnostic::error("expected a key, found \"paint\"")
//!         .at(key.span.clone(), "")
//!         .help(help.unwrap_or_default()),
//! );
//! let shown = Diagnostics::new("colours.yaml", text, errors).to_string();
//! assert!(shown.contains("1 | paint: 7\n  | ^^^^^\n"), "{shown}");
//! assert!(shown.ends_with("= help: did you mean print?\n"), "{shown}");
//! ```

use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::{Diagnostic, model::value::nearest};

/// A node of the tree, and its bytes in the file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// The range of bytes in the text.
    pub span: Range<usize>,
    /// The content.
    pub kind: NodeKind,
}

/// The content of a node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NodeKind {
    /// A text, number or word.
    Scalar {
        /// The text, without quotation marks.
        text: String,
        /// Whether it is written without quotation marks.
        is_plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// Keys with their values, in the order of the file.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Returns whether the node is empty or YAML's null.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, is_plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Returns a description of the node for an error message: the quoted text, `a list`, `a map` or `nothing`.
    #[must_use]
    pub fn found(&self) -> String {
        match &self.kind {
            NodeKind::Scalar { .. } if self.is_missing() => "nothing".to_owned(),
            NodeKind::Scalar { text, .. } => format!("{text:?}"),
            NodeKind::List(_) => "a list".to_owned(),
            NodeKind::Map(_) => "a map".to_owned(),
        }
    }
}

/// A kind of file: its limits, and the words of the errors about its syntax.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    noun: &'static str,
    max_bytes: usize,
    max_depth: usize,
    size_help: &'static str,
    depth_help: &'static str,
    indent_help: &'static str,
}

impl Format {
    /// Returns the format of a file that is called `noun` in errors, without an article, such as `profile`. Files have
    /// up to 256 KiB and 16 levels of lists and maps.
    #[must_use]
    pub const fn new(noun: &'static str) -> Self {
        Self {
            noun,
            max_bytes: 256 * 1024,
            max_depth: 16,
            size_help: "remove what is not needed",
            depth_help: "write fewer levels of keys and lists",
            indent_help: "keys of one level start in the same column",
        }
    }
}

/// The format of profiles. They have three levels: keys, the keys below some, and lists. Deeper levels up to the
/// maximum are read so that errors can describe them.
pub(crate) const PROFILE: Format = Format {
    max_depth: 8,
    size_help: "a profile states each setting once, in a few lines",
    depth_help: "only battery and applies_to have keys below them, and only applies_to has lists",
    indent_help: "only keys under battery and applies_to are indented, all by the same number of spaces",
    ..Format::new("profile")
};

/// Returns the known word that `text` probably means: the one with the smallest edit distance, if that is at most a
/// third of the longer one.
pub fn similar<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(text, known.into_iter())
}

/// Reads a text up to the first syntax error, which is added to `errors`; `None` if the text is empty.
///
/// After an error, the tree has the part of the text before it.
pub fn read(text: &str, format: &Format, errors: &mut Vec<Diagnostic>) -> Option<Node> {
    if text.len() > format.max_bytes {
        let (noun, max, found) = (format.noun, format.max_bytes / 1024, text.len() / 1024);
        let error =
            Diagnostic::error(format!("expected a {noun} of at most {max} KiB, found {found} KiB"));
        errors.push(error.help(format.size_help));
        return None;
    }
    let places = Places::of(text);
    let mut tree = Tree { format, open: Vec::new(), root: None, documents: 0 };
    for event in Parser::new_from_str(text) {
        let done = match event {
            Ok((event, span)) => {
                let span = places.byte(span.start)..places.byte(span.end);
                tree.take(event, span, text).map_err(|error| *error)
            }
            Err(error) => Err(syntax(text, places.byte(*error.marker()), error.info(), format)),
        };
        if let Err(error) = done {
            errors.push(error);
            tree.close(text);
            break;
        }
    }
    tree.root
}

/// Converts the parser's positions, which count characters, to bytes.
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

/// A tree that is built from the events of the parser.
struct Tree<'a> {
    format: &'a Format,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Tree<'_> {
    /// Adds an event of the parser to the tree.
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
                // The parser gives an empty value the span of the text after it.
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
            Event::Alias(_) => return Err(Box::new(alias(span))),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let noun = self.format.noun;
                    let error =
                        Diagnostic::error(format!("expected one {noun} in a file, found a second"));
                    return Err(Box::new(
                        error
                            .at(span, "the second")
                            .help(format!("put each {noun} into a separate file")),
                    ));
                }
                return Ok(());
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {
                return Ok(());
            }
        };
        if self.open.len() >= self.format.max_depth {
            let error = Diagnostic::error(
                "expected one value, or one level of keys with values, found a deeper level",
            );
            return Err(Box::new(error.at(span, "").help(self.format.depth_help)));
        }
        self.open.push(Open { node: Node { span, kind }, key: None });
        Ok(())
    }

    /// Adds a complete node to the list or map that is open.
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

    /// Closes the open lists and maps after a syntax error. Drops a key without a value, and a value that
    /// extends into the line of the error.
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
            // Adding fails only for a list or a map that is used as a key.
            if self.add(node).is_err() {
                return;
            }
        }
    }
}

/// Returns a span without trailing whitespace.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let kept = text.get(span.clone()).unwrap_or_default().trim_end().len();
    span.start..span.start + kept
}

/// Checks that a node has neither anchor nor tag.
fn bare(anchor: usize, has_tag: bool, span: &Range<usize>) -> Result<(), Box<Diagnostic>> {
    if anchor > 0 {
        return Err(Box::new(alias(span.clone())));
    }
    if has_tag {
        let error = Diagnostic::error("expected a plain value, found one with a tag (!…)");
        return Err(Box::new(error.at(span.clone(), "").help(TAG)));
    }
    Ok(())
}

/// Returns the error for an anchor or an alias.
fn alias(span: Range<usize>) -> Diagnostic {
    Diagnostic::error("expected a plain value, found an anchor (&…) or an alias (*…)")
        .at(span, "")
        .help("write the value itself in both places")
}

/// Returns a diagnostic for a syntax error: a common mistake if one is found near it, otherwise the
/// parser's message in plain words.
fn syntax(text: &str, at: usize, info: &str, format: &Format) -> Diagnostic {
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
        return Diagnostic::error("expected spaces before a key, found a tab")
            .at(tab..tab + tabs, "a tab")
            .help("indent with two spaces: YAML does not allow tabs there");
    }
    if let Some((start, colon)) =
        lines.into_iter().find_map(|(start, line)| glued(line).map(|colon| (start, colon)))
    {
        return Diagnostic::error("expected a space after the colon, found none")
            .at(start + colon..start + colon + 1, "")
            .help("write key: value");
    }
    let until = text.get(start..at).unwrap_or_default();
    if info.contains("mapping values are not allowed") && !until.contains(": ") {
        return Diagnostic::error(
            "expected a line with the indentation of the line before, found a deeper one",
        )
        .at(start..at, "")
        .help(format.indent_help);
    }
    if line.trim_start().starts_with("- ") && info.contains("expected") {
        let dash = start + line.len() - line.trim_start().len();
        return Diagnostic::error("expected key: value, found an entry of a list")
            .at(dash..dash + 1, "")
            .help("remove the dash");
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
        None => Diagnostic::error("expected one key: value per line, found text that is not YAML")
            .at(here, "")
            .help("write one key: value per line; keys of one level start in the same column"),
    }
}

/// Returns the line around a byte, and its start.
fn line_of(text: &str, at: usize) -> (usize, &str) {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    (start, text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default())
}

/// Returns the position of the colon in `key:value` without a space.
fn glued(line: &str) -> Option<usize> {
    let (key, value) = line.split_once(':')?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = !key.trim_start().is_empty() && key.trim_start().chars().all(is_key);
    (fits && value.starts_with(|c: char| !c.is_whitespace())).then_some(key.len())
}

/// A part of the parser's message, the message to show instead, and the help.
const MESSAGES: &[(&str, &str, &str)] = &[
    (
        "anchor",
        "expected a plain value, found an anchor (&…) or an alias (*…)",
        "write the value itself in both places",
    ),
    ("tag", "expected a plain value, found one with a tag (!…)", TAG),
    ("quoted", "expected a closing quotation mark, found none", "add the closing quotation mark"),
    ("flow sequence", "expected a comma or ] in a list, found other text", "add the closing ]"),
    ("flow mapping", "expected a comma or } after a value, found other text", "add the closing }"),
    (
        "bracket",
        "expected a value, found a closing bracket without an opening one",
        "remove it, or put the text into quotation marks",
    ),
    (
        "mapping values are not allowed",
        "expected one key: value per line, found a second colon",
        "put the second key on a separate line; text with a colon needs quotation marks",
    ),
    ("unprintable", "expected text, found a control character", "remove it"),
    ("byte order mark", "expected text, found a byte order mark in the middle", "remove it"),
    ("directive", "expected key: value, found a directive (%…)", "remove it"),
    (
        "recursion",
        "expected a setting with one value, found lists in lists",
        "write one key: value per line",
    ),
    ("simple key", "expected key: value, found a line without a colon", "write key: value"),
    (
        "expected key",
        "expected key: value in the column of the line before, found other text",
        "keys of one level start in the same column; write key: value",
    ),
    (
        "document start",
        "expected key: value in the column of the line before, found other text",
        "keys of one level start in the same column; write key: value",
    ),
    ("unexpected character", "expected a value, found a character that cannot start one", QUOTE),
];

const TAG: &str = "remove the tag, or put the text into quotation marks";

const QUOTE: &str = "text that starts with a special character needs quotation marks: \"…\"";
