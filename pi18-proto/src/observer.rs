//! Follows a conversation between a host and a device from the bytes of both directions.

use core::fmt;

use crate::{
    AnyReply, DecodeError, Extra, Frame, FrameKind, FrameReader, MAX_FRAME, Query, Received,
    Request, SetCommand, frame::SHORTEST,
};

mod forgotten;
mod waiting;

use forgotten::Doubt;
pub use waiting::Candidates;
use waiting::{Match, Waiting};

/// Decodes the bytes of both directions, and pairs each reply with its request.
///
/// It serves proxies, sniffers and log readers. It does no I/O, allocates nothing and reads no clock:
/// it gets the bytes of either side in the order in which they were seen, in chunks of any size, and
/// returns what they mean.
///
/// ```
/// use pi18_proto::{Message, Observer, Query, Request, Side};
///
/// let mut observer = Observer::new();
/// let mut sent = &b"^P006MOD\xDD\xBE\r"[..];
/// let event = observer.next(Side::Host, &mut sent).unwrap();
/// assert_eq!(event.message, Message::Request(Request::Query(Query::Mode)));
///
/// let mut received = &b"^D00505\xD9\x9F\r"[..];
/// let event = observer.next(Side::Device, &mut received).unwrap();
/// let Message::Reply(paired) = event.message else { panic!("{event:?}") };
/// assert_eq!((paired.query, paired.is_certain), (Query::Mode, true));
/// paired.reply.visit(&mut |field, value| {
///     assert_eq!(format!("{}: {value}", field.label), "Working mode: hybrid");
/// });
/// ```
///
/// # How replies are paired
/// A reply does not name its request. The observer therefore keeps the last eight requests that wait
/// for a reply. A device answers in the order of the requests, each at most once, and ignores
/// requests while it is busy. So a reply belongs to a waiting request that it can answer, and the
/// requests before that one are not answered any more.
///
/// If several different requests wait, the form of the reply decides: the number and the widths of its
/// fields. If the reply has the form of several of them, such as `ET` and `EY`, the result is
/// [`Message::Ambiguous`]. The observer never chooses one of them.
///
/// A pairing is reported as uncertain if a request that the observer could not decode waits as well,
/// or if several different requests wait and the reply has the usual form of none of them. If more than
/// eight requests wait, the observer keeps of the older ones only the kind, and reports pairings as
/// uncertain to which one of them could lead.
///
/// # What it assumes
/// At the start, no reply is on its way. A device answers a query with data in the form of that query's
/// reply. The calls have the order in which the bytes were seen: with the whole log of the host before
/// that of the device, most replies are ambiguous. Two logs are merged by the times of their entries.
///
/// The observer cannot measure time, so it expects a late reply to every unanswered request until a
/// reply to a later one arrives. A caller with a clock calls [`forget_requests`](Self::forget_requests)
/// after a pause. Otherwise replies of equal form can stay ambiguous after the device was off.
#[derive(Clone, Debug)]
pub struct Observer<const N: usize = MAX_FRAME> {
    host: FrameReader<N>,
    device: FrameReader<N>,
    waiting: Waiting,
}

/// A side of the conversation.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// The program that sends requests.
    Host,
    /// The inverter, which sends replies.
    Device,
}

/// Bytes of one side, and what they mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The side that sent the bytes.
    pub side: Side,
    /// The bytes before the frame that are not part of any frame; usually none.
    pub skipped: &'a [u8],
    /// The bytes of the frame, or the bytes that are not a frame.
    pub bytes: &'a [u8],
    /// The frame, or `None` if the bytes are not a frame. It has the [warnings](Frame::warnings).
    pub frame: Option<Frame<'a>>,
    /// The meaning of the frame.
    pub message: Message<'a>,
}

/// The meaning of a frame in a conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// A request of the host.
    Request(Request),
    /// A request frame of the host with an unknown command or a malformed value.
    UnknownRequest(DecodeError),
    /// A data reply, paired with its query.
    Reply(PairedReply<'a>),
    /// A data reply to this query that cannot be decoded. No other query was waiting.
    UnreadableReply {
        /// The query.
        query: Query,
        /// The reason.
        error: DecodeError,
    },
    /// The device accepted this set command.
    Accepted(SetCommand),
    /// The device refused or did not understand a request; the kind of the frame shows which. It is
    /// `None` if the observer could not decode the request either.
    Refused(Option<Request>),
    /// A data reply or acknowledgement that several waiting requests can have caused, or one that the
    /// observer could not decode.
    Ambiguous(Candidates),
    /// A data reply or acknowledgement that no waiting request can have caused.
    /// [`Query::candidates`] lists the queries whose replies have its form.
    Unasked,
    /// A frame that the other side sends: the echo of an adapter, or the sides are confused.
    Echo,
    /// Bytes that are not a frame.
    Damaged(DecodeError),
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => request.fmt(f),
            Self::UnknownRequest(error) => write!(f, "unknown request: {error}"),
            Self::Reply(paired) => {
                let doubt = if paired.is_certain { "" } else { ", not certain" };
                write!(f, "reply to {}{doubt}", paired.query)
            }
            Self::UnreadableReply { query, error } => {
                write!(f, "unreadable reply to {query}: {error}")
            }
            Self::Accepted(command) => write!(f, "{command} accepted"),
            Self::Refused(Some(request)) => write!(f, "{request} refused"),
            Self::Refused(None) => f.write_str("unknown request refused"),
            Self::Ambiguous(candidates) => {
                f.write_str("reply to an unknown request")?;
                candidates.requests().try_for_each(|request| write!(f, " or {request}"))
            }
            Self::Unasked => f.write_str("reply without a request"),
            Self::Echo => f.write_str("echo"),
            Self::Damaged(error) => write!(f, "damaged bytes: {error}"),
        }
    }
}

/// A data reply and the query that it answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PairedReply<'a> {
    /// The query.
    pub query: Query,
    /// The decoded reply.
    pub reply: AnyReply,
    /// Its unknown fields.
    pub extra: Extra<'a>,
    /// Whether no other waiting request can have caused the reply.
    pub is_certain: bool,
}

impl Observer {
    /// Creates an observer of frames of any length.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_capacity()
    }
}

impl Default for Observer {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Observer<N> {
    /// Creates an observer of frames of at most `N` bytes. Longer frames are damaged bytes.
    #[must_use]
    pub const fn with_capacity() -> Self {
        Self {
            host: FrameReader::with_capacity(),
            device: FrameReader::with_capacity(),
            waiting: Waiting::new(),
        }
    }

    /// Takes bytes of one side from the start of `input` until they have a meaning.
    ///
    /// Returns `None` after it has taken all bytes.
    pub fn next<'a>(&'a mut self, side: Side, input: &mut &[u8]) -> Option<Event<'a>> {
        let Self { host, device, waiting } = self;
        let received = match side {
            Side::Host => host.next(input),
            Side::Device => device.next(input),
        };
        received.map(|received| observe(waiting, side, received))
    }

    /// Returns and discards the bytes of an unfinished frame of one side, for example after a timeout or
    /// at the end of a log.
    pub fn flush(&mut self, side: Side) -> Option<Event<'_>> {
        let Self { host, device, waiting } = self;
        let received = match side {
            Side::Host => host.flush(),
            Side::Device => device.flush(),
        };
        received.map(|received| observe(waiting, side, received))
    }

    /// Iterates over the requests that wait for a reply, oldest first. A request that was sent several
    /// times is returned as often.
    pub fn waiting(&self) -> impl Iterator<Item = Request> {
        self.waiting.requests()
    }

    /// Forgets the requests that wait for a reply, after a pause in which a late reply would have
    /// arrived.
    pub fn forget_requests(&mut self) {
        self.waiting.clear();
    }
}

fn observe<'a>(waiting: &mut Waiting, side: Side, received: Received<'a>) -> Event<'a> {
    match received {
        Received::Frame { frame, bytes, skipped } => {
            if side == Side::Host {
                note_damage(waiting, skipped);
            }
            let message = match (side, frame.kind()) {
                (Side::Host, FrameKind::Query | FrameKind::Set) => request(waiting, &frame),
                (Side::Host, _) | (Side::Device, FrameKind::Query | FrameKind::Set) => {
                    Message::Echo
                }
                (Side::Device, FrameKind::Data) => reply(waiting, frame.data()),
                (Side::Device, FrameKind::Accepted) => accepted(waiting),
                (Side::Device, FrameKind::Refused | FrameKind::NotUnderstood) => refused(waiting),
            };
            Event { side, skipped, bytes, frame: Some(frame), message }
        }
        Received::Discarded { bytes, error } => {
            if side == Side::Host {
                note_damage(waiting, bytes);
            }
            let message = Message::Damaged(error);
            Event { side, skipped: &[], bytes, frame: None, message }
        }
    }
}

/// Notes that bytes of the host, if they are long enough for a request, may be one that the device
/// answers.
fn note_damage(waiting: &mut Waiting, bytes: &[u8]) {
    if bytes.len() >= SHORTEST {
        waiting.push(None);
    }
}

fn request(waiting: &mut Waiting, frame: &Frame<'_>) -> Message<'static> {
    match Request::decode(frame) {
        Ok(request) => {
            waiting.push(Some(request));
            Message::Request(request)
        }
        Err(error) => {
            waiting.push(None);
            Message::UnknownRequest(error)
        }
    }
}

fn reply<'a>(waiting: &mut Waiting, data: &'a [u8]) -> Message<'a> {
    let has_form = |request| as_query(request).is_some_and(|query| query.has_reply(data));
    let is_readable =
        |request| as_query(request).is_some_and(|query| query.parse_reply(data).is_ok());
    let is_only = waiting.is_one_request();
    let (found, by_form) = match waiting.find(has_form) {
        Match::None if is_only => (waiting.find(|_| true), false),
        Match::None => (waiting.find(is_readable), false),
        found => (found, true),
    };
    let doubt = waiting.doubt_data(&found, |info| {
        !by_form || Query::candidates(data).any(|fitting| fitting.mnemonic == info.mnemonic)
    });
    let is_known = !waiting.has_unknown() && doubt != Doubt::OtherRequest;
    let message = match found {
        Match::One(Request::Query(query)) => match query.parse_reply(data) {
            Ok((reply, extra)) => {
                let is_certain = is_known && (by_form || is_only);
                Message::Reply(PairedReply { query, reply, extra, is_certain })
            }
            Err(error) => Message::UnreadableReply { query, error },
        },
        Match::Several(candidates) => Message::Ambiguous(candidates),
        Match::None if !is_known => Message::Ambiguous(Candidates::NONE),
        Match::One(Request::Set(_)) | Match::None => return Message::Unasked,
    };
    if by_form {
        waiting.answered(doubt, has_form);
    } else {
        waiting.answered(doubt, |request| as_query(request).is_some());
    }
    message
}

fn as_query(request: Request) -> Option<Query> {
    match request {
        Request::Query(query) => Some(query),
        Request::Set(_) => None,
    }
}

fn accepted(waiting: &mut Waiting) -> Message<'static> {
    let is_set = |request| matches!(request, Request::Set(_));
    let doubt = waiting.doubt_acceptance();
    let is_known = !waiting.has_unknown() && doubt == Doubt::None;
    let message = match waiting.find(is_set) {
        Match::One(Request::Set(command)) if is_known => Message::Accepted(command),
        Match::One(request) => Message::Ambiguous(Candidates::of(request)),
        Match::Several(candidates) => Message::Ambiguous(candidates),
        Match::None if !is_known => Message::Ambiguous(Candidates::NONE),
        Match::None => return Message::Unasked,
    };
    waiting.answered(doubt, is_set);
    message
}

fn refused(waiting: &mut Waiting) -> Message<'static> {
    let found = waiting.find(|_| true);
    let doubt = waiting.doubt_refusal(&found);
    let is_known = !waiting.has_unknown() && doubt != Doubt::OtherRequest;
    let message = match found {
        Match::One(request) if is_known => Message::Refused(Some(request)),
        Match::One(request) => Message::Ambiguous(Candidates::of(request)),
        Match::Several(candidates) => Message::Ambiguous(candidates),
        Match::None if !is_known => Message::Refused(None),
        Match::None => return Message::Unasked,
    };
    waiting.answered(doubt, |_| true);
    message
}
