//! `lvx decode`: frames from logs, one JSON line out for each line in.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
};

use pi18_proto::{DecodeError, Frame, FrameKind, FrameReader, Query, Received, Request};
use pi18_transport::Direction;
use serde_json::{Map, Value as Json, json};

use crate::{
    args,
    line::Line,
    names,
    outcome::{Failure, Status},
    shown::Shown,
};

pub(crate) fn run(args: &args::Decode, out: &mut impl Write) -> Result<Status, Failure> {
    let mut input = open(&args.file)?;
    let mut status = Status::Well;
    // In a capture, what was sent says what the next reply answers.
    let mut asked = None;
    for number in 1.. {
        let line = next_line(&mut input).map_err(|error| {
            Failure::usage(format_args!("{}: cannot be read: {error}", args.file.display()))
        })?;
        let Some(line) = line else { break };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let decoded = Decoded::of(&line, number, &mut asked);
        status = status.max(decoded.status);
        writeln!(out, "{}", Json::Object(decoded.object))?;
    }
    Ok(status)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let wrong = |error| Failure::usage(format_args!("{}: cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(wrong)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(wrong(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(BufReader::new(file)))
}

/// The next line, cut off where no frame is so long; `None` at the end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok((read > 0).then_some(line))
}

/// Bytes of a line: a frame of any length, each byte as `\\xNN`, and room for what stands beside.
const LONGEST: u64 = 16 * 1024;

/// What is said of one line.
struct Decoded {
    object: Map<String, Json>,
    status: Status,
}

/// What a frame holds, once it is told what it answers.
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
            .map_err(|_| "wanted text, found bytes that are not UTF-8".to_owned())
            .and_then(Line::parse);
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                let content = Content::default();
                let error = format!("line {number}: {error}");
                return Self::new(number.into(), &content, Some(error), Status::Usage);
            }
        };
        let id = line.id.clone().unwrap_or_else(|| number.into());
        let mut content = Content { command: line.command.clone(), ..Content::default() };
        if line.direction == Some(Direction::Received) && content.command.is_none() {
            content.command.clone_from(asked);
        }
        let error = content.read(&line.bytes).err();
        if line.direction == Some(Direction::Sent) {
            asked.clone_from(&content.command);
        }
        let status = if error.is_some() { Status::Findings } else { Status::Well };
        Self::new(id, &content, error, status)
    }

    fn new(id: Json, content: &Content, error: Option<String>, status: Status) -> Self {
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
            None => Err("frame: wanted bytes, found nothing but zeros".to_owned()),
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
            Some(command) => names::query_kind(command)
                .ok_or_else(|| format!("command: wanted a query, found {command}"))?,
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
                let query = names::query_kind(&only).ok_or("no such query")?;
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

/// What damaged bytes were meant to be, as far as their first ones tell.
fn kind_by_start(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'^', b'D', ..] => Some("reply"),
        [b'^', b'P' | b'S', ..] => Some("request"),
        _ => None,
    }
}
