//! Journals that were edited.

use crate::{state::Kept, terminal::Failure};

/// A journal that does not go with the settings that were saved beside it is not believed.
pub(super) fn refuse_edited(run: &Kept) -> Result<(), Failure> {
    let edited = run.edited();
    if edited.is_empty() {
        return Ok(());
    }
    let mut told = vec![format!(
        "{}: the journal and the settings that were saved with it do not agree; nothing was written",
        run.name
    )];
    told.extend(edited);
    told.push(format!(
        "after a look at both: lvx restore --foreign {} UNIT… takes the journal for what it says, with \
         every check and the whole consent; lvx restore --forget leaves everything as it is",
        run.path().display()
    ));
    Err(Failure::usage_list(told))
}
