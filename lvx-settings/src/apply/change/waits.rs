//! The limits on the waits of a write.

use std::time::Instant;

use crate::apply::{link_budget::LinkBudget, options::Options};

/// The limits on the waits of a write.
#[derive(Debug)]
pub(in crate::apply) struct Waits {
    pub(super) link: LinkBudget,
    /// End of the wait for an idle window; `None` if no wait has begun.
    pub(super) idle_until: Option<Instant>,
    /// Number of writes that were repeated because the unit no longer charged. If the unit still refuses,
    /// it has another reason.
    pub(super) idle_tries: u32,
    /// Whether the write may wait for an idle window.
    pub(super) may_wait_idle: bool,
    /// Whether an interrupt ended the waits for the link.
    pub(super) hurried: bool,
}

impl Waits {
    /// Returns the limits after this number of interrupts. After the first interrupt, a new write does not
    /// wait for an idle window; after the second, it does not wait for its link either.
    pub(in crate::apply) fn new(
        options: &Options,
        idle_until: Option<Instant>,
        interrupts: u32,
    ) -> Self {
        Self {
            link: LinkBudget::new(options.away),
            idle_until,
            idle_tries: 0,
            may_wait_idle: interrupts == 0,
            hurried: interrupts > 1,
        }
    }
}
