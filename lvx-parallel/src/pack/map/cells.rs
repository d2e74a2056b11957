//! The voltages of the cells.

use std::fmt;

use lvx_settings::Millivolts;

/// The voltages of up to 16 cells in series. Places without a cell are 0.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Cells(
    /// Voltage of each cell, from cell 1 on.
    pub [Millivolts; Cells::MAX],
);

impl Cells {
    /// The number of cells that the map has room for.
    pub const MAX: usize = 16;

    /// Returns the first `count` voltages.
    #[must_use]
    pub fn first(&self, count: usize) -> &[Millivolts] {
        self.0.get(..count).unwrap_or(&self.0)
    }

    /// Returns the number of voltages before the first that is 0, and all after it.
    pub(super) fn used(&self) -> usize {
        self.0.iter().rposition(|cell| cell.0 != 0).map_or(0, |last| last + 1)
    }
}

impl fmt::Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, cell) in self.first(self.used()).iter().enumerate() {
            let separator = if place == 0 { "" } else { " " };
            write!(f, "{separator}{}.{:03}", cell.0 / 1000, cell.0 % 1000)?;
        }
        f.write_str(if self.used() == 0 { "none" } else { " V" })
    }
}
