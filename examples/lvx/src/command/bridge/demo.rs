//! `lvx bridge --demo`: a virtual bank, without configuration, on this machine only.

use std::{
    fmt::Write,
    fs::{DirBuilder, remove_dir_all},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::Arc,
};

use lvx_bridge::{
    Handle, Snapshot,
    config::{Config, HistoryConfig, read_secret},
    history,
    service::Parts,
    storage::MemoryStorage,
};
use lvx_settings::Plan;

use super::serve::{signals, start};
use crate::terminal::{Failure, Status, print_note};

pub(super) fn run(port: u16) -> Result<Status, Failure> {
    let text = CONFIG.replace("@port@", &port.to_string());
    let mut config = Config::parse("demo", &text, &read_secret)?;
    let folder = Folder::new();
    config.history = folder.as_ref().map(|folder| HistoryConfig {
        path: Some(folder.0.join(history::FILE)),
        ..HistoryConfig::default()
    });
    let storage = Arc::new(MemoryStorage::default());
    let signals = signals(false)?;
    let service = start(Parts { config, file: None, storage, runs: Arc::new(NoRuns) })?;
    print_note("a virtual bank of two units, on this machine only; Ctrl-C ends it");
    for address in service.addresses() {
        print_note(&format!("http://{address}/api/v1/bank   the whole state"));
        print_note(&format!("http://{address}/metrics       for Prometheus"));
    }
    let mut judged = None;
    service.run(&signals, move |handles: &[Handle]| {
        for snapshot in handles.iter().map(Handle::snapshot) {
            if snapshot.judged_at.is_some() && snapshot.judged_at != judged {
                judged = snapshot.judged_at;
                print_note(&line(&snapshot));
            }
        }
    });
    Ok(Status::Ok)
}

/// Returns a line about a round.
fn line(snapshot: &Snapshot) -> String {
    let totals = &snapshot.totals;
    let time = snapshot.now.wall.to_zoned(jiff::tz::TimeZone::system());
    let mut line = time.strftime("%H:%M:%S").to_string();
    let shown = |value: Option<i64>, unit: &str| {
        value.map_or_else(|| format!("- {unit}"), |value| format!("{value} {unit}"))
    };
    let _ = write!(
        line,
        "  PV {}, loads {}, battery {} at {}, {} of {} units",
        shown(totals.pv_power, "W"),
        shown(totals.load_power, "W"),
        shown(totals.battery_power, "W"),
        shown(totals.state_of_charge, "%"),
        totals.fresh_units,
        snapshot.units.len(),
    );
    for alert in snapshot.alerts.iter().filter(|alert| alert.is_raised()) {
        let _ = write!(line, "; {}: {}", alert.severity, alert.title);
    }
    line
}

/// A folder for the history, which is removed at the end.
struct Folder(PathBuf);

impl Folder {
    /// Makes a folder that only this user can read; `None` if it cannot be made, without which there is no history.
    fn new() -> Option<Self> {
        let path = std::env::temp_dir().join(format!("lvx-demo-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path).ok()?;
        Some(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is removed with the other temporary files.
        let _ = remove_dir_all(&self.0);
    }
}

/// The demonstration changes no settings.
struct NoRuns;

impl lvx_bridge::control::Runs for NoRuns {
    fn start(&self, _plan: &Plan) -> std::io::Result<lvx_bridge::control::StartedRun> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn unfinished(&self) -> std::io::Result<Vec<lvx_bridge::control::UnfinishedRun>> {
        Ok(Vec::new())
    }

    fn resume(
        &self,
        _run: &lvx_bridge::control::UnfinishedRun,
    ) -> std::io::Result<Box<dyn lvx_settings::Recorder>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// The virtual units have these serial numbers.
const CONFIG: &str = "
site: demo
bank:
  name: virtual
  units:
    - {name: lvx6048-1, serial: 96132206100410, address: \"sim:0\"}
    - {name: lvx6048-2, serial: 96132206100411, address: \"sim:1\"}
http: {listen: \"127.0.0.1:@port@\"}
lease: off
";
