//! Plans that this user saved. A copy of each is kept, by which it is recognized.
//!
//! An address can lead to another host, to a terminal or to a file that never ends. So the addresses in
//! a plan are used only if the plan is, byte for byte, one that this user saved on this machine.

use std::io::{self, Write};

use super::{folder::Folder, store::Store};

impl Store {
    /// Keeps a copy of a plan that the user saved.
    pub(crate) fn remember_plan(&self, text: &[u8]) -> io::Result<()> {
        let folder = self.folder().ok_or(io::ErrorKind::NotFound)?;
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

    /// Returns whether this user saved exactly this plan on this machine.
    pub(crate) fn has_saved(&self, text: &[u8]) -> bool {
        self.folders().any(|folder| has(folder, text))
    }
}

fn has(folder: &Folder, text: &[u8]) -> bool {
    let max = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let is_same = |name: &String| folder.read_bytes(name, max).is_ok_and(|copy| copy == text);
    folder.names(PLAN).is_ok_and(|names| names.iter().any(is_same))
}

/// How the names of copies end.
const PLAN: &str = ".plan";

/// Copies that are kept; older ones are removed.
const MAX_PLANS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::settings::Place, state::testing::Scratch};

    #[test]
    fn a_plan_is_recognized_until_many_more_were_saved() {
        let scratch = Scratch::new();
        let place = Place { state_dir: Some(scratch.0.clone()) };
        let store = Store::open(&place).unwrap();
        assert!(!store.has_saved(b"plan 0"));
        for number in 0..MAX_PLANS {
            let plan = format!("plan {number}");
            store.remember_plan(plan.as_bytes()).unwrap();
            store.remember_plan(plan.as_bytes()).unwrap();
            assert!(store.has_saved(plan.as_bytes()));
        }
        assert!(store.has_saved(b"plan 0"));
        assert!(!store.has_saved(b"plan"));
        assert!(!store.has_saved(b"plan 0 "));
        store.remember_plan(b"one more").unwrap();
        assert!(!store.has_saved(b"plan 0"));
        assert_eq!(store.folder().unwrap().names(PLAN).unwrap().len(), MAX_PLANS);
    }
}
