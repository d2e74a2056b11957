//! The log of the bridge, on standard error.

use std::io;

use tracing_subscriber::filter::LevelFilter;

use crate::terminal::is_silenced;

/// Starts the log. The journal of systemd adds the time itself.
pub(super) fn start(is_verbose: bool) {
    let level = match (is_verbose, is_silenced()) {
        (true, _) => LevelFilter::DEBUG,
        (false, true) => LevelFilter::WARN,
        (false, false) => LevelFilter::INFO,
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
