//! The replies that may still arrive, by their number of registers.

/// The replies that may still arrive.
#[derive(Debug)]
pub(super) struct Pending {
    /// Number of requests without a reply, for each number of registers.
    sent: [u32; COUNTS],
    /// Whether replies of any length may arrive that this client did not ask for.
    is_unknown: bool,
    /// The number of registers of the last fence.
    fence: u8,
}

impl Pending {
    /// Returns the state of a new link. If it is not quiet, replies to an earlier program may arrive.
    pub(super) fn new(is_quiet: bool) -> Self {
        Self { sent: [0; COUNTS], is_unknown: !is_quiet, fence: FIRST_FENCE - 1 }
    }

    /// Marks any reply as possible, because the link was opened again.
    pub(super) fn forget(&mut self) {
        self.is_unknown = true;
    }

    /// Marks any reply as possible, because bytes arrived that were not expected.
    pub(super) fn disturbed(&mut self) {
        self.is_unknown = true;
    }

    /// Counts a request.
    pub(super) fn sent(&mut self, count: u8) {
        if let Some(sent) = self.sent.get_mut(usize::from(count)) {
            *sent = sent.saturating_add(1);
        }
    }

    /// Counts a reply.
    pub(super) fn received(&mut self, count: u8) {
        if let Some(sent) = self.sent.get_mut(usize::from(count)) {
            *sent = sent.saturating_sub(1);
        }
    }

    /// Returns whether a reply with this number of registers may arrive before it is asked for.
    pub(super) fn may_arrive(&self, count: u8) -> bool {
        let sent = self.sent.get(usize::from(count));
        self.is_unknown || sent.is_none_or(|sent| *sent > 0)
    }

    /// Returns the number of registers for the next fence: another one than that of the request, and than that of
    /// the last fences.
    ///
    /// The numbers repeat after more than half a minute of failures, so a late reply to an early fence is not
    /// taken for that of a new one.
    pub(super) fn next_fence(&mut self, request: u8) -> u8 {
        let next = |count: u8| if count >= MAX_FENCE { 1 } else { count + 1 };
        self.fence = next(self.fence);
        if self.fence == request {
            self.fence = next(self.fence);
        }
        self.fence
    }

    /// Forgets all requests before a fence that was answered. Only further replies to the fence may arrive.
    pub(super) fn passed(&mut self, fence: u8) {
        for (count, sent) in self.sent.iter_mut().enumerate() {
            if count != usize::from(fence) {
                *sent = 0;
            }
        }
        self.is_unknown = false;
    }
}

/// The numbers of registers that a reply can have: 0 to 125.
const COUNTS: usize = 126;

/// The number of registers of the first fence, with which LP4 v2 packs were observed to answer.
const FIRST_FENCE: u8 = 25;

/// The highest number of registers of a fence: fewer than the measurements have.
const MAX_FENCE: u8 = 38;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unanswered_request_makes_its_reply_possible_until_a_fence() {
        let mut pending = Pending::new(true);
        assert!(!pending.may_arrive(39));
        pending.sent(39);
        pending.sent(39);
        pending.received(39);
        assert!(pending.may_arrive(39) && !pending.may_arrive(23));
        let fence = pending.next_fence(39);
        pending.sent(fence);
        pending.sent(fence);
        pending.received(fence);
        pending.passed(fence);
        assert!(!pending.may_arrive(39) && pending.may_arrive(fence));
        pending.disturbed();
        assert!(pending.may_arrive(23));
    }

    #[test]
    fn fences_differ_from_each_other_and_from_the_request() {
        let mut pending = Pending::new(false);
        let fences: Vec<_> = (0..37).map(|_| pending.next_fence(23)).collect();
        assert_eq!(fences[0], FIRST_FENCE);
        let mut distinct = fences.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 37);
        assert!(
            !fences.contains(&23) && fences.iter().all(|fence| (1..=MAX_FENCE).contains(fence))
        );
    }
}
