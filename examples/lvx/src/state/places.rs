//! Paths of state folders.

use std::path::{Path, PathBuf};

use super::users;

/// Returns the arguments that name a run: its name, after `--state-dir` if its folder is not the default one.
pub(super) fn hint(folder: &Path, name: &str) -> String {
    let default = std::env::var_os("LVX_STATE_DIR").map(PathBuf::from).or_else(default_folder);
    if default.as_deref() == Some(folder) {
        name.to_owned()
    } else {
        format!("--state-dir {} {name}", folder.display())
    }
}

/// Returns the default state folder: `lvx` in `$XDG_STATE_HOME` or `~/.local/state`.
pub(super) fn default_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match folder("XDG_STATE_HOME") {
        Some(state) => Some(PathBuf::from(state).join("lvx")),
        None => Some(PathBuf::from(folder("HOME")?).join(STATE)),
    }
}

/// Returns the state folder of root, even if the environment is that of another user.
pub(super) fn root_folder() -> Option<PathBuf> {
    Some(users::home(0)?.join(STATE))
}

/// State folder of the service `lvx-bridge`. The folder above it is root's, with the list of runs of all users.
pub(super) const SERVICE: &str = "/var/lib/lvx/bridge";

/// Default state folder in the home of a user.
const STATE: &str = ".local/state/lvx";
