//! What `lvx` does with two units on hidraw: it asks, checks and sets them.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use lvx_settings::Settings;
use pi18_transport::sim::SharedBank;

use crate::{
    lvx,
    plug::{SERIALS, Way, bank, two_units},
};

both_ways! {
    is_asked_by_its_node_and_by_its_serial_number
    is_checked_saved_and_compared
    is_set_and_proved_and_then_it_is_so
}

const CALM: &str = "frozen=on&soc=100&sun=0&grid=off";

fn is_asked_by_its_node_and_by_its_serial_number(way: Way) {
    let bank = bank(2, CALM);
    let units = two_units(way, &bank);
    for (unit, serial) in SERIALS.into_iter().enumerate() {
        let node = units[unit].node();
        let by_serial = format!("sn:{serial}");
        for address in [node.to_str().unwrap(), &by_serial] {
            let told = succeeds(&["query", "ID", "GS", address, "--format", "json"]);
            assert!(told.contains(serial), "{address}: {told}");
            let status = told.lines().last().unwrap();
            assert!(status.contains(&format!("\"parallel_instance\":{unit}")), "{status}");
        }
    }
    let told = succeeds(&["devices"]);
    let rows: Vec<_> = told.lines().collect();
    assert_eq!(rows.len(), 3, "{told}");
    for (unit, serial) in SERIALS.into_iter().enumerate() {
        let node = units[unit].node();
        let row = rows.iter().find(|row| row.starts_with(node.to_str().unwrap())).unwrap();
        assert!(row.contains(serial) && row.contains("InfiniSolar V II LV"), "{row}");
    }
}

fn is_checked_saved_and_compared(way: Way) {
    let bank = bank(2, CALM);
    let _units = two_units(way, &bank);
    let [first, second] = addresses();
    let told = succeeds(&["sync-check", &first, &second]);
    assert!(told.contains("healthy: 2 units, no error, no warning"), "{told}");
    let told = succeeds(&["compare", &first, &second]);
    assert!(told.contains("bulk (C.V.) voltage"), "{told}");
    let folder = Folder::new("dump");
    let saved = folder.file("bank.yaml", &succeeds(&["dump", &first, &second]));
    let told = succeeds(&["sync-check", "--from", saved.to_str().unwrap()]);
    assert!(told.contains("healthy: 2 units"), "{told}");
}

fn is_set_and_proved_and_then_it_is_so(way: Way) {
    let bank = bank(2, CALM);
    let _units = two_units(way, &bank);
    let [first, second] = addresses();
    let folder = Folder::new("apply");
    let profile = folder.file(
        "bank.yaml",
        "battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}\n\
         bulk_voltage: 56.0 V\n\
         float_voltage: 53.5 V\n\
         stop_charge_voltage: 53 V\n\
         output_priority: solar_utility_battery\n\
         backlight: off\n",
    );
    let both = SERIALS.join(",");
    let mut arguments = vec!["apply", profile.to_str().unwrap(), &first, &second];
    let shown = succeeds_in(&folder, &arguments);
    assert_eq!(received(&bank), 0, "{shown}");
    arguments.extend(["--yes-serial", &both, "--pause", "1ms"]);
    let applied = succeeds_in(&folder, &arguments);
    assert!(applied.contains("applied and proved: 8 writes"), "{applied}");
    assert_eq!(received(&bank), 8, "{applied}");
    for unit in 0..2 {
        let settings = settings(&bank, unit);
        assert_eq!(settings.bulk_voltage.unwrap().to_string(), "56.0 V");
        assert_eq!(settings.float_voltage.unwrap().to_string(), "53.5 V");
    }
    let again = succeeds_in(&folder, &arguments);
    assert!(again.contains("nothing was written"), "{again}");
    assert_eq!(received(&bank), 8, "{again}");
}

fn addresses() -> [String; 2] {
    SERIALS.map(|serial| format!("sn:{serial}"))
}

/// Set commands that arrived.
fn received(bank: &SharedBank) -> u64 {
    bank.with(|bank| bank.sets(0).received + bank.sets(1).received)
}

fn settings(bank: &SharedBank, unit: usize) -> Settings {
    let mut settings = Settings::default();
    for query in ["PIRI", "FLAG"] {
        let reply = bank.with(|bank| bank.peek(unit, query.parse().unwrap()));
        settings.take(&reply.unwrap(), None);
    }
    settings
}

/// A folder for a test's files, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lvx-kernel-{name}"));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What `lvx` prints when all is well.
#[track_caller]
fn succeeds(arguments: &[&str]) -> String {
    let output = Command::new(lvx()).args(arguments).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(0), "lvx {arguments:?}: {told}");
    told
}

/// The same, with its state there.
#[track_caller]
fn succeeds_in(folder: &Folder, arguments: &[&str]) -> String {
    let state = folder.0.to_str().unwrap();
    succeeds(&[arguments, &["--state-dir", state]].concat())
}
