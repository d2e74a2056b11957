//! The names of the files of a run.

use lvx_settings::Unit;

use super::folder::Folder;

/// Returns the name of the file whose presence confirms a run.
pub(super) fn marker(run: &str) -> String {
    format!("{run}.confirmed")
}

/// Withdraws a confirmation that the run has not taken yet. Returns whether there was one.
pub(super) fn withdraw(folder: &Folder, run: &str) -> bool {
    folder.remove(&marker(run)).is_ok()
}

/// Returns the name of the journal of a run.
pub(super) fn journal_name(run: &str) -> String {
    format!("{run}{JOURNAL}")
}

/// Returns the name of the file with the settings of a unit before a run.
pub(super) fn saved_name(run: &str, unit: &Unit) -> String {
    format!("{run}-{}.yaml", unit.serial_number)
}

/// Suffix of the names of journals.
pub(super) const JOURNAL: &str = ".journal";
