//! Relays requests of other programs over the link of a client.

use std::time::Duration;

use pi18_proto::{Frame, FrameKind, FrameReader, MAX_FRAME, Query, Received, Request};

use super::{Client, identity};
use crate::{
    Error, ErrorKind, Link,
    dialogue::{Question, answers},
    error::Cause,
};

impl<L: Link> Client<L> {
    /// Sends a whole request frame of another program once, and passes on the bytes that arrive to `sink`, until
    /// the request is answered or `timeout` has passed. Returns whether it was answered. `sink` is first called without
    /// bytes, once the frame was sent.
    ///
    /// A bridge lets other programs use its unit in this way. The other program runs a client of its own over the
    /// bytes, on a link that [is shared](Link::is_shared). Before the frame, this client discards old bytes, and makes
    /// sure that no reply to an earlier request can arrive, with a query if necessary. Its own next request begins
    /// with a query that separates old replies from new ones. So no reply to a relayed frame is taken for a reply
    /// to this client, and the other way round.
    ///
    /// Before a set command, and whenever a query is necessary, this client asks the unit for its serial number. If it is
    /// not the one that [`identity`](Self::identity) has returned so far, the frame is not sent.
    ///
    /// The frame is not interpreted, except to know when it is answered. Whether the other program may send it is
    /// for the caller to decide.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use pi18_proto::Identity;
    /// use pi18_transport::Client;
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// unit.read::<Identity>()?;
    /// let mut reply = Vec::<u8>::new();
    /// let is_answered =
    ///     unit.relay(b"^P006MOD\xdd\xbe\r", Duration::from_secs(2), &mut |bytes| reply.extend(bytes))?;
    /// assert!(is_answered);
    /// assert_eq!(reply, b"^D00505\xd9\x9f\r");
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the frame is no request ([`InvalidRequest`](ErrorKind::InvalidRequest)), the unit does not answer a query
    /// before it, another unit answers than before ([`WrongUnit`](ErrorKind::WrongUnit)), the device is gone, or the client
    /// is stopped. The link is not opened again for a relayed frame,
    /// because another unit may be there: the next own request of the client does that.
    pub fn relay(
        &mut self,
        frame: &[u8],
        timeout: Duration,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, Error> {
        let place = self.link.name();
        let parsed = Frame::parse(frame).map(|parsed| (Request::decode(&parsed), parsed.kind()));
        let (question, kind) = match parsed {
            Ok((Ok(request), kind)) => (Some(Question::from(request)), kind),
            Ok((Err(_), kind @ (FrameKind::Query | FrameKind::Set))) => (None, kind),
            _ => {
                let why = "expected one whole request frame (^P or ^S)";
                return Err(Error::new(ErrorKind::InvalidRequest, place, why));
            }
        };
        self.check_stopped()?;
        if !self.is_connected {
            return Err(Error::gone(place));
        }
        let is_in_step = self.dialogue.is_in_step() || self.is_relay_in_step;
        if kind == FrameKind::Set || !is_in_step || self.drain()? {
            self.identify_again()?;
        }
        self.is_relay_in_step = false;
        self.dialogue.lose_step();
        let answered = self.pass_on(frame, question, timeout, sink);
        match &answered {
            Ok(is_answered) => self.is_relay_in_step = *is_answered,
            Err(error) => self.note_loss(error),
        }
        if !matches!(answered, Ok(true))
            && let Some(question) = question
        {
            self.dialogue.note_unanswered(question, self.link.now());
        }
        answered
    }

    /// Asks the unit for its serial number, and checks that it is still the same unit.
    fn identify_again(&mut self) -> Result<(), Error> {
        let before = self.identity;
        self.query(Query::Identity)?;
        if let (Some(expected), Some(found)) = (before, self.identity) {
            identity::check(self.link.name(), expected, found)?;
        }
        self.drain().map(drop)
    }

    /// Sends the frame, and passes on what arrives until it is answered.
    fn pass_on(
        &mut self,
        frame: &[u8],
        question: Option<Question>,
        timeout: Duration,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, Error> {
        let timeout = timeout.min(MAX_TIMEOUT);
        self.link.send(frame, self.link.now() + timeout)?;
        sink(&[]);
        let until = self.link.now() + timeout;
        let mut reader = FrameReader::<MAX_FRAME>::new();
        let mut count = 0;
        while self.link.now() < until {
            self.buffer.clear();
            self.receive(until)?;
            let mut bytes = &self.buffer[..];
            if bytes.is_empty() {
                continue;
            }
            sink(bytes);
            count += bytes.len();
            if count > MAX_BYTES {
                return Err(self.flooded(count));
            }
            while let Some(received) = reader.next(&mut bytes) {
                if let Received::Frame { frame, .. } = received
                    && answers(question, &frame)
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Discards the bytes that have arrived. Returns whether there were any other than zeros.
    fn drain(&mut self) -> Result<bool, Error> {
        let mut found = false;
        for _ in 0..MAX_DRAINS {
            self.buffer.clear();
            if let Err(error) = self.link.receive(&mut self.buffer, self.link.now()) {
                self.note_loss(&error);
                return Err(error);
            }
            if self.buffer.is_empty() {
                return Ok(found);
            }
            found |= self.buffer.iter().any(|&byte| byte != 0);
        }
        Err(self.flooded(MAX_DRAINS))
    }

    /// Forgets the unit if the device is gone.
    fn note_loss(&mut self, error: &Error) {
        if error.is_disconnected() {
            (self.is_connected, self.identity) = (false, None);
        }
    }

    fn flooded(&self, bytes: usize) -> Error {
        let cause = Cause::Flooded { request: "a relayed request".to_owned(), bytes };
        Error::from_cause(self.link.name(), cause)
    }
}

/// Longest wait for an answer.
const MAX_TIMEOUT: Duration = Duration::from_mins(1);

/// Maximum number of bytes of one answer, with everything else that arrives: more than any inverter sends.
const MAX_BYTES: usize = 1 << 16;

/// Maximum number of pieces of old bytes.
const MAX_DRAINS: usize = 1 << 16;
