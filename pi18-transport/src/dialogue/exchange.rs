//! The state of one request: what was sent, what arrived, and the outcome.

use std::time::{Duration, Instant};

use pi18_proto::{DecodeError, Frame, FrameKind, FrameWarning, Query, RawQuery, Request};

use super::{
    confirm::Confirmation,
    failure::Failure,
    fences::{NotReply, belongs_to_other_fence, reply_to},
    outcome::{Outcome, RawReply, TimedReply},
    question::Question,
    unframed::Unframed,
};
use crate::{ClientConfig, Error, ErrorKind, error::Cause};

/// One request and everything that belongs to it, until its outcome. [`Dialogue::ask`] creates it.
///
/// An exchange that is dropped before its outcome is cancelled, see
/// [the module](super#what-a-driver-does).
///
/// [`Dialogue::ask`]: super::Dialogue::ask
#[derive(Debug)]
#[must_use = "the request is sent by carrying out the steps of the dialogue"]
pub struct Exchange {
    pub(super) question: Question,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    /// Number of tries at the start.
    tries: u32,
    pub(super) tries_left: u32,
    pub(super) phase: Phase,
    /// Whether the request was sent, at least in part.
    pub(super) is_sent: bool,
    /// Whether a fence was sent before the request.
    pub(super) is_fenced: bool,
    pub(super) last_reply: LastReply,
    /// The wrong length field of a reply to an earlier try.
    wrong_length: Option<FrameWarning>,
    /// Number of old bytes that were discarded before sending.
    pub(super) drained: usize,
    /// The time at which draining ends even if bytes still arrive, as from a bridge with other hosts.
    pub(super) drain_until: Option<Instant>,
    /// The first old bytes that are not padding.
    pub(super) stray: Option<String>,
    /// Number of bytes received, without the drained ones.
    pub(super) received: usize,
    pub(super) unframed: Unframed,
    pub(super) confirmation: Confirmation,
    pub(super) outcome: Option<Outcome>,
}

/// The phase of an exchange.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Discarding bytes that arrived before anything was sent.
    Draining,
    /// Ready to send the request, or a fence before it.
    Ready,
    /// Waiting for the reply to a fence; `None` while no fence can be sent.
    Fencing(Option<Query>, Wait),
    /// Waiting for the reply to the request.
    Asking(Wait),
    /// Waiting for the reply to a fence that was sent after a reply, to confirm it.
    Confirming(Option<Query>, Wait),
    /// Asking nothing, to hear whether another host receives the reply that waits.
    Listening(Listen),
}

/// The time in which nothing is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listen {
    /// How long to listen once another host is heard.
    pub(super) time: Duration,
    /// The end. It is late at first: a host that lost its reply waits before it asks again.
    pub(super) end: Instant,
    /// Whether another host was heard.
    pub(super) is_heard: bool,
}

/// The end of a wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// The latest end.
    pub(super) end: Instant,
    /// An earlier end after an unexpected reply: the time at which the line was quiet long enough.
    pub(super) quiet: Option<Instant>,
}

/// The last bytes that arrived and were not the expected reply.
#[derive(Debug, Default)]
pub(super) enum LastReply {
    #[default]
    Nothing,
    /// Bytes that are not a valid frame.
    Noise(DecodeError),
    /// A valid frame that is not the reply, or unexpected bytes; described for the error.
    Other(String),
    /// `(NAK`: devices of the older PI30 protocol send it for every unknown request, PI18 units only
    /// for a request without header.
    NotUnderstood,
    /// A valid reply with a field that cannot be read.
    Unreadable(DecodeError),
}

impl Exchange {
    pub(super) fn new(question: Question, config: &ClientConfig, now: Instant) -> Self {
        let tries = config.tries.max(1);
        Self {
            question,
            started: now,
            deadline: now + config.deadline,
            tries,
            tries_left: tries,
            phase: Phase::Draining,
            is_sent: false,
            is_fenced: false,
            last_reply: LastReply::Nothing,
            wrong_length: None,
            drained: 0,
            drain_until: None,
            stray: None,
            received: 0,
            unframed: Unframed::default(),
            confirmation: Confirmation::default(),
            outcome: None,
        }
    }

    /// Returns what is asked.
    #[must_use]
    pub fn question(&self) -> Question {
        self.question
    }

    /// Returns the time at which the exchange began.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Returns the time at which the exchange ends at the latest.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns whether the request was sent, at least in part. It is true from the step that sends the
    /// request, before the driver has carried out that step.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        self.is_sent
    }

    /// Returns the number of tries so far, including the current one. A try is a query, or a fence before a
    /// request, that waits for its reply.
    #[must_use]
    pub fn tries(&self) -> u32 {
        (self.tries - self.tries_left + 1).min(self.tries)
    }

    /// Returns a description of the last damaged bytes that arrived instead of a reply.
    #[cfg(feature = "tracing")]
    pub(crate) fn damage(&self) -> Option<String> {
        match &self.last_reply {
            LastReply::Noise(error) | LastReply::Unreadable(error) => Some(error.to_string()),
            _ => None,
        }
    }

    /// Takes the error with which sending a frame failed. Some errors mean that the link refused the frame and sent
    /// nothing, see [`Link::send`](crate::Link::send).
    pub(crate) fn not_sent(&mut self, error: &Error) {
        use ErrorKind::{Busy, InvalidRequest, PermissionDenied};

        let is_refused = matches!(error.kind(), Busy | InvalidRequest | PermissionDenied);
        self.is_sent &= !(is_refused && matches!(self.phase, Phase::Asking(_)));
    }

    /// Returns whether a reply has arrived that counts, unless it has to be confirmed.
    pub(crate) fn has_outcome(&self) -> bool {
        self.outcome.is_some()
    }

    /// Adds to the error of a link that the peer has closed the text that the peer sent before, such as
    /// "Port already in use". `unread` are the bytes that have arrived since the last step.
    #[must_use]
    pub fn with_peer_text(&mut self, error: Error, unread: &[u8]) -> Error {
        self.unframed.add(unread);
        match self.unframed.text() {
            Some(text) if error.is_disconnected() => {
                error.with_hint(format!("the other end had sent {text}"))
            }
            _ => error,
        }
    }

    /// Ends a try.
    pub(super) fn lose_try(&mut self) {
        self.tries_left = self.tries_left.saturating_sub(1);
    }

    /// Ends the exchange because the device sent more bytes than any inverter can.
    pub(super) fn end_flooded(&mut self, bytes: usize) {
        self.outcome = Some(match self.phase {
            Phase::Asking(_) if self.question.is_set() => Outcome::Garbled,
            _ => {
                let request = self.question.to_string();
                Outcome::Failed(Failure::new(Cause::Flooded { request, bytes }))
            }
        });
    }

    /// Records an unexpected reply, and lets the wait end as soon as the line is quiet.
    pub(super) fn note(&mut self, last_reply: LastReply) {
        self.last_reply = last_reply;
        if let Phase::Fencing(_, wait) | Phase::Asking(wait) = &mut self.phase {
            // `Dialogue::received` sets the time once it has taken all bytes that arrived.
            wait.quiet = wait.quiet.or(Some(wait.end));
        }
    }

    /// Accepts a valid frame as the reply to the request, unless a different reply arrived as well.
    pub(super) fn judge(&mut self, frame: &Frame<'_>, bytes: &[u8], now: Instant) {
        let outcome = match (self.question, frame.kind()) {
            (Question::Request(Request::Query(query)), FrameKind::Data) => {
                match self.answer(query, frame, bytes, now) {
                    Ok(reply) => Outcome::Reply(reply),
                    Err(last_reply) => return self.note(last_reply),
                }
            }
            (Question::Raw(query), FrameKind::Data) => {
                match self.raw_answer(query, frame, bytes, now) {
                    Ok(reply) => Outcome::Raw(reply),
                    Err(last_reply) => return self.note(last_reply),
                }
            }
            (question, FrameKind::Accepted) if question.is_set() => Outcome::Accepted,
            (_, FrameKind::Refused) => Outcome::Refused,
            (_, kind) => return self.note(LastReply::Other(format!("{kind}: {}", show(bytes)))),
        };
        match &self.outcome {
            None => self.outcome = Some(outcome),
            Some(known) if known.agrees(&outcome) => {}
            Some(_) => {
                self.outcome = None;
                self.note(LastReply::Other("two different replies".to_owned()));
            }
        }
    }

    /// Withdraws a reply that waits for confirmation if `found`, which arrived before the reply to the
    /// fence, could be the correct reply instead. `None` means damaged bytes.
    pub(super) fn contradict(&mut self, found: Option<(&Frame<'_>, &[u8])>) {
        if self.confirmation.contradict(found) {
            self.last_reply = LastReply::Other(DIFFERENT_REPLIES.to_owned());
        }
    }

    /// Takes the arrival of bytes while nothing was asked.
    pub(super) fn hear(&mut self, now: Instant) {
        if let Phase::Listening(listen) = &mut self.phase
            && !listen.is_heard
        {
            (listen.is_heard, listen.end) = (true, now + listen.time);
        }
    }

    /// Withdraws the reply that waits if it arrived for another host, and begins the next try.
    pub(super) fn contradict_by_other_host(&mut self, bytes: &[u8]) {
        if self.confirmation.contradict_by_other_host(bytes) {
            self.lose_try();
            self.phase = Phase::Draining;
        }
    }

    /// Decodes a data frame as the reply to `query`.
    fn answer(
        &mut self,
        query: Query,
        frame: &Frame<'_>,
        bytes: &[u8],
        at: Instant,
    ) -> Result<TimedReply, LastReply> {
        let (reply, extra) = reply_to(query, frame).map_err(|why| match why {
            NotReply::Unreadable(error) => LastReply::Unreadable(error),
            NotReply::Other => LastReply::to_another_request(bytes),
        })?;
        let mut warnings = self.tolerate(frame)?;
        warnings.extend((!extra.is_empty()).then(|| extra.to_string()));
        Ok(TimedReply { query, reply, frame: bytes.to_vec(), warnings, at })
    }

    /// Takes a data frame as the reply to a query that the crate does not know, unless it answers a fence.
    fn raw_answer(
        &mut self,
        query: RawQuery,
        frame: &Frame<'_>,
        bytes: &[u8],
        at: Instant,
    ) -> Result<RawReply, LastReply> {
        if belongs_to_other_fence(self.question, frame) {
            return Err(LastReply::to_another_request(bytes));
        }
        let warnings = self.tolerate(frame)?;
        let (data, frame) = (frame.data().to_vec(), bytes.to_vec());
        Ok(RawReply { query, data, frame, warnings, at })
    }

    /// Returns the warnings of a reply. A wrong length field must occur twice.
    fn tolerate(&mut self, frame: &Frame<'_>) -> Result<Vec<String>, LastReply> {
        let wrong_length = frame.wrong_length();
        // A lost byte can leave the checksum valid by chance, but hardly twice in the same way.
        if let Some(wrong) = wrong_length
            && self.wrong_length.replace(wrong) != wrong_length
        {
            return Err(LastReply::Other(format!("a reply of wrong length: {wrong}")));
        }
        Ok(frame.warnings().map(|warning| warning.to_string()).collect())
    }
}

impl LastReply {
    fn to_another_request(bytes: &[u8]) -> Self {
        Self::Other(format!("a reply to another request: {}", show(bytes)))
    }
}

impl Wait {
    pub(super) fn until(end: Instant) -> Self {
        Self { end, quiet: None }
    }

    pub(super) fn end(self) -> Instant {
        self.quiet.map_or(self.end, |quiet| quiet.min(self.end))
    }
}

/// Returns the first bytes as quoted text for an error.
pub(super) fn show(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    let text = bytes.get(..SHOWN).unwrap_or(bytes).escape_ascii();
    format!("\"{text}\"{}", if bytes.len() > SHOWN { "…" } else { "" })
}

pub(super) const DIFFERENT_REPLIES: &str = "different replies: another host uses this link";

pub(super) const UNSURE_REPLY: &str = "a reply that another host on this link receives as well";
