//! `lvx`: asks, checks and sets inverters that speak PI18.

mod args;
mod bank;
mod compare;
mod decode;
#[cfg(target_os = "linux")]
mod devices;
mod dump;
mod explain;
mod input;
mod line;
#[cfg(target_os = "linux")]
mod links;
mod names;
mod outcome;
mod output;
mod progress;
mod query;
mod settings;
mod shown;
mod signals;
mod simulate;
#[cfg(unix)]
mod state;
mod sync_check;

use std::{io::Write, process::ExitCode};

use clap::{CommandFactory, Parser};

use crate::{
    args::{Args, Task},
    outcome::{Failure, Status},
    output::Output,
};

fn main() -> ExitCode {
    let args = Args::parse();
    if args.quiet {
        progress::silence();
    }
    let mut out = Output::stdout();
    let done = match args.task {
        #[cfg(target_os = "linux")]
        Task::Devices(args) => devices::run(&args, &mut out),
        Task::Query(args) => query::run(&args, &mut out),
        Task::Decode(args) => decode::run(&args, &mut out),
        Task::Explain(args) => explain::run(&args, &mut out),
        Task::SyncCheck(args) => sync_check::run(&args, &mut out),
        Task::Compare(args) => compare::run(&args, &mut out),
        Task::Dump(args) => dump::run(&args, &mut out),
        Task::Diff(args) => settings::diff::run(&args, &mut out),
        Task::Validate(args) => settings::validate::run(&args, &mut out),
        #[cfg(unix)]
        Task::Apply(args) => settings::apply::run(&args, &mut out),
        #[cfg(unix)]
        Task::Set(args) => settings::apply::set(&args, &mut out),
        #[cfg(unix)]
        Task::Confirm(args) => settings::confirm::run(&args, &mut out),
        #[cfg(unix)]
        Task::Restore(args) => settings::restore::run(&args, &mut out),
        #[cfg(unix)]
        Task::Runs(args) => settings::runs::run(&args, &mut out),
        Task::Profile(args) => settings::profile::run(&args, &mut out),
        #[cfg(target_os = "linux")]
        Task::Links(args) => links::run(&args, &mut out),
        Task::Simulate(args) => simulate::run(&args, &mut out),
        Task::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "lvx", &mut script);
            out.write_all(&script).map(|()| Status::Well).map_err(Failure::from)
        }
    };
    let flushed = out.flush().map_err(Failure::from);
    done.and_then(|status| flushed.map(|()| status)).unwrap_or_else(Failure::tell).into()
}
