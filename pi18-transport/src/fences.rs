//! Queries that tell old replies from new ones.
//!
//! A unit answers in order. So once a fence is answered, all that was asked before it was answered,
//! or never will be. That holds if the reply is not one to the same fence from earlier: each
//! fence that was not answered rests for a while, and the others take their turns.

use std::time::{Duration, Instant};

use pi18_proto::{Frame, FrameKind, Query, Request};

/// Which fences were asked and may still be answered.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    asked: [Option<Instant>; FENCES.len()],
    turn: usize,
}

impl Fences {
    /// The fence to ask now; not the request itself, and none while all of them rest.
    pub(crate) fn next(&mut self, request: Request, now: Instant) -> Option<Query> {
        let turns = (0..FENCES.len()).map(|place| (self.turn + place) % FENCES.len());
        for place in turns {
            let (Some(&fence), Some(asked)) = (FENCES.get(place), self.asked.get_mut(place)) else {
                continue;
            };
            if request != fence.into() && asked.is_none_or(|asked| now >= asked + LOST) {
                *asked = Some(now);
                self.turn = place + 1;
                return Some(fence);
            }
        }
        None
    }

    /// The one that was asked last.
    pub(crate) fn last(&self) -> Query {
        let asked = FENCES.iter().zip(&self.asked).max_by_key(|(_, asked)| **asked);
        asked.map_or(PROTOCOL, |(fence, _)| *fence)
    }

    /// A fence was answered: whatever was asked before it will not be any more.
    pub(crate) fn passed(&mut self, fence: Query) {
        let place = FENCES.iter().position(|known| *known == fence);
        let passed = place.and_then(|place| self.asked.get(place).copied().flatten());
        for asked in &mut self.asked {
            *asked = asked.filter(|asked| Some(*asked) > passed);
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
    fn take_turns_and_rest_until_they_are_lost() {
        let mut fences = Fences::default();
        let start = Instant::now();
        for fence in FENCES {
            assert_eq!(fences.next(OTHER, start), Some(fence));
        }
        assert_eq!(fences.next(OTHER, start + LOST / 2), None);
        assert_eq!(fences.next(OTHER, start + LOST), Some(PROTOCOL));
    }

    #[test]
    fn one_that_is_answered_frees_those_before_it() {
        let mut fences = Fences::default();
        let start = Instant::now();
        for (second, fence) in (0..).zip(FENCES) {
            let now = start + Duration::from_secs(second);
            assert_eq!(fences.next(OTHER, now), Some(fence));
        }
        assert_eq!(fences.last(), Query::Defaults);
        fences.passed(Query::FirmwareVersions);
        let now = start + Duration::from_secs(5);
        assert_eq!(fences.next(OTHER, now), Some(PROTOCOL));
        assert_eq!(fences.next(OTHER, now), Some(Query::Identity));
        assert_eq!(fences.next(OTHER, now), Some(Query::FirmwareVersions));
        assert_eq!(fences.next(OTHER, now), None);
    }

    #[test]
    fn a_request_is_not_its_own_fence() {
        let mut fences = Fences::default();
        let request = Request::Query(PROTOCOL);
        assert_eq!(fences.next(request, Instant::now()), Some(Query::Identity));
    }
}
