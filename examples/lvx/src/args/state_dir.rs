//! The option that names the state folder.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct StateDir {
    /// Folder for journals, saved settings and the audit file [default: lvx in `$XDG_STATE_HOME` or
    /// `~/.local/state`]
    #[arg(long, value_name = "DIR", env = "LVX_STATE_DIR", global = true)]
    pub(crate) state_dir: Option<PathBuf>,
}
