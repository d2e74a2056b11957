//! The command line.

mod bank;
#[cfg(feature = "bridge")]
mod bridge;
#[cfg(feature = "bridge")]
mod demo;
mod format;
mod help;
#[cfg(feature = "bridge")]
mod history;
#[cfg(target_os = "linux")]
mod links;
#[cfg(not(all(feature = "bridge", feature = "watch")))]
mod missing;
mod packs;
mod profile;
mod query;
mod runs;
mod simulate;
mod state_dir;
mod time;
mod watch;
mod write;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use self::help::STATUSES;

#[cfg(target_os = "linux")]
pub(crate) use self::links::{Devices, InstallFile, Links, LinksTask};
#[cfg(not(all(feature = "bridge", feature = "watch")))]
use self::missing::Missing;
#[cfg(feature = "watch")]
pub(crate) use self::watch::Watch;
pub(crate) use self::{
    bank::{Bank, Compare, Dump, DumpFormat, ReportFormat, SyncCheck},
    format::Format,
    help::MAX_WIDTH,
    packs::Packs,
    profile::{Diff, Profile, ProfileTask, Validate},
    query::{Decode, Explain, Query, QueryFormat},
    simulate::Simulate,
};
#[cfg(feature = "bridge")]
pub(crate) use self::{
    bridge::{Bridge, BridgeFile, BridgeTask, TokenScope, TokenTask},
    demo::Scene,
    history::{History, HistoryFormat},
};
pub(crate) use self::{
    runs::{Confirm, Restore, Runs, RunsTask},
    state_dir::StateDir,
    watch::Now,
    write::{Apply, ConsentOptions, PermitOptions, RunOptions, Set, WriteOptions},
};

/// Reads, checks and configures Voltronic / MPP Solar hybrid inverters with the PI18 protocol (LVX6048,
/// InfiniSolar V).
#[derive(Debug, Parser)]
#[command(name = "lvx", version, after_help = STATUSES, arg_required_else_help = true, max_term_width = MAX_WIDTH)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Hide progress and the list of adapters that are used when no unit is given
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(target_os = "linux")]
    Devices(Devices),
    Query(Query),
    Decode(Decode),
    Explain(Explain),
    Now(Now),
    #[cfg(feature = "watch")]
    Watch(Watch),
    Packs(Packs),
    SyncCheck(SyncCheck),
    Compare(Compare),
    Dump(Dump),
    Diff(Diff),
    Validate(Validate),
    Apply(Apply),
    Set(Set),
    Confirm(Confirm),
    Restore(Restore),
    Runs(Runs),
    Profile(Profile),
    #[cfg(target_os = "linux")]
    Links(Links),
    Simulate(Simulate),
    #[cfg(feature = "bridge")]
    Bridge(Bridge),
    #[cfg(feature = "bridge")]
    History(History),
    #[cfg(not(feature = "bridge"))]
    #[command(hide = true)]
    Bridge(Missing),
    #[cfg(not(feature = "bridge"))]
    #[command(hide = true)]
    History(Missing),
    #[cfg(not(feature = "watch"))]
    #[command(hide = true)]
    Watch(Missing),
    /// Print the completion script of a shell
    ///
    /// For bash: `lvx completions bash > ~/.local/share/bash-completion/completions/lvx`
    Completions {
        /// Shell to complete for
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn help_fits_80_columns() {
        let mut command = Args::command();
        command.build();
        check(&mut command);
    }

    fn check(command: &mut clap::Command) {
        let name = command.get_name().to_owned();
        // Wrapping breaks the layout of examples and tables.
        let fixed_layout = [command.get_after_help(), command.get_after_long_help()];
        let fixed_layout: Vec<_> =
            fixed_layout.into_iter().flatten().map(ToString::to_string).collect();
        let help = [command.render_help(), command.render_long_help()].map(|help| help.to_string());
        for line in fixed_layout
            .into_iter()
            .chain(help)
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        {
            let width = line.chars().count();
            assert!(width <= MAX_WIDTH, "{name}: {width} columns: {line}");
        }
        command.get_subcommands_mut().for_each(check);
    }
}
