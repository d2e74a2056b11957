//! `lvx decode` as it first was, a JSON value for each line: slow, and what the fast way must equal.
#![allow(
    dead_code,
    clippy::pedantic,
    reason = "kept as it was; a test and a benchmark each use a part"
)]

pub(crate) mod log;

use pi18_proto::{
    AnyReply, DecodeError, FieldInfo, Frame, FrameKind, FrameReader, Query, Received, Request,
    Value,
};
use pi18_transport::{CaptureDirection, from_hex};
use serde_json::{Map, Value as Json, json};

/// Decodes a whole log; the exit status and one line of JSON for each line that is not blank.
pub(crate) fn decode(log: &[u8]) -> (i32, Vec<u8>) {
    let mut status = 0;
    let mut out = Vec::new();
    let mut asked = None;
    for (number, line) in (1..).zip(log.split_inclusive(|&byte| byte == b'\n')) {
        let line = line.get(..LONGEST).unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let decoded = Decoded::of(line, number, &mut asked);
        status = status.max(decoded.status);
        out.extend(format!("{}\n", Json::Object(decoded.object)).into_bytes());
    }
    (status, out)
}

const LONGEST: usize = 16 * 1024;

/// What is said of one line.
struct Decoded {
    object: Map<String, Json>,
    status: i32,
}

/// What a frame holds, once it is known what it answers.
#[derive(Default)]
struct Content {
    command: Option<String>,
    kind: Option<&'static str>,
    shown: Shown,
    warnings: Vec<String>,
    candidates: Vec<String>,
}

impl Decoded {
    fn of(text: &[u8], number: u64, asked: &mut Option<String>) -> Self {
        let line = std::str::from_utf8(text)
            .map_err(|_| "expected text, found bytes that are not UTF-8".to_owned())
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
        let mut object = Map::new();
        let mut put = |key: &str, value: Json| object.insert(key.to_owned(), value);
        put("id", id);
        put("command", json!(content.command));
        put("kind", json!(content.kind));
        put("ok", error.is_none().into());
        match error {
            None => {
                put("values", content.shown.values());
                put("names", content.shown.names());
            }
            Some(error) => {
                put("error", error.into());
            }
        }
        if !content.candidates.is_empty() {
            put("candidates", json!(content.candidates));
        }
        put("warnings", json!(content.warnings));
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
            None => Err("frame: expected bytes, found nothing but zeros".to_owned()),
            Some(Received::Discarded { error, .. }) => Err(error.to_string()),
            Some(Received::Frame { frame, skipped, .. }) => {
                if !skipped.is_empty() {
                    self.warnings.push(format!("before the frame: \"{}\"", skipped.escape_ascii()));
                }
                if rest.iter().any(|&byte| byte != 0) {
                    self.warnings.push(format!("behind the frame: \"{}\"", rest.escape_ascii()));
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
                self.shown = Shown::request(&request);
                Ok(())
            }
            FrameKind::Accepted | FrameKind::Refused => Ok(()),
            FrameKind::NotUnderstood => {
                self.warnings.push("the unit could not make out the frame it got".to_owned());
                Ok(())
            }
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
        self.shown = Shown::reply(&reply);
        Ok(())
    }

    /// The one query whose reply looks like this; said aloud.
    fn guess(&mut self, data: &[u8]) -> Result<Query, String> {
        let candidates = Query::candidates(data).map(|info| info.mnemonic);
        self.candidates = candidates.map(str::to_owned).collect();
        match &self.candidates[..] {
            [only] => {
                let only = only.clone();
                let query = query_kind(&only).ok_or("no such query")?;
                self.warnings.push(format!("no command is given; only {only} has such a reply"));
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
    /// As given; JSON lines only.
    id: Option<Json>,
    /// What was asked, if the line says so.
    command: Option<String>,
    /// Which way the bytes went, in a capture.
    direction: Option<CaptureDirection>,
    bytes: Vec<u8>,
}

impl Line {
    /// Reads a line.
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
        let hex = text_of("hex").ok_or("JSON: expected a text \"hex\", found none")?;
        let direction = object.get("direction").cloned();
        Ok(Self {
            id: object.get("id").cloned(),
            command: text_of("command").map(str::to_owned),
            direction: direction.and_then(|direction| serde_json::from_value(direction).ok()),
            bytes: from_hex(hex).map_err(|error| error.to_string())?,
        })
    }
}

/// Letters that cannot be hex, such as a set command's mnemonic.
fn is_word(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ',');
    plain && !word.chars().all(|c| c.is_ascii_hexdigit())
}

/// Hex, or a frame with escapes.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    if text.contains(['^', '(', '\\']) {
        return unescape(unquote(text));
    }
    from_hex(text).map_err(|error| {
        format!("expected JSON, hex, or a frame that starts with ^, optionally behind a command; as {error}")
    })
}

/// Without the quotes that Python and others put around bytes.
fn unquote(text: &str) -> &str {
    let inner = text.strip_prefix('b').unwrap_or(text);
    ['\'', '"']
        .iter()
        .find_map(|&quote| inner.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// `\xNN`, `\r`, `\n`, `\t`, `\0` and a backslash before anything printable.
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

/// Fields of a message, ready to be shown.
#[derive(Debug, Default)]
struct Shown {
    rows: Vec<(&'static FieldInfo, String)>,
    values: Map<String, Json>,
    names: Map<String, Json>,
    units: Map<String, Json>,
}

impl Shown {
    fn reply(reply: &AnyReply) -> Self {
        let mut shown = Self::default();
        reply.visit(&mut |info, value| shown.add(info, value));
        shown
    }

    fn request(request: &Request) -> Self {
        let mut shown = Self::default();
        request.visit(&mut |info, value| shown.add(info, value));
        shown
    }

    fn add(&mut self, info: &'static FieldInfo, value: Value<'_>) {
        let name = || info.name.to_owned();
        self.rows.push((info, value.to_string()));
        self.values.insert(name(), serde_json::to_value(value).unwrap_or(Json::Null));
        if let Value::Code { name: Some(code), .. } = value {
            self.names.insert(name(), code.into());
        }
        if !info.unit.is_empty() {
            self.units.insert(name(), info.unit.into());
        }
    }

    /// Label and value of each field.
    fn rows(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rows.iter().map(|(info, value)| (info.label, value.as_str()))
    }

    /// Field by field a number in its unit, a code's number, or a text.
    fn values(&self) -> Json {
        Json::Object(self.values.clone())
    }

    /// What codes stand for.
    fn names(&self) -> Json {
        Json::Object(self.names.clone())
    }

    /// The units of quantities.
    fn units(&self) -> Json {
        Json::Object(self.units.clone())
    }
}

/// A query of the kind that a mnemonic names, its argument made up if it is left out: enough to
/// read a reply.
fn query_kind(text: &str) -> Option<Query> {
    let upper = text.to_ascii_uppercase();
    upper.parse().ok().or_else(|| {
        let info = Query::LIST.iter().find(|info| info.mnemonic == upper)?;
        info.example.parse().ok()
    })
}
