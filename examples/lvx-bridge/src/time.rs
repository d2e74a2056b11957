//! The time that decisions are made with.

use std::time::Instant;

use jiff::Timestamp;

/// The present time on two clocks.
///
/// Ages and deadlines are measured with the monotonic clock, so a jump of the wall clock changes none of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Now {
    /// Time of the monotonic clock.
    pub instant: Instant,
    /// Time of the wall clock, for what people and other programs read.
    pub wall: Timestamp,
}

impl Now {
    /// Returns the present time of this computer.
    #[must_use]
    pub fn system() -> Self {
        Self { instant: Instant::now(), wall: Timestamp::now() }
    }
}
