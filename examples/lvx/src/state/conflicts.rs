//! Why a run keeps another one from starting.

use std::rc::Rc;

use lvx_settings::Past;
use pi18_proto::SerialNumber;

use super::{
    disk::{Disk, RealDisk},
    folder::{Choice, Folder},
    names::JOURNAL,
    places::hint,
    registry::Entry,
    stored_run::read,
    users,
};

/// Why an entry keeps a run from starting; `None` if its run has ended.
pub(super) fn why_blocked(entry: &Entry, unit: SerialNumber) -> Option<String> {
    // What the entry of another user says is shown as text and not used for anything.
    let journal = entry.journal.to_string_lossy();
    let user = users::named(entry.owner);
    let is_own = entry.owner == users::effective();
    let around = if entry.owner == 0 {
        "root has to see to it first".to_owned()
    } else {
        format!(
            "that user has to see to it first, or, if you know that it is over: \
             --ignore-runs-of {}",
            entry.owner
        )
    };
    if entry.is_running && !is_own {
        return Some(format!(
            "a run of {user} is at work on unit {unit} (journal {journal:?}, entry {}): {around}",
            entry.path().display()
        ));
    }
    if entry.is_running {
        return Some(format!(
            "a run of {user} is at work on unit {unit} (journal {journal:?}, entry {}): if it waits \
             to be confirmed, `lvx confirm` keeps what it wrote; Ctrl-C in it undoes it",
            entry.path().display()
        ));
    }
    if !is_own {
        return entry.is_begun.then(|| {
            format!(
                "a run of {user} on unit {unit} did not come to an end (journal {journal:?}, `lvx \
                 restore`): {around}"
            )
        });
    }
    let folder = entry.journal.parent()?;
    let name = entry.journal.file_name()?.to_str()?;
    let disk: Rc<dyn Disk> = Rc::new(RealDisk);
    let past = match Folder::open(folder, Choice::Named, &disk) {
        Ok(Some(folder)) if folder.exists(name) => read(&folder, name),
        Ok(_) if entry.is_begun => {
            return Some(format!(
                "{journal:?}: an earlier run on unit {unit} did not come to an end, and its journal is \
                 gone; find out what it did, then remove {}",
                entry.path().display()
            ));
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    match past {
        Ok(Some(past)) if past.is_open() => {
            Some(left_by_us(&past, unit, &hint(folder, name.trim_end_matches(JOURNAL))))
        }
        // It ended just before its program did.
        Ok(_) => {
            entry.remove();
            None
        }
        Err(error) => Some(format!(
            "{journal:?}: an earlier run on unit {unit}, whose journal cannot be read: {error}"
        )),
    }
}

/// Why a run of this user is in the way.
pub(super) fn left_by_us(past: &Past, unit: SerialNumber, hint: &str) -> String {
    if past.is_unconfirmed() {
        return format!(
            "an earlier run on unit {unit} was not confirmed, and its program is gone; see to it first: \
             lvx confirm {hint} keeps what it wrote, lvx restore {hint} undoes it"
        );
    }
    format!(
        "an earlier run on unit {unit} did not come to an end; see to it first: lvx restore {hint}"
    )
}
