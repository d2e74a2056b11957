//! `lvx completions`: prints the completion script of a shell.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    args::Args,
    terminal::{Failure, Status},
};

pub(crate) fn run(shell: Shell, out: &mut impl Write) -> Result<Status, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "lvx", &mut script);
    out.write_all(&script)?;
    Ok(Status::Ok)
}
