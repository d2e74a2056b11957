//! Queries that tell old replies from new ones.
//!
//! A unit answers in order. So once a fence is answered, all that was asked before it was answered
//! or never will be, unless that is a late reply to the same fence from earlier. So a fence that may
//! still be answered from before the last request is not used behind it: the others take their
//! turns.

use std::time::{Duration, Instant};

use pi18_proto::{AnyReply, DecodeError, Extra, Frame, FrameKind, Query, Request};

/// Which fences were asked and may still be answered.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    /// When each was asked last, as long as it may still be answered.
    asked: [Option<Instant>; FENCES.len()],
    /// Those of them that were asked before the last request.
    old: [bool; FENCES.len()],
    /// Some fence was asked again before any was answered.
    again: bool,
    turn: usize,
}

impl Fences {
    /// The fence to ask now; not the request itself, and none while all of them may still be
    /// answered from before it.
    ///
    /// Two take turns as long as nothing is answered, so that the others are left for later.
    pub(crate) fn next(&mut self, request: Request, now: Instant) -> Option<Query> {
        self.forget(now);
        let turns = (0..FENCES.len()).map(|place| (self.turn + place) % FENCES.len());
        let usable = turns.filter(|&place| {
            let own = FENCES.get(place).is_some_and(|&fence| request == fence.into());
            !own && self.old.get(place) == Some(&false)
        });
        // None comes before any time: what was not asked yet is first.
        let place = usable.take(2).min_by_key(|&place| self.asked.get(place).copied().flatten())?;
        let asked = self.asked.get_mut(place)?;
        self.again |= asked.is_some();
        *asked = Some(now);
        FENCES.get(place).copied()
    }

    /// The fence asked last was answered. If each was asked once, nothing of before can come.
    pub(crate) fn passed(&mut self, fence: Query) {
        if !std::mem::take(&mut self.again) {
            self.asked = Default::default();
            self.old = Default::default();
        }
        let place = FENCES.iter().position(|known| *known == fence);
        self.turn = place.map_or(0, |place| place + 1);
    }

    /// A request goes out: what was asked before it proves nothing about it.
    pub(crate) fn request_sent(&mut self) {
        self.old = self.asked.map(|asked| asked.is_some());
    }

    fn forget(&mut self, now: Instant) {
        for (asked, old) in self.asked.iter_mut().zip(&mut self.old) {
            if asked.is_some_and(|asked| now >= asked + LOST) {
                (*asked, *old) = (None, false);
            }
        }
    }
}

/// Why a data reply is not taken for the reply to a query.
#[derive(Debug)]
pub(crate) enum NotReply {
    /// It has the form of the reply to another query.
    Other,
    /// A field of it cannot be read.
    Unreadable(DecodeError),
}

/// Reads a data reply as the reply to `query`, unless it is rather one to another query.
///
/// `PI` is answered `18`, and nothing else is.
pub(crate) fn reply_to<'a>(
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

/// Whether another question can have this reply to `query`: another query, or the same about another
/// day or unit. The reply to a fence is unmistakable.
pub(crate) fn is_mistakable(query: Query, data: &[u8]) -> bool {
    !FENCES.contains(&query)
        && (!query.info().arguments.is_empty() || Query::candidates(data).nth(1).is_some())
}

/// Whether a frame is the reply to `fence`.
pub(crate) fn belongs(fence: Query, frame: &Frame<'_>) -> bool {
    frame.kind() == FrameKind::Data && reply_to(fence, frame).is_ok()
}

fn parse_reply(query: Query, data: &[u8]) -> Result<(AnyReply, Extra<'_>), DecodeError> {
    #[cfg(test)]
    PARSED.set(PARSED.get() + 1);
    query.parse_reply(data)
}

#[cfg(test)]
thread_local! {
    /// How many replies were parsed.
    pub(crate) static PARSED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Queries whose replies can be told from all others and are the same all day. The first also
/// tells what the device speaks.
const FENCES: [Query; 4] = [PROTOCOL, Query::Identity, Query::FirmwareVersions, Query::Defaults];

const PROTOCOL: Query = Query::ProtocolId;

/// A reply that is later than this is taken for lost.
const LOST: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: Request = Request::Query(Query::Mode);

    #[test]
    fn two_take_turns_while_nothing_is_answered() {
        let mut fences = Fences::default();
        let start = Instant::now();
        for (second, place) in (0..).zip([0, 1, 0, 1, 0]) {
            let now = start + Duration::from_secs(second);
            assert_eq!(fences.next(OTHER, now), Some(FENCES[place]));
        }
    }

    #[test]
    fn one_that_was_asked_before_a_request_is_not_used_behind_it() {
        let mut fences = Fences::default();
        let now = Instant::now();
        for second in 0..4 {
            fences.next(OTHER, now + Duration::from_secs(second));
        }
        fences.passed(FENCES[1]);
        fences.request_sent();
        // The first two were asked again and again: replies to them may still come.
        let after = now + Duration::from_secs(10);
        assert_eq!(fences.next(OTHER, after), Some(FENCES[2]));
        assert_eq!(fences.next(OTHER, after), Some(FENCES[3]));
        fences.passed(FENCES[3]);
        fences.request_sent();
        assert_eq!(fences.next(OTHER, after), Some(FENCES[0]));
    }

    #[test]
    fn there_is_none_when_all_may_be_answered_from_before() {
        let mut fences = Fences::default();
        let start = Instant::now();
        for second in [0, 1, 2] {
            fences.next(OTHER, start + Duration::from_secs(second));
        }
        fences.passed(FENCES[0]);
        fences.request_sent();
        for second in [3, 4, 5] {
            fences.next(OTHER, start + Duration::from_secs(second));
        }
        fences.passed(FENCES[3]);
        fences.request_sent();
        assert_eq!(fences.next(OTHER, start + Duration::from_secs(6)), None);
        assert!(fences.next(OTHER, start + LOST + Duration::from_secs(2)).is_some());
    }

    #[test]
    fn a_request_is_not_its_own_fence() {
        let mut fences = Fences::default();
        let request = Request::Query(PROTOCOL);
        assert_eq!(fences.next(request, Instant::now()), Some(Query::Identity));
    }
}
