//! The table of a report: one row for each value, one cell for each unit.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One value of each unit, side by side.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member, compare};
///
/// let members = ["sim:0".parse()?, "sim:1?max-charge=80".parse()?];
/// let bank = BankSnapshot::read(members.map(|address| Member::open(&address)).into());
/// let comparison = compare(&bank);
/// for row in comparison.agreeing.iter().filter(|row| row.is_marked()) {
///     let values: Vec<_> = row.cells.iter().filter_map(|cell| cell.value.as_deref()).collect();
///     assert_eq!((row.label.as_str(), values), ("maximum charge current", vec!["60 A", "80 A"]));
/// }
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// Name of the value.
    pub label: String,
    /// Whether the value should be the same on all units, and is. Text reports fold such rows into one line.
    pub same: bool,
    /// Key of the setting, if the value is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Cow<'static, str>>,
    /// Cells of the units, in the order of the units.
    pub cells: Vec<Cell>,
}

/// A value of one unit.
///
/// In a text report, a marked value has a star; in Markdown, it is bold.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cell {
    /// Value as it is shown; `None` if the unit did not report it.
    pub value: Option<String>,
    /// Whether the value differs from what most units have, or a finding is about it.
    pub marked: bool,
}

impl Row {
    /// Returns whether any cell is marked.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.cells.iter().any(|cell| cell.marked)
    }

    /// Returns whether all of several units have the same fault, or all are in fault mode. The row is then
    /// shown as one line, because the names of faults are long.
    pub(super) fn is_bad_on_all(&self) -> bool {
        let first = self.cells.first();
        let is_alike = |cell: &Cell| first == Some(cell) && cell.value.is_some() && cell.marked;
        [MODE, FAULT].contains(&self.label.as_str())
            && self.cells.len() > 1
            && self.cells.iter().all(is_alike)
    }

    /// Returns a row whose values should be the same on all units. Values that a minority has are
    /// marked; without a majority, all are.
    pub(super) fn same(label: &str, values: &[Option<String>]) -> Self {
        let known: Vec<&String> = values.iter().flatten().collect();
        let count = |value: &String| known.iter().filter(|known| **known == value).count();
        let most = known.iter().map(|value| count(value)).max().unwrap_or(0);
        let leaders = known.iter().filter(|value| count(value) == most).count();
        let marked = |value: &Option<String>| {
            value.as_ref().is_some_and(|value| count(value) < most || leaders > most)
        };
        let cells: Vec<Cell> = values
            .iter()
            .map(|value| Cell { marked: marked(value), value: value.clone() })
            .collect();
        let same = known.len() > 1 && cells.iter().all(|cell| !cell.marked);
        Self { label: label.to_owned(), same, setting: None, cells }
    }

    /// Returns a row whose values may differ. `is_marked` decides about each cell.
    pub(super) fn own(
        label: &str,
        values: Vec<Option<String>>,
        is_marked: impl Fn(usize) -> bool,
    ) -> Self {
        let cells = values.into_iter().enumerate();
        let cells =
            cells.map(|(place, value)| Cell { marked: value.is_some() && is_marked(place), value });
        Self { label: label.to_owned(), same: false, setting: None, cells: cells.collect() }
    }

    /// Marks the cells for which `is_bad` returns true, even if all units have the same value. A row
    /// with such a cell is never folded.
    pub(super) fn marking(mut self, is_bad: impl Fn(usize) -> bool) -> Self {
        for (place, cell) in self.cells.iter_mut().enumerate() {
            if is_bad(place) {
                cell.marked = true;
                self.same = false;
            }
        }
        self
    }
}

/// Label of the row of working modes.
pub(super) const MODE: &str = "mode";
/// Label of the row of faults.
pub(super) const FAULT: &str = "fault";
