//! The first version of `lvx decode`, with one JSON value per line: a slow reference for the fast one.
#![allow(
    dead_code,
    clippy::pedantic,
    reason = "unchanged first version; a test and a benchmark each use a part"
)]

pub(crate) mod log;

use pi18_proto::{
    AnyReply, DecodeError, FieldInfo, Frame, FrameKind, FrameReader, Query, Received, Request,
    Value,
};
use pi18_transport::{CaptureDirection, from_hex};
use serde_json::{Value as Json, json};

/// Decodes a log. Returns the exit status and one line of JSON for each line that is not blank.
pub(crate) fn decode(log: &[u8]) -> (i32, Vec<u8>) {
    let mut status = 0;
    let mut out = Vec::new();
    let mut asked = None;
    for (number, line) in (1..).zip(log.split_inclusive(|&byte| byte == b'\n')) {
        let line = line.get(..MAX_LINE).unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let decoded = Decoded::of(line, number, &mut asked);
        status = status.max(decoded.status);
        out.extend(format!("{}\n", decoded.object).into_bytes());
    }
    (status, out)
}

const MAX_LINE: usize = 16 * 1024;

/// The decoded form of a line.
struct Decoded {
    object: Object,
    status: i32,
}

/// A JSON object with its keys in the order of their insertion; the values are JSON texts.
#[derive(Clone, Debug, Default)]
struct Object(Vec<(String, String)>);

impl Object {
    fn insert(&mut self, key: String, value: impl ToString) {
        self.0.push((key, value.to_string()));
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields = self.0.iter().map(|(key, value)| format!("{}:{value}", json!(key)));
        write!(f, "{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
}

/// The content of a frame.
#[derive(Default)]
struct Content {
    command: Option<String>,
    kind: Option<&'static str>,
    fields: Fields,
    warnings: Vec<String>,
    candidates: Vec<String>,
}

impl Decoded {
    fn of(text: &[u8], number: u64, asked: &mut Option<String>) -> Self {
        let line = std::str::from_utf8(text)
            .map_err(|_| "expected UTF-8 text, found other bytes".to_owned())
            .and_then(Line::parse);
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                let content = Content::default();
                let error = format!("line {number}: {error}");
                return Self::new(number.into(), &content, Some(error), 2);
            }
        };
        let id = line.id.clone().unwrap_or_else(|| number.into());
        let mut content = Content { command: line.command.clone(), ..Content::default() };
        if line.direction == Some(CaptureDirection::Received) && content.command.is_none() {
            content.command.clone_from(asked);
        }
        let error = content.read(&line.bytes).err();
        if line.direction == Some(CaptureDirection::Sent) {
            asked.clone_from(&content.command);
        }
        let status = if error.is_some() { 1 } else { 0 };
        Self::new(id, &content, error, status)
    }

    fn new(id: Json, content: &Content, error: Option<String>, status: i32) -> Self {
        let mut object = Object::default();
        let mut put =
            |key: &str, value: &dyn ToString| object.insert(key.to_owned(), value.to_string());
        put("id", &id);
        put("command", &json!(content.command));
        put("kind", &json!(content.kind));
        put("ok", &error.is_none());
        match error {
            None => {
                put("values", &content.fields.values());
                put("names", &content.fields.names());
            }
            Some(error) => {
                put("error", &json!(error));
            }
        }
        if !content.candidates.is_empty() {
            put("candidates", &json!(content.candidates));
        }
        put("warnings", &json!(content.warnings));
        Self { object, status }
    }
}

impl Content {
    fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut reader = FrameReader::new();
        let mut rest = bytes;
        let received = match reader.next(&mut rest) {
            Some(received) => Some(received),
            None => reader.flush(),
        };
        self.kind = received.as_ref().and_then(|_| kind_by_start(bytes));
        match received {
            None => Err("frame: expected a frame, found only zero bytes".to_owned()),
            Some(Received::Discarded { error, .. }) => Err(error.to_string()),
            Some(Received::Frame { frame, skipped, .. }) => {
                if !skipped.is_empty() {
                    self.warnings
                        .push(format!("bytes before the frame: \"{}\"", skipped.escape_ascii()));
                }
                if rest.iter().any(|&byte| byte != 0) {
                    self.warnings
                        .push(format!("bytes after the frame: \"{}\"", rest.escape_ascii()));
                }
                self.warnings.extend(frame.warnings().map(|warning| warning.to_string()));
                self.read_frame(&frame)
            }
        }
    }

    fn read_frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        self.kind = Some(kind(frame.kind()));
        match frame.kind() {
            FrameKind::Data => self.read_reply(frame.data()),
            FrameKind::Query | FrameKind::Set => {
                let request = Request::decode(frame).map_err(|error| error.to_string())?;
                self.command = Some(request.mnemonic().to_owned());
                self.fields = Fields::request(&request);
                Ok(())
            }
            FrameKind::NotUnderstood => {
                self.warnings.push("the unit did not understand the frame it received".to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn read_reply(&mut self, data: &[u8]) -> Result<(), String> {
        let query = match &self.command {
            Some(command) => query_kind(command)
                .ok_or_else(|| format!("command: expected a query, found {command}"))?,
            None => self.guess(data)?,
        };
        let (reply, extra) =
            query.parse_reply(data).map_err(|error: DecodeError| error.to_string())?;
        self.warnings.extend((!extra.is_empty()).then(|| extra.to_string()));
        self.fields = Fields::reply(&reply);
        Ok(())
    }

    /// Returns the only query whose reply has this shape, and warns that the command was guessed.
    fn guess(&mut self, data: &[u8]) -> Result<Query, String> {
        let candidates = Query::candidates(data).map(|info| info.mnemonic);
        self.candidates = candidates.map(str::to_owned).collect();
        match &self.candidates[..] {
            [only] => {
                let only = only.clone();
                let query = query_kind(&only).ok_or("unknown query")?;
                self.warnings
                    .push(format!("no command is given; only {only} has a reply of this shape"));
                self.command = Some(only);
                Ok(query)
            }
            [] => Err("no command is given, and no known reply has this shape".to_owned()),
            _ => Err(format!(
                "no command is given; replies of this shape: {}",
                self.candidates.join(", ")
            )),
        }
    }
}

fn kind(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Data => "reply",
        FrameKind::Query | FrameKind::Set => "request",
        FrameKind::Accepted => "ack",
        FrameKind::Refused | FrameKind::NotUnderstood => "nak",
        _ => "frame",
    }
}

/// Returns the kind of damaged frame, judged by its first bytes.
fn kind_by_start(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'^', b'D', ..] => Some("reply"),
        [b'^', b'P' | b'S', ..] => Some("request"),
        _ => None,
    }
}

/// The content of a line.
#[derive(Debug, Default, PartialEq)]
struct Line {
    /// Id of a JSON line.
    id: Option<Json>,
    /// Command that the frame answers, if given.
    command: Option<String>,
    /// Direction of the bytes, in a capture.
    direction: Option<CaptureDirection>,
    bytes: Vec<u8>,
}

impl Line {
    /// Parses a line.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if text.starts_with('{') {
            return Self::json(text);
        }
        if let Some((word, rest)) = text.split_once(char::is_whitespace)
            && (query_kind(word).is_some() || is_word(word))
        {
            let bytes = bytes(rest.trim())?;
            return Ok(Self { command: Some(word.to_owned()), bytes, ..Self::default() });
        }
        Ok(Self { bytes: bytes(text)?, ..Self::default() })
    }

    fn json(text: &str) -> Result<Self, String> {
        let object: Json = serde_json::from_str(text).map_err(|error| format!("JSON: {error}"))?;
        let text_of = |key: &str| object.get(key).and_then(Json::as_str);
        let hex = text_of("hex").ok_or("JSON: expected a string \"hex\", found none")?;
        let direction = object.get("direction").cloned();
        Ok(Self {
            id: object.get("id").cloned(),
            command: text_of("command").map(str::to_owned),
            direction: direction.and_then(|direction| serde_json::from_value(direction).ok()),
            bytes: from_hex(hex).map_err(|error| error.to_string())?,
        })
    }
}

/// Returns whether a word may be a mnemonic and cannot be hex.
fn is_word(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ',');
    plain && !word.chars().all(|c| c.is_ascii_hexdigit())
}

/// Parses hex, or a frame with escapes.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    if text.contains(['^', '(', '\\']) {
        return unescape(unquote(text));
    }
    from_hex(text).map_err(|error| {
        format!("expected JSON, hex, or a frame that starts with ^, optionally after a command; as {error}")
    })
}

/// Removes the quotes of byte strings.
fn unquote(text: &str) -> &str {
    let inner = text.strip_prefix('b').unwrap_or(text);
    ['\'', '"']
        .iter()
        .find_map(|&quote| inner.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// Resolves escapes.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        match characters.next() {
            Some('x') => {
                let digits: String = characters.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2);
                bytes.push(byte.ok_or(format!(
                    "escape: expected \\x and two hex digits, found \\x{digits}"
                ))?);
            }
            Some('r') => bytes.push(b'\r'),
            Some('n') => bytes.push(b'\n'),
            Some('t') => bytes.push(b'\t'),
            Some('0') => bytes.push(0),
            Some(escaped @ ('\\' | '\'' | '"')) => {
                bytes.extend(escaped.encode_utf8(&mut [0; 4]).bytes());
            }
            other => {
                let found = other.map_or("nothing".to_owned(), |c| format!("\\{c}"));
                return Err(format!(
                    "escape: expected \\xNN, \\r, \\n, \\t, \\0, \\\\, found {found}"
                ));
            }
        }
    }
    Ok(bytes)
}

/// The fields of a message, formatted.
#[derive(Debug, Default)]
struct Fields {
    rows: Vec<(&'static FieldInfo, String)>,
    values: Object,
    names: Object,
    units: Object,
}

impl Fields {
    fn reply(reply: &AnyReply) -> Self {
        let mut fields = Self::default();
        reply.visit(&mut |info, value| fields.add(info, value));
        fields
    }

    fn request(request: &Request) -> Self {
        let mut fields = Self::default();
        request.visit(&mut |info, value| fields.add(info, value));
        fields
    }

    fn add(&mut self, info: &'static FieldInfo, value: Value<'_>) {
        let name = || info.name.to_owned();
        self.rows.push((info, value.to_string()));
        self.values.insert(name(), serde_json::to_value(value).unwrap_or(Json::Null));
        if let Value::Code { name: Some(code), .. } = value {
            self.names.insert(name(), json!(code));
        }
        if !info.unit.is_empty() {
            self.units.insert(name(), json!(info.unit));
        }
    }

    /// Returns the label and the value of each field.
    fn rows(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rows.iter().map(|(info, value)| (info.label, value.as_str()))
    }

    /// Returns the values by field.
    fn values(&self) -> Object {
        self.values.clone()
    }

    /// Returns the names of codes by field.
    fn names(&self) -> Object {
        self.names.clone()
    }

    /// Returns the units of quantities by field.
    fn units(&self) -> Object {
        self.units.clone()
    }
}

/// Returns the query with this mnemonic, with the argument of the example if it is missing.
fn query_kind(text: &str) -> Option<Query> {
    let upper = text.to_ascii_uppercase();
    upper.parse().ok().or_else(|| {
        let info = Query::LIST.iter().find(|info| info.mnemonic == upper)?;
        info.example.parse().ok()
    })
}
