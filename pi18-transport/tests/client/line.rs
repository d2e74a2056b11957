//! A simulated line with scripted replies, in simulated time.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::{AnyReply, MAX_FRAME, Mode, Query, WorkingMode};
use pi18_transport::{Error, Link};

/// The replies to a request: their delay in milliseconds, and their bytes.
pub(crate) type Answers = Vec<(u64, Vec<u8>)>;

/// A link with scripted replies and a simulated clock.
pub(crate) struct Line {
    pub(crate) now: Instant,
    /// Bytes that were not received yet, and when they arrive.
    pub(crate) arriving: VecDeque<(Instant, Vec<u8>)>,
    /// The requests that were sent.
    pub(crate) sent: Vec<String>,
    answer: Box<dyn FnMut(&str) -> Answers>,
    /// After this request, the device is gone.
    pub(crate) gone_after: Option<&'static str>,
    /// After this request, receiving fails once with this error.
    pub(crate) receive_fails: Option<(&'static str, io::ErrorKind)>,
    /// Sending this request fails with this error, after part of its bytes.
    pub(crate) cut_off: Option<(&'static str, io::ErrorKind)>,
}

impl Line {
    /// Creates a line that passes each request to `answer`, except for fences, which it answers itself.
    pub(crate) fn new(mut answer: impl FnMut(&str) -> Answers + 'static) -> Self {
        Self::with_fences(move |request| match request {
            "PI" | "ID" | "VFW" | "DI" => vec![(10, fence(request))],
            request => answer(request),
        })
    }

    /// Creates a line that passes each request to `answer`, including fences.
    pub(crate) fn with_fences(answer: impl FnMut(&str) -> Answers + 'static) -> Self {
        let answer = Box::new(answer);
        let sent = Vec::new();
        Self {
            now: Instant::now(),
            arriving: VecDeque::new(),
            sent,
            answer,
            gone_after: None,
            receive_fails: None,
            cut_off: None,
        }
    }
}

impl Link for Line {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        let frame = pi18_proto::Frame::parse(bytes).unwrap();
        let request = String::from_utf8(frame.data().to_vec()).unwrap();
        if let Some((_, kind)) = self.cut_off.filter(|(cut, _)| *cut == request) {
            self.sent.push(request);
            return Err(Error::io("test", "writing", kind.into()));
        }
        for (delay, bytes) in (self.answer)(&request) {
            self.arriving.push_back((self.now + Duration::from_millis(delay), bytes));
        }
        self.sent.push(request);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        match self.arriving.front() {
            Some((due, _)) if *due <= deadline.max(self.now) => {
                let (due, bytes) = self.arriving.pop_front().unwrap();
                self.now = self.now.max(due);
                buffer.extend_from_slice(&bytes);
            }
            _ => self.now = self.now.max(deadline),
        }
        let last = self.sent.last().map(String::as_str);
        if let Some((_, kind)) = self.receive_fails.take_if(|(after, _)| last == Some(after)) {
            return Err(Error::io("test", "reading", kind.into()));
        }
        if self.gone_after.is_some() && self.gone_after == last {
            return Err(Error::io("test", "reading", io::ErrorKind::BrokenPipe.into()));
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        "test"
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn pause(&mut self, time: Duration) {
        self.now += time;
    }
}

/// A link with a simulated clock that another clock can move.
pub(crate) trait Simulated: Link + Unpin {
    /// Moves the clock to `now`, unless it is ahead.
    fn advance_to(&mut self, now: Instant);

    /// Returns when the next bytes arrive, if any are on their way.
    fn next_due(&self) -> Option<Instant>;
}

impl Simulated for Line {
    fn advance_to(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn next_due(&self) -> Option<Instant> {
        self.arriving.front().map(|(due, _)| *due)
    }
}

/// Returns the frame of a reply.
pub(crate) fn frame(reply: impl Into<AnyReply>) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    let len = reply.into().encode_frame(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

/// Returns a frame with a valid checksum around any data.
pub(crate) fn raw(data: &str) -> Vec<u8> {
    let mut frame = format!("^D{:03}{data}", data.len() + 3).into_bytes();
    let checksum = pi18_proto::checksum(&frame);
    frame.extend(checksum);
    frame.push(b'\r');
    frame
}

/// Returns the frame of the reply to a fence.
pub(crate) fn fence(request: &str) -> Vec<u8> {
    let query: Query = request.parse().unwrap();
    let (reply, _) = query.parse_reply(query.info().sample.as_bytes()).unwrap();
    frame(reply)
}

/// Returns the frame of a reply to `MOD`.
pub(crate) fn mode(code: u8) -> Vec<u8> {
    frame(Mode::new(WorkingMode(code)))
}
