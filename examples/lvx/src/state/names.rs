//! The names of the files of a run.

use lvx_settings::Unit;

use super::folder::Folder;

/// The file whose presence confirms a run.
pub(super) fn marker(run: &str) -> String {
    format!("{run}.confirmed")
}

/// Takes a confirmation back that the run has not seen; returns whether there was one.
pub(super) fn take_back(folder: &Folder, run: &str) -> bool {
    folder.remove(&marker(run)).is_ok()
}

pub(super) fn journal_name(run: &str) -> String {
    format!("{run}{JOURNAL}")
}

/// The file with the settings that a unit had before a run.
pub(super) fn saved_name(run: &str, unit: &Unit) -> String {
    format!("{run}-{}.yaml", unit.serial_number)
}

/// How a journal's name ends.
pub(super) const JOURNAL: &str = ".journal";
