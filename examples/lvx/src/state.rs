//! Persistent state: the state folder with journals, saved settings and the audit file, and the list of
//! runs that all users of this machine share.
//!
//! All files are opened relative to the descriptor of a checked folder. Symbolic links are not followed,
//! and only regular files of the effective user are read or written.

mod audit;
#[cfg(feature = "bridge")]
mod bridge_files;
#[cfg(feature = "bridge")]
mod bridge_runs;
mod conflicts;
mod disk;
mod folder;
mod history;
mod names;
mod places;
mod plans;
mod registry;
mod run_files;
mod store;
mod stored_run;
#[cfg(test)]
pub(crate) mod testing;
mod users;

#[cfg(feature = "bridge")]
pub(crate) use bridge_files::BridgeFiles;
#[cfg(feature = "bridge")]
pub(crate) use bridge_runs::BridgeRuns;
pub(crate) use disk::{Disk, RealDisk};
pub(crate) use folder::{Folder, PathOrigin, open_foreign};
pub(crate) use history::History;
pub(crate) use run_files::RunFiles;
pub(crate) use store::Store;
pub(crate) use stored_run::StoredRun;
#[cfg(target_os = "linux")]
pub(crate) use users::has_other_rights;
pub(crate) use users::{effective as effective_user, ignored as ignored_users};
