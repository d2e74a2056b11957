//! Where state folders are.

use std::path::{Path, PathBuf};

use super::users;

pub(super) fn hint(folder: &Path, name: &str) -> String {
    let by_itself = std::env::var_os("LVX_STATE_DIR").map(PathBuf::from).or_else(usual);
    if by_itself.as_deref() == Some(folder) {
        name.to_owned()
    } else {
        format!("--state-dir {} {name}", folder.display())
    }
}

/// `lvx` in `$XDG_STATE_HOME`, or in `~/.local/state`.
pub(super) fn usual() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match folder("XDG_STATE_HOME") {
        Some(state) => Some(PathBuf::from(state).join("lvx")),
        None => Some(PathBuf::from(folder("HOME")?).join(STATE)),
    }
}

/// Returns the folder in which root keeps its runs, even if root has another user's environment.
pub(super) fn of_root() -> Option<PathBuf> {
    Some(users::home(0)?.join(STATE))
}

/// The usual state folder, below the home of a user.
const STATE: &str = ".local/state/lvx";
