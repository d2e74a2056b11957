//! Fences: queries that separate old replies from new ones.
//!
//! A unit answers in order. So once a fence is answered, every earlier request was answered before, or
//! never will be. The exception is a late reply to the same fence, sent earlier. So a fence that was sent
//! before the last request and may still be answered is not used after that request; another one is.

use std::time::{Duration, Instant};

use pi18_proto::{AnyReply, DecodeError, Extra, Frame, FrameKind, Query, Request};

use super::question::Question;

/// The fences that were sent and may still be answered.
#[derive(Debug, Default)]
pub(super) struct Fences {
    /// When each fence was last sent, as long as it may still be answered.
    sent: [Option<Instant>; FENCES.len()],
    /// Which of them were sent before the last request.
    is_old: [bool; FENCES.len()],
    /// Whether a fence was sent again before any was answered.
    is_repeated: bool,
    /// The index of the first fence to consider next.
    turn: usize,
}

impl Fences {
    /// Returns the fence to send now, which is never the request itself. Returns `None` if every fence was
    /// sent before the last request and may still be answered.
    ///
    /// While the unit does not answer, two fences alternate, so that the others stay usable for later.
    pub(super) fn next(&mut self, question: Question, now: Instant) -> Option<Query> {
        self.forget_lost(now);
        let indices = (0..FENCES.len()).map(|offset| (self.turn + offset) % FENCES.len());
        let usable = indices.filter(|&index| {
            let is_request = FENCES.get(index).is_some_and(|&fence| question.asks(fence));
            !is_request && self.is_old.get(index) == Some(&false)
        });
        // `None` sorts before every time, so a fence that was not sent yet is preferred.
        let index = usable.take(2).min_by_key(|&index| self.sent.get(index).copied().flatten())?;
        let sent = self.sent.get_mut(index)?;
        self.is_repeated |= sent.is_some();
        *sent = Some(now);
        FENCES.get(index).copied()
    }

    /// Records that the last fence was answered. If each fence was sent once, no older reply can arrive.
    pub(super) fn passed(&mut self, fence: Query) {
        if !std::mem::take(&mut self.is_repeated) {
            self.sent = Default::default();
            self.is_old = Default::default();
        }
        let index = FENCES.iter().position(|known| *known == fence);
        self.turn = index.map_or(0, |index| index + 1);
    }

    /// Records that a request is sent: replies to fences sent before it prove nothing about its reply.
    pub(super) fn request_sent(&mut self) {
        self.is_old = self.sent.map(|sent| sent.is_some());
    }

    /// Records that another program asked a fence, which was not answered. It is not used until its reply counts as
    /// lost.
    pub(super) fn sent_by_other(&mut self, question: Question, now: Instant) {
        let Some(index) = FENCES.iter().position(|&fence| question.asks(fence)) else { return };
        if let (Some(sent), Some(is_old)) = (self.sent.get_mut(index), self.is_old.get_mut(index)) {
            (*sent, *is_old) = (Some(now), true);
            // Another fence that is answered does not prove that this one was.
            self.is_repeated = true;
        }
    }

    /// Forgets fences that were sent so long ago that their replies count as lost.
    fn forget_lost(&mut self, now: Instant) {
        for (sent, is_old) in self.sent.iter_mut().zip(&mut self.is_old) {
            if sent.is_some_and(|sent| now >= sent + LOST) {
                (*sent, *is_old) = (None, false);
            }
        }
    }
}

/// The reason why a data frame is not the reply to a query.
#[derive(Debug)]
pub(super) enum NotReply {
    /// The frame has the form of a reply to another query.
    Other,
    /// A field of the frame cannot be read.
    Unreadable(DecodeError),
}

/// Decodes a data frame as the reply to `query`, unless it fits another query better.
///
/// Only `PI` is answered with `18`, and `PI` with nothing else.
pub(super) fn reply_to<'a>(
    query: Query,
    frame: &Frame<'a>,
) -> Result<(AnyReply, Extra<'a>), NotReply> {
    let data = frame.data();
    let is_other = || Query::candidates(data).next().is_some();
    match parse_reply(query, data) {
        Err(error) if !is_other() => Err(NotReply::Unreadable(error)),
        Ok(found)
            if (query == PROTOCOL) == (data == b"18")
                && (found.0.is_written_as(data) || !is_other()) =>
        {
            Ok(found)
        }
        _ => Err(NotReply::Other),
    }
}

/// Returns whether the data of a reply to `query` could also answer another request: another query, or the
/// same query about another day or unit. The reply to a fence is never ambiguous.
pub(super) fn is_ambiguous(query: Query, data: &[u8]) -> bool {
    !FENCES.contains(&query)
        && (!query.info().arguments.is_empty() || Query::candidates(data).nth(1).is_some())
}

/// Returns whether a frame answers a request of another program; `None` is a request that this crate does not know.
pub(crate) fn answers(question: Option<Question>, frame: &Frame<'_>) -> bool {
    let is_set = question.as_ref().is_some_and(Question::is_set);
    match (frame.kind(), question) {
        (FrameKind::Refused | FrameKind::NotUnderstood, _) => true,
        (FrameKind::Accepted, question) => is_set || question.is_none(),
        // A reply that cannot be read is of another edition of the protocol, which the other program may know.
        (FrameKind::Data, Some(Question::Request(Request::Query(query)))) => {
            !matches!(reply_to(query, frame), Err(NotReply::Other))
        }
        (FrameKind::Data, _) => !is_set,
        // An echo of the request, caused by the wiring.
        _ => false,
    }
}

/// Returns whether a frame is the reply to a fence that is not the question itself.
pub(super) fn belongs_to_other_fence(question: Question, frame: &Frame<'_>) -> bool {
    FENCES.iter().any(|&fence| !question.asks(fence) && belongs(fence, frame))
}

/// Returns whether a frame is the reply to `fence`.
pub(super) fn belongs(fence: Query, frame: &Frame<'_>) -> bool {
    frame.kind() == FrameKind::Data && reply_to(fence, frame).is_ok()
}

fn parse_reply(query: Query, data: &[u8]) -> Result<(AnyReply, Extra<'_>), DecodeError> {
    #[cfg(test)]
    PARSED.set(PARSED.get() + 1);
    query.parse_reply(data)
}

#[cfg(test)]
thread_local! {
    /// Number of replies that were parsed.
    pub(super) static PARSED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Queries with replies that differ from all others and do not change. The first one also identifies the
/// protocol.
const FENCES: [Query; 4] = [PROTOCOL, Query::Identity, Query::FirmwareVersions, Query::Defaults];

const PROTOCOL: Query = Query::ProtocolId;

/// How long a reply may take before it counts as lost.
const LOST: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use pi18_proto::RawQuery;

    use super::*;

    const OTHER: Query = Query::Mode;

    #[test]
    fn two_fences_alternate_while_none_is_answered() {
        let mut fences = Fences::default();
        let start = Instant::now();
        for (second, index) in (0..).zip([0, 1, 0, 1, 0]) {
            let now = start + Duration::from_secs(second);
            assert_eq!(fences.next(OTHER.into(), now), Some(FENCES[index]));
        }
    }

    #[test]
    fn fence_sent_before_a_request_is_not_used_after_it() {
        let mut fences = Fences::default();
        let now = Instant::now();
        for second in 0..4 {
            fences.next(OTHER.into(), now + Duration::from_secs(second));
        }
        fences.passed(FENCES[1]);
        fences.request_sent();
        // The first two were sent repeatedly, so replies to them may still arrive.
        let after = now + Duration::from_secs(10);
        assert_eq!(fences.next(OTHER.into(), after), Some(FENCES[2]));
        assert_eq!(fences.next(OTHER.into(), after), Some(FENCES[3]));
        fences.passed(FENCES[3]);
        fences.request_sent();
        assert_eq!(fences.next(OTHER.into(), after), Some(FENCES[0]));
    }

    #[test]
    fn no_fence_is_left_while_all_may_be_answered_late() {
        let mut fences = Fences::default();
        let start = Instant::now();
        for second in [0, 1, 2] {
            fences.next(OTHER.into(), start + Duration::from_secs(second));
        }
        fences.passed(FENCES[0]);
        fences.request_sent();
        for second in [3, 4, 5] {
            fences.next(OTHER.into(), start + Duration::from_secs(second));
        }
        fences.passed(FENCES[3]);
        fences.request_sent();
        assert_eq!(fences.next(OTHER.into(), start + Duration::from_secs(6)), None);
        assert!(fences.next(OTHER.into(), start + LOST + Duration::from_secs(2)).is_some());
    }

    #[test]
    fn request_is_never_its_own_fence() {
        let mut fences = Fences::default();
        assert_eq!(fences.next(PROTOCOL.into(), Instant::now()), Some(Query::Identity));
        let raw: RawQuery = "ID".parse().unwrap();
        assert_ne!(fences.next(raw.into(), Instant::now()), Some(Query::Identity));
    }
}
