//! The requests that were dropped because too many wait, and that may still be answered.

use crate::{Query, QueryInfo, Request};

/// The kinds of the dropped requests.
#[derive(Clone, Debug)]
pub(super) struct Forgotten {
    /// For each row of [`Query::LIST`], whether such a query was dropped.
    queries: [bool; Query::LIST.len()],
    has_set_command: bool,
    /// Whether a request was dropped that could not be decoded.
    has_unknown: bool,
}

/// Whether a dropped request can have caused a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Doubt {
    /// No dropped request can have caused it.
    None,
    /// Only a dropped request that equals the waiting one can have caused it.
    SameRequest,
    /// Another request can have caused it.
    OtherRequest,
}

impl Forgotten {
    pub(super) const NONE: Self =
        Self { queries: [false; Query::LIST.len()], has_set_command: false, has_unknown: false };

    pub(super) fn add(&mut self, request: Option<Request>) {
        match request {
            Some(Request::Query(query)) => {
                let rows = Query::LIST.iter().zip(&mut self.queries);
                for (_, row) in rows.filter(|(info, _)| is_kind(query, info)) {
                    *row = true;
                }
            }
            Some(Request::Set(_)) => self.has_set_command = true,
            None => self.has_unknown = true,
        }
    }

    /// Returns the doubt about a data reply of the waiting request `found`. `can_be` returns whether it
    /// can be the reply to a kind of query.
    pub(super) fn doubt_data(
        &self,
        found: Option<Request>,
        can_be: impl Fn(&QueryInfo) -> bool,
    ) -> Doubt {
        if self.has_unknown {
            return Doubt::OtherRequest;
        }
        let rows = Query::LIST.iter().zip(self.queries);
        let mut dropped = rows.filter(|(info, is_dropped)| *is_dropped && can_be(info)).peekable();
        if dropped.peek().is_none() {
            return Doubt::None;
        }
        // Queries of one kind with an argument can differ.
        let is_found = |info: &QueryInfo| {
            let is_kind = matches!(found, Some(Request::Query(query)) if is_kind(query, info));
            is_kind && info.arguments.is_empty()
        };
        if dropped.all(|(info, _)| is_found(info)) {
            Doubt::SameRequest
        } else {
            Doubt::OtherRequest
        }
    }

    /// Returns the doubt about an acceptance.
    pub(super) fn doubt_acceptance(&self) -> Doubt {
        if self.has_set_command || self.has_unknown { Doubt::OtherRequest } else { Doubt::None }
    }

    /// Returns the doubt about a refusal of the waiting request `found`.
    pub(super) fn doubt_refusal(&self, found: Option<Request>) -> Doubt {
        match self.doubt_acceptance() {
            Doubt::None => self.doubt_data(found, |_| true),
            doubt => doubt,
        }
    }
}

fn is_kind(query: Query, info: &QueryInfo) -> bool {
    query.info().mnemonic == info.mnemonic
}
