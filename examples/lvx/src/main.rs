//! `lvx`: reads, checks and configures inverters with the PI18 protocol.

mod args;
mod command;
mod input;
mod overview;
mod state;
mod terminal;
mod units;
mod writing;

use std::{io::Write, process::ExitCode};

use clap::Parser;

use crate::{
    args::Args,
    terminal::{Failure, Output},
};

fn main() -> ExitCode {
    let args = Args::parse();
    if args.quiet {
        terminal::silence();
    }
    let mut out = Output::stdout();
    let done = command::run(&args.command, &mut out);
    let flushed = out.flush().map_err(Failure::from);
    done.and_then(|status| flushed.map(|()| status)).unwrap_or_else(Failure::print).into()
}
