//! Queries that tell old replies from new ones.
//!
//! A unit answers in order. So once a fence is answered, all that was asked before it was answered
//! or never will be, unless that is a late reply to the same fence from earlier. So a fence that may
//! still be answered from before the last request is not used behind it: the others take their
//! turns.

use std::time::{Duration, Instant};

use pi18_proto::{Frame, FrameKind, Query, Request};

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

/// Whether a frame can be the reply to `query`, and is not rather one to another.
///
/// `PI` is answered `18`, and nothing else is.
pub(crate) fn belongs(query: Query, frame: &Frame<'_>) -> bool {
    let data = frame.data();
    frame.kind() == FrameKind::Data
        && (query == PROTOCOL) == (data == b"18")
        && query.parse_reply(data).is_ok()
        && (query.has_reply(data) || Query::candidates(data).next().is_none())
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
