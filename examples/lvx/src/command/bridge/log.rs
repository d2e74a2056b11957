//! The log of the bridge, on standard error.

use std::io;

use tracing_subscriber::filter::LevelFilter;

use crate::{args::Bridge, terminal::is_silenced};

/// Starts the log. The journal of systemd adds the time itself. The demonstration prints what a reader needs, so its
/// log has warnings only.
pub(super) fn start(args: &Bridge) {
    let is_verbose = args.verbose;
    let level = if is_verbose {
        LevelFilter::DEBUG
    } else if args.demo.is_some() || is_silenced() {
        LevelFilter::WARN
    } else {
        LevelFilter::INFO
    };
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(level)
        .with_ansi(false)
        .with_target(is_verbose);
    // A log that was started before stays.
    let _ = if std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().try_init()
    } else {
        log.try_init()
    };
}
