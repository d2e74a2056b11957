//! The requests that wait for a reply.

use super::forgotten::{Doubt, Forgotten};
use crate::{QueryInfo, Request};

/// The requests that wait for a reply, oldest first. A request that could not be decoded is `None`.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    requests: [Option<Request>; CAPACITY],
    len: usize,
    /// Older requests that did not fit.
    forgotten: Forgotten,
}

/// The requests that can have caused a reply.
pub(super) enum Match {
    None,
    One(Request),
    Several(Candidates),
}

/// The different requests that can have caused a reply, at most eight. A request that could not be
/// decoded is not among them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Candidates {
    requests: [Option<Request>; CAPACITY],
}

impl Waiting {
    pub(super) const fn new() -> Self {
        Self { requests: [None; CAPACITY], len: 0, forgotten: Forgotten::NONE }
    }

    pub(super) fn push(&mut self, request: Option<Request>) {
        if self.len == CAPACITY
            && let Some(oldest) = self.requests.first()
        {
            self.forgotten.add(*oldest);
            self.drop_first(1);
        }
        if let Some(place) = self.requests.get_mut(self.len) {
            *place = request;
            self.len += 1;
        }
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = Request> {
        self.entries().iter().copied().flatten()
    }

    /// Returns the different requests for which `fits` holds.
    pub(super) fn find(&self, fits: impl Fn(Request) -> bool) -> Match {
        let mut candidates = Candidates::NONE;
        let mut places = candidates.requests.iter_mut();
        let mut found = None;
        let mut count = 0;
        for (at, request) in self.requests().enumerate() {
            let is_retry = self.requests().take(at).any(|earlier| earlier == request);
            if !is_retry
                && fits(request)
                && let Some(place) = places.next()
            {
                *place = Some(request);
                found = found.or(Some(request));
                count += 1;
            }
        }
        match (found, count) {
            (None, _) => Match::None,
            (Some(request), 1) => Match::One(request),
            _ => Match::Several(candidates),
        }
    }

    /// Returns whether one known request waits and no other.
    pub(super) fn is_one_request(&self) -> bool {
        let found = self.find(|_| true);
        matches!(found, Match::One(_))
            && !self.has_unknown()
            && self.forgotten.doubt_refusal(found.request()) != Doubt::OtherRequest
    }

    /// Returns whether a forgotten request can have caused a data reply to `found`. `can_be` returns
    /// whether it can be the reply to a kind of query.
    pub(super) fn doubt_data(&self, found: &Match, can_be: impl Fn(&QueryInfo) -> bool) -> Doubt {
        self.forgotten.doubt_data(found.request(), can_be)
    }

    /// Returns whether a forgotten request can have caused an acceptance.
    pub(super) fn doubt_acceptance(&self) -> Doubt {
        self.forgotten.doubt_acceptance()
    }

    /// Returns whether a forgotten request can have caused a refusal of `found`.
    pub(super) fn doubt_refusal(&self, found: &Match) -> Doubt {
        self.forgotten.doubt_refusal(found.request())
    }

    /// Returns whether a request that could not be decoded waits.
    pub(super) fn has_unknown(&self) -> bool {
        self.entries().contains(&None)
    }

    /// Removes the requests that are not answered any more: the first one that can be the answered one,
    /// and those before it. It is one for which `can_be` holds, or an unknown one. If a forgotten request
    /// can be the answered one, no request is removed.
    pub(super) fn answered(&mut self, doubt: Doubt, can_be: impl Fn(Request) -> bool) {
        if doubt != Doubt::None {
            return;
        }
        self.forgotten = Forgotten::NONE;
        let at = self.entries().iter().position(|entry| entry.is_none_or(&can_be));
        if let Some(at) = at {
            self.drop_first(at + 1);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    fn entries(&self) -> &[Option<Request>] {
        self.requests.get(..self.len).unwrap_or_default()
    }

    fn drop_first(&mut self, count: usize) {
        let count = count.min(self.len);
        self.requests.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

impl Match {
    /// Returns the request if it is the only one.
    fn request(&self) -> Option<Request> {
        match self {
            Self::One(request) => Some(*request),
            Self::None | Self::Several(_) => None,
        }
    }
}

impl Candidates {
    pub(super) const NONE: Self = Self { requests: [None; CAPACITY] };

    pub(super) fn of(request: Request) -> Self {
        let mut requests = [None; CAPACITY];
        if let Some(first) = requests.first_mut() {
            *first = Some(request);
        }
        Self { requests }
    }

    /// Iterates over the requests, the one that was sent first at the front.
    pub fn requests(&self) -> impl Iterator<Item = Request> {
        self.requests.iter().copied().flatten()
    }
}

/// The maximum number of waiting requests. A host that retries twice has three.
const CAPACITY: usize = 8;
