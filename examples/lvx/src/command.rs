//! The commands of `lvx`, one per file.

mod apply;
#[cfg(feature = "bridge")]
mod bridge;
mod compare;
mod completions;
mod confirm;
mod decode;
#[cfg(target_os = "linux")]
mod devices;
mod diff;
mod dump;
mod explain;
#[cfg(feature = "bridge")]
mod history;
#[cfg(target_os = "linux")]
mod links;
#[cfg(not(all(feature = "bridge", feature = "watch")))]
mod missing;
mod now;
mod packs;
mod profile;
mod query;
mod restore;
mod runs;
mod set;
mod simulate;
mod sync_check;
mod validate;
#[cfg(feature = "watch")]
mod watch;

use crate::{
    args::Command,
    terminal::{Failure, Status, Stdout},
};

/// Runs a command with its output on `out`.
pub(crate) fn run(command: &Command, out: &mut Stdout) -> Result<Status, Failure> {
    match command {
        #[cfg(target_os = "linux")]
        Command::Devices(args) => devices::run(args, out),
        Command::Query(args) => query::run(args, out),
        Command::Decode(args) => decode::run(args, out),
        Command::Explain(args) => explain::run(args, out),
        Command::Now(args) => now::run(args, out),
        #[cfg(feature = "watch")]
        Command::Watch(args) => watch::run(args, out),
        Command::Packs(args) => packs::run(args, out),
        Command::SyncCheck(args) => sync_check::run(args, out),
        Command::Compare(args) => compare::run(args, out),
        Command::Dump(args) => dump::run(args, out),
        Command::Diff(args) => diff::run(args, out),
        Command::Validate(args) => validate::run(args, out),
        Command::Apply(args) => apply::run(args, out),
        Command::Set(args) => set::run(args, out),
        Command::Confirm(args) => confirm::run(args, out),
        Command::Restore(args) => restore::run(args, out),
        Command::Runs(args) => runs::run(args, out),
        Command::Profile(args) => profile::run(args, out),
        #[cfg(target_os = "linux")]
        Command::Links(args) => links::run(args, out),
        Command::Simulate(args) => simulate::run(args, out),
        #[cfg(feature = "bridge")]
        Command::Bridge(args) => bridge::run(args, out),
        #[cfg(feature = "bridge")]
        Command::History(args) => history::run(args, out),
        #[cfg(not(feature = "bridge"))]
        Command::Bridge(_) => missing::run("bridge", "bridge"),
        #[cfg(not(feature = "bridge"))]
        Command::History(_) => missing::run("history", "bridge"),
        #[cfg(not(feature = "watch"))]
        Command::Watch(_) => missing::run("watch", "watch"),
        Command::Completions { shell } => completions::run(*shell, out),
    }
}
