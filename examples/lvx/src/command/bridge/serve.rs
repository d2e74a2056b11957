//! Runs the bridge of a configuration, until a signal ends it.

use std::sync::{
    Arc,
    mpsc::{self, Receiver},
};

use lvx_bridge::{
    config::{ConfigFile, FileError},
    service::{Parts, Service, Signal},
};
use signal_hook::consts::SIGHUP;

use crate::{
    args::{Bridge, StateDir},
    state::{BridgeFiles, BridgeRuns},
    terminal::{Failure, Status, catch_each_signal},
};

pub(super) fn run(args: &Bridge) -> Result<Status, Failure> {
    let file = ConfigFile::new(&args.config);
    let config = file.read().map_err(|error| match error {
        FileError::Mistakes(mistakes) => Failure::from(*mistakes),
        error @ FileError::File { .. } => {
            let hint = "; to write one: lvx bridge init; to try it without: lvx bridge --demo";
            let hint = if args.config.exists() { "" } else { hint };
            Failure::usage(format_args!("{error}{hint}"))
        }
    })?;
    let files = files(&args.state)?;
    let runs = Arc::new(BridgeRuns::new(&files));
    let signals = signals(true)?;
    let service = start(Parts { config, file: Some(file), storage: Arc::new(files), runs })?;
    service.run(&signals, |_| {});
    Ok(Status::Ok)
}

/// Returns the state folder of the bridge.
pub(super) fn files(dir: &StateDir) -> Result<BridgeFiles, Failure> {
    BridgeFiles::new(dir).ok_or_else(|| {
        Failure::usage("expected a folder for the files of the bridge, found none: use --state-dir")
    })
}

/// Catches the signals that end or reload a bridge. SIGHUP reads the configuration again, or ends a bridge without
/// one. To be called before the start, because a signal that comes earlier may be ignored.
pub(super) fn signals(has_file: bool) -> Result<Receiver<Signal>, Failure> {
    let (sender, signals) = mpsc::channel();
    catch_each_signal(move |signal| {
        let is_reload = signal == SIGHUP && has_file;
        // Fails if the service is ending.
        let _ = sender.send(if is_reload { Signal::Reload } else { Signal::Stop });
    })?;
    Ok(signals)
}

/// Starts a service.
pub(super) fn start(parts: Parts) -> Result<Service, Failure> {
    Service::start(parts).map_err(Failure::usage)
}
