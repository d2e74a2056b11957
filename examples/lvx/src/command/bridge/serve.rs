//! Runs the bridge of a configuration, until a signal ends it.

use std::sync::{Arc, mpsc};

use lvx_bridge::{
    Handle,
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
    let service = start(Parts { config, file: Some(file), storage: Arc::new(files), runs })?;
    until_stopped(service, true, |_| {})
}

/// Returns the state folder of the bridge.
pub(super) fn files(dir: &StateDir) -> Result<BridgeFiles, Failure> {
    BridgeFiles::new(dir).ok_or_else(|| {
        Failure::usage("expected a folder for the files of the bridge, found none: use --state-dir")
    })
}

/// Starts a service.
pub(super) fn start(parts: Parts) -> Result<Service, Failure> {
    Service::start(parts).map_err(Failure::usage)
}

/// Runs a service until SIGINT or SIGTERM. SIGHUP reads the configuration again, or ends a service without one.
pub(super) fn until_stopped(
    service: Service,
    has_file: bool,
    on_round: impl FnMut(&[Handle]),
) -> Result<Status, Failure> {
    let (sender, signals) = mpsc::channel();
    catch_each_signal(move |signal| {
        let is_reload = signal == SIGHUP && has_file;
        // Fails if the service is ending.
        let _ = sender.send(if is_reload { Signal::Reload } else { Signal::Stop });
    })?;
    service.run(&signals, on_round);
    Ok(Status::Ok)
}
