//! Time and attempts that are left for waiting.

use std::time::Instant;

use crate::apply::{link_budget::LinkBudget, options::Options};

/// Time and attempts that are left for waiting.
#[derive(Debug)]
pub(in crate::apply) struct Waits {
    pub(super) link: LinkBudget,
    /// End of waiting for an idle window, once waiting has begun.
    pub(super) idle_until: Option<Instant>,
    /// Number of writes that were repeated because the unit had become idle. A unit that still
    /// refuses has another reason.
    pub(super) idle_tries: u32,
    /// Whether idle windows may be waited for.
    pub(super) may_wait_idle: bool,
    /// Whether no link is waited for, because of an interrupt.
    pub(super) hurried: bool,
}

impl Waits {
    /// Returns what a write may wait for, after this number of interrupts: after the first one no
    /// idle window, after the second one no link.
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
