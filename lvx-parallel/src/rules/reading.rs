//! Rules about the snapshot: whether it is complete, and what changed since an earlier one.

pub(super) mod baseline;
pub(super) mod skew;
pub(super) mod unread;
