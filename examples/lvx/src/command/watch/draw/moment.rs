//! The moment that a screen shows.

use std::time::Instant;

use jiff::Zoned;

/// The present time on two clocks.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// Time of the monotonic clock, from which ages are counted.
    pub(crate) instant: Instant,
    /// Time of the wall clock, in the time zone of the reader.
    pub(crate) wall: Zoned,
}

impl Moment {
    /// Returns the present time of this computer.
    pub(crate) fn system() -> Self {
        Self { instant: Instant::now(), wall: Zoned::now() }
    }
}
