//! Currents of packs, in hundredths of an ampere.

use crate::{PackSnapshot, pack::Live};

/// Returns the current of a pack, if its scale is known.
pub(super) fn current(live: &Live) -> Option<i64> {
    live.current.value().map(|current| i64::from(current.0))
}

/// Returns the current of each pack in one reading, counted from the last one; `None` if one is not known.
pub(super) fn currents(packs: &[&PackSnapshot], reading: usize) -> Option<Vec<i64>> {
    packs.iter().map(|pack| pack.readings().nth(reading).and_then(current)).collect()
}

/// Returns a current as it is shown.
pub(super) fn amperes(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let hundredths = hundredths.abs();
    format!("{sign}{}.{} A", hundredths / 100, hundredths % 100 / 10)
}
