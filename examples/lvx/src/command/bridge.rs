//! `lvx bridge`: watches banks day and night, and publishes what it sees.

mod check;
mod demo;
mod init;
mod log;
mod print;
mod serve;
mod token;

use std::io::Write;

use crate::{
    args::{Bridge, BridgeFile, BridgeTask},
    terminal::{Failure, Status},
};

pub(crate) fn run(args: &Bridge, out: &mut impl Write) -> Result<Status, Failure> {
    match &args.task {
        Some(BridgeTask::Init { units, prefix, dry_run }) => {
            return init::run(&args.config, units, prefix, *dry_run, out);
        }
        Some(BridgeTask::Check { file }) => {
            return check::run(file.as_deref().unwrap_or(&args.config), out);
        }
        Some(BridgeTask::Schema) => {
            writeln!(out, "{:#}", lvx_bridge::config::schema())?;
            return Ok(Status::Ok);
        }
        Some(BridgeTask::Token { task }) => return token::run(task, &args.state, out),
        None => {}
    }
    match args.print {
        Some(BridgeFile::Systemd) => {
            out.write_all(print::systemd(args)?.as_bytes())?;
            return Ok(Status::Ok);
        }
        None => {}
    }
    log::start(args);
    match args.demo {
        Some(scene) => demo::run(scene, args.port),
        None => serve::run(args),
    }
}
