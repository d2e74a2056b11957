//! The command line.

mod bank;
mod format;
mod help;
#[cfg(target_os = "linux")]
mod links;
mod profile;
mod query;
#[cfg(unix)]
mod runs;
mod simulate;
#[cfg(unix)]
mod state_dir;
#[cfg(unix)]
mod time;
#[cfg(unix)]
mod write;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use self::help::STATUSES;

#[cfg(target_os = "linux")]
pub(crate) use self::links::{Devices, Links, LinksTask, Printed};
pub(crate) use self::{
    bank::{Bank, Compare, Dump, DumpFormat, ReportFormat, SyncCheck},
    format::Format,
    help::MAX_WIDTH,
    profile::{Diff, Profile, ProfileTask, Validate},
    query::{Decode, Explain, Query, QueryFormat},
    simulate::Simulate,
};
#[cfg(unix)]
pub(crate) use self::{
    runs::{Confirm, Restore, Runs, RunsTask},
    state_dir::Place,
    write::{Apply, Care, Carry, Consent, Permit, Set},
};

/// Asks, checks and sets Voltronic / MPP Solar hybrid inverters that speak PI18 (LVX6048,
/// InfiniSolar V).
#[derive(Debug, Parser)]
#[command(name = "lvx", version, after_help = STATUSES, arg_required_else_help = true, max_term_width = MAX_WIDTH)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Draw no progress, and do not list adapters that are used because no unit is named
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
    SyncCheck(SyncCheck),
    Compare(Compare),
    Dump(Dump),
    Diff(Diff),
    Validate(Validate),
    #[cfg(unix)]
    Apply(Apply),
    #[cfg(unix)]
    Set(Set),
    #[cfg(unix)]
    Confirm(Confirm),
    #[cfg(unix)]
    Restore(Restore),
    #[cfg(unix)]
    Runs(Runs),
    Profile(Profile),
    #[cfg(target_os = "linux")]
    Links(Links),
    Simulate(Simulate),
    /// Print completions for a shell
    ///
    /// For bash: `lvx completions bash > ~/.local/share/bash-completion/completions/lvx`
    Completions {
        /// Which shell
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
        // Examples and tables are laid out by hand: a line that is wrapped breaks them.
        let by_hand = [command.get_after_help(), command.get_after_long_help()];
        let by_hand: Vec<_> = by_hand.into_iter().flatten().map(ToString::to_string).collect();
        let help = [command.render_help(), command.render_long_help()].map(|help| help.to_string());
        for line in by_hand
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
