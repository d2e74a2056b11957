//! Reasons why a run blocks a new run.

use std::rc::Rc;

use lvx_settings::Past;
use pi18_proto::SerialNumber;

use super::{
    disk::{Disk, RealDisk},
    folder::{Folder, PathOrigin},
    names::JOURNAL,
    places::hint,
    registry::Entry,
    stored_run::read,
    users,
};

/// Returns the reason why an entry blocks a new run; `None` if the run of the entry has ended.
pub(super) fn entry_conflict(entry: &Entry, unit: SerialNumber) -> Option<String> {
    // The entry of another user is untrusted: it is only shown as text.
    let journal = entry.journal.to_string_lossy();
    let user = users::named(entry.owner);
    let is_own = entry.owner == users::effective();
    let way_out = if entry.owner == 0 {
        "root must finish it first".to_owned()
    } else {
        format!(
            "that user must finish it first; if you know that it has ended, use --ignore-runs-of \
             {}",
            entry.owner
        )
    };
    if entry.is_running && !is_own {
        return Some(format!(
            "a run of {user} on unit {unit} is in progress (journal {journal:?}, entry {}): {way_out}",
            entry.path().display()
        ));
    }
    if entry.is_running {
        return Some(format!(
            "a run of {user} on unit {unit} is in progress (journal {journal:?}, entry {}): if it \
             waits for confirmation, `lvx confirm` keeps its writes; Ctrl-C in its terminal undoes them",
            entry.path().display()
        ));
    }
    if !is_own {
        return entry.is_begun.then(|| {
            format!(
                "a run of {user} on unit {unit} is not finished (journal {journal:?}, `lvx restore`): \
                 {way_out}"
            )
        });
    }
    let folder = entry.journal.parent()?;
    let name = entry.journal.file_name()?.to_str()?;
    let disk: Rc<dyn Disk> = Rc::new(RealDisk);
    let past = match Folder::open(folder, PathOrigin::Given, &disk) {
        Ok(Some(folder)) if folder.exists(name) => read(&folder, name),
        Ok(_) if entry.is_begun => {
            return Some(format!(
                "{journal:?}: an earlier run on unit {unit} is not finished, and its journal is missing; \
                 find out what it wrote, then remove {}",
                entry.path().display()
            ));
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    match past {
        Ok(Some(past)) if past.is_open() => {
            Some(open_run_conflict(&past, unit, &hint(folder, name.trim_end_matches(JOURNAL))))
        }
        // The run ended, but its program was stopped before removing the entry.
        Ok(_) => {
            entry.remove();
            None
        }
        Err(error) => Some(format!(
            "{journal:?}: cannot read the journal of an earlier run on unit {unit}: {error}"
        )),
    }
}

/// Returns the reason why an open run of this user blocks a new run.
pub(super) fn open_run_conflict(past: &Past, unit: SerialNumber, hint: &str) -> String {
    if past.is_unconfirmed() {
        return format!(
            "an earlier run on unit {unit} was not confirmed, and its program has exited; first, keep \
             its writes: lvx confirm {hint}, or undo them: lvx restore {hint}"
        );
    }
    format!(
        "an earlier run on unit {unit} is not finished; finish or undo it first: lvx restore {hint}"
    )
}
