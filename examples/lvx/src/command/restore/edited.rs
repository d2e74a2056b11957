//! Detection of edited journals.

use crate::{state::StoredRun, terminal::Failure};

/// Rejects a journal that contradicts the settings that were saved with it.
pub(super) fn refuse_edited(run: &StoredRun) -> Result<(), Failure> {
    let edited = run.edited();
    if edited.is_empty() {
        return Ok(());
    }
    let mut messages = vec![format!(
        "{}: the journal and the settings saved with it do not match; nothing was written",
        run.name
    )];
    messages.extend(edited);
    messages.push(format!(
        "compare both files; then, lvx restore --foreign {} UNIT… uses the journal in a new run with all \
         checks, and lvx restore --forget closes the run without any write",
        run.path().display()
    ));
    Err(Failure::usage_list(messages))
}
