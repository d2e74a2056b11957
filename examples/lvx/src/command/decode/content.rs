//! The content of a frame.

use std::borrow::Cow;

use pi18_proto::{
    AnyReply, DecodeError, FieldInfo, Frame, FrameKind, FrameReader, MAX_FRAME, Query, Received,
    Request, Value,
};

use crate::input;

/// The decoded content of a frame.
#[derive(Default)]
pub(super) struct Content<'a> {
    pub(super) command: Option<Cow<'a, str>>,
    pub(super) kind: Option<&'static str>,
    pub(super) fields: Fields,
    pub(super) warnings: Vec<String>,
    pub(super) candidates: Vec<&'static str>,
}

/// The fields of a message.
#[derive(Default)]
pub(super) enum Fields {
    #[default]
    None,
    Reply(AnyReply),
    Request(Request),
}

impl Fields {
    pub(super) fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
        match self {
            Self::None => {}
            Self::Reply(reply) => reply.visit(visitor),
            Self::Request(request) => request.visit(visitor),
        }
    }
}

impl Content<'_> {
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        if let Some((frame, after)) = whole(bytes) {
            return self.read_received(&frame, &[], after);
        }
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
                self.read_received(&frame, skipped, rest)
            }
        }
    }

    fn read_received(
        &mut self,
        frame: &Frame<'_>,
        before: &[u8],
        after: &[u8],
    ) -> Result<(), String> {
        if !before.is_empty() {
            self.warnings.push(format!("bytes before the frame: \"{}\"", before.escape_ascii()));
        }
        if after.iter().any(|&byte| byte != 0) {
            self.warnings.push(format!("bytes after the frame: \"{}\"", after.escape_ascii()));
        }
        self.warnings.extend(frame.warnings().map(|warning| warning.to_string()));
        self.read_frame(frame)
    }

    fn read_frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        self.kind = Some(kind(frame.kind()));
        match frame.kind() {
            FrameKind::Data => self.read_reply(frame.data()),
            FrameKind::Query | FrameKind::Set => {
                let request = Request::decode(frame).map_err(|error| error.to_string())?;
                self.command = Some(request.mnemonic().into());
                self.fields = Fields::Request(request);
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
            Some(command) => input::query_kind(command)
                .ok_or_else(|| format!("command: expected a query, found {command}"))?,
            None => self.guess(data)?,
        };
        let (reply, extra) =
            query.parse_reply(data).map_err(|error: DecodeError| error.to_string())?;
        self.warnings.extend((!extra.is_empty()).then(|| extra.to_string()));
        self.fields = Fields::Reply(reply);
        Ok(())
    }

    /// Returns the only query whose reply has this shape, and warns that the command was guessed.
    fn guess(&mut self, data: &[u8]) -> Result<Query, String> {
        self.candidates = Query::candidates(data).map(|info| info.mnemonic).collect();
        match self.candidates[..] {
            [only] => {
                let query = input::query_kind(only).ok_or("unknown query")?;
                self.warnings
                    .push(format!("no command is given; only {only} has a reply of this shape"));
                self.command = Some(only.into());
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

/// Returns the valid frame at the start of the bytes, and the bytes after it. A [`FrameReader`] returns the
/// same frame, but copies it.
fn whole(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\r')? + 1;
    let (frame, after) = bytes.split_at_checked(end)?;
    if frame.len() > MAX_FRAME {
        return None;
    }
    Frame::parse(frame).ok().map(|frame| (frame, after))
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
