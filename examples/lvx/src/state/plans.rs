//! Copies of the plans that this user saved, by which a plan is recognized.
//!
//! An address can lead to another host, to a terminal or to an endless file. So the addresses in a plan
//! are used only if the plan is byte for byte one that this user saved on this machine.

use std::io::{self, Write};

use super::folder::Folder;

/// Saves a copy of a plan.
pub(super) fn remember(folder: &Folder, text: &[u8]) -> io::Result<()> {
    if has(folder, text) {
        return Ok(());
    }
    let known = folder.names(PLAN)?;
    for old in known.iter().take((known.len() + 1).saturating_sub(MAX_PLANS)) {
        folder.remove(old)?;
    }
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    for number in 0..=MAX_PLANS {
        let name = format!("{now}-{number:02}{PLAN}");
        match folder.create_new(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(mut file) => {
                file.write_all(text)?;
                return folder.sync_file(&file, &name);
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Returns whether a folder has a copy of exactly this plan.
pub(super) fn has(folder: &Folder, text: &[u8]) -> bool {
    let max = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let is_same = |name: &String| folder.read_bytes(name, max).is_ok_and(|copy| copy == text);
    folder.names(PLAN).is_ok_and(|names| names.iter().any(is_same))
}

/// Suffix of the names of copies.
const PLAN: &str = ".plan";

/// Maximum number of copies; the oldest are removed.
const MAX_PLANS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::Scratch;

    #[test]
    fn plan_is_recognized_until_max_plans_were_saved_after_it() {
        let scratch = Scratch::new();
        let folder = scratch.folder();
        assert!(!has(&folder, b"plan 0"));
        for number in 0..MAX_PLANS {
            let plan = format!("plan {number}");
            remember(&folder, plan.as_bytes()).unwrap();
            remember(&folder, plan.as_bytes()).unwrap();
            assert!(has(&folder, plan.as_bytes()));
        }
        assert!(has(&folder, b"plan 0"));
        assert!(!has(&folder, b"plan"));
        assert!(!has(&folder, b"plan 0 "));
        remember(&folder, b"one more").unwrap();
        assert!(!has(&folder, b"plan 0"));
        assert_eq!(folder.names(PLAN).unwrap().len(), MAX_PLANS);
    }
}
