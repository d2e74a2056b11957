//! `lvx bridge --demo`: a virtual bank, without configuration, on this machine only.

mod past;
mod scene;

use std::{
    fmt::Write,
    fs::{DirBuilder, remove_dir_all},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::Arc,
};

use jiff::Timestamp;
use lvx_bridge::{
    Handle, Snapshot,
    config::{Config, HistoryConfig, read_secret},
    control::MemoryRuns,
    history,
    http::{Scope, Tokens},
    service::Parts,
    storage::MemoryStorage,
};

use super::serve::{signals, start};
use crate::{
    args::Scene,
    terminal::{Failure, Status, print_note},
};

pub(super) fn run(scene: Scene, port: u16) -> Result<Status, Failure> {
    let mut config = Config::parse("demo", &scene::configuration(scene, port), &read_secret)?;
    let folder = Folder::new();
    config.history = folder.as_ref().map(|folder| HistoryConfig {
        path: Some(folder.0.join(history::FILE)),
        ..HistoryConfig::default()
    });
    write_past(&config, scene);
    let storage = Arc::new(MemoryStorage::default());
    let name = "demo".parse().map_err(Failure::usage)?;
    let tokens = Tokens::new(Arc::<MemoryStorage>::clone(&storage));
    let token =
        tokens.create(&name, Scope::Control, None, Timestamp::now()).map_err(Failure::usage)?;
    let signals = signals(false)?;
    scene::create_bank(scene)?;
    let runs = Arc::new(MemoryRuns::default());
    let service = start(Parts { config, file: None, storage, runs })?;
    print_note(&format!(
        "a virtual bank of {}, on this machine only; Ctrl-C ends it",
        scene::units(scene)
    ));
    for address in service.addresses() {
        print_note(&format!("http://{address}/              the page"));
        print_note(&format!("http://{address}/api/v1/bank   the whole state"));
        print_note(&format!("http://{address}/metrics       for Prometheus"));
    }
    print_note(&format!("token, to log in and change settings: {}", token.reveal()));
    let (mut judged, mut is_first) = (None, true);
    service.run(&signals, move |handles: &[Handle]| {
        for snapshot in handles.iter().map(Handle::snapshot) {
            if snapshot.judged_at.is_some() && snapshot.judged_at != judged {
                judged = snapshot.judged_at;
                print_note(&line(&snapshot));
                if std::mem::take(&mut is_first) {
                    scene::after_first_round(scene);
                }
            }
        }
    });
    Ok(Status::Ok)
}

/// Writes a past of the bank. Without it, the history begins now.
fn write_past(config: &Config, scene: Scene) {
    let path = config.history.as_ref().and_then(|history| history.path.as_deref());
    if let (Some(path), false) = (path, scene == Scene::Starting) {
        for bank in &config.banks {
            if let Err(error) = past::write(path, &bank.name, scene, bank.units.len()) {
                print_note(&format!("the history begins now: {error}"));
            }
        }
    }
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
