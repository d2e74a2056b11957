//! Queries, checks and writes with `lvx` on two units behind hidraw nodes.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use lvx_settings::Settings;
use pi18_transport::sim::SharedBank;

use crate::{
    plug::{Backend, SERIALS, bank, two_units},
    program::lvx,
};

for_each_backend! {
    query_by_node_and_by_serial_number_reads_the_unit
    bank_on_hidraw_is_checked_compared_and_dumped
    apply_on_hidraw_proves_writes_and_repeats_none
}

/// Switches for values that do not change.
const CALM: &str = "frozen=on&soc=100&sun=0&grid=off";

fn query_by_node_and_by_serial_number_reads_the_unit(backend: Backend) {
    let bank = bank(2, CALM);
    let units = two_units(backend, &bank);
    for (unit, serial) in SERIALS.into_iter().enumerate() {
        let node = units[unit].node();
        let by_serial = format!("sn:{serial}");
        for address in [node.to_str().unwrap(), &by_serial] {
            let output = output_of(&["query", "ID", "GS", address, "--format", "json"]);
            assert!(output.contains(serial), "{address}: {output}");
            let status = output.lines().last().unwrap();
            assert!(status.contains(&format!("\"parallel_instance\":{unit}")), "{status}");
        }
    }
    let output = output_of(&["devices"]);
    let rows: Vec<_> = output.lines().collect();
    assert_eq!(rows.len(), 3, "{output}");
    for (unit, serial) in SERIALS.into_iter().enumerate() {
        let node = units[unit].node();
        let row = rows.iter().find(|row| row.starts_with(node.to_str().unwrap())).unwrap();
        assert!(row.contains(serial) && row.contains("InfiniSolar V II LV"), "{row}");
    }
}

fn bank_on_hidraw_is_checked_compared_and_dumped(backend: Backend) {
    let bank = bank(2, CALM);
    let _units = two_units(backend, &bank);
    let [first, second] = addresses();
    // The clocks of virtual units differ from this computer's.
    let output = output_of(&["sync-check", "--skip", "clock", &first, &second]);
    assert!(output.contains("healthy: 2 units, no error, no warning"), "{output}");
    let output = output_of(&["compare", &first, &second]);
    assert!(output.contains("bulk (C.V.) voltage"), "{output}");
    let folder = Folder::new("dump");
    let saved = folder.file("bank.yaml", &output_of(&["dump", &first, &second]));
    let output = output_of(&["sync-check", "--skip", "clock", "--from", saved.to_str().unwrap()]);
    assert!(output.contains("healthy: 2 units"), "{output}");
}

fn apply_on_hidraw_proves_writes_and_repeats_none(backend: Backend) {
    let bank = bank(2, CALM);
    let _units = two_units(backend, &bank);
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
    let shown = output_in(&folder, &arguments);
    assert_eq!(received(&bank), 0, "{shown}");
    arguments.extend(["--yes-serial", &both, "--pause", "1ms"]);
    let applied = output_in(&folder, &arguments);
    assert!(applied.contains("applied and verified: 8 writes"), "{applied}");
    assert_eq!(received(&bank), 8, "{applied}");
    for unit in 0..2 {
        let settings = settings(&bank, unit);
        assert_eq!(settings.bulk_voltage.unwrap().to_string(), "56.0 V");
        assert_eq!(settings.float_voltage.unwrap().to_string(), "53.5 V");
    }
    let again = output_in(&folder, &arguments);
    assert!(again.contains("nothing was written"), "{again}");
    assert_eq!(received(&bank), 8, "{again}");
}

fn addresses() -> [String; 2] {
    SERIALS.map(|serial| format!("sn:{serial}"))
}

/// Returns the number of set commands that both units received.
fn received(bank: &SharedBank) -> u64 {
    bank.with(|bank| bank.set_counts(0).received + bank.set_counts(1).received)
}

fn settings(bank: &SharedBank, unit: usize) -> Settings {
    let mut settings = Settings::default();
    for query in ["PIRI", "FLAG"] {
        let reply = bank.with(|bank| bank.peek(unit, query.parse().unwrap()));
        settings.take(&reply.unwrap(), None);
    }
    settings
}

/// A folder for the files of a test, removed on drop.
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

/// Returns the output of `lvx`, which has to exit with status 0.
#[track_caller]
fn output_of(arguments: &[&str]) -> String {
    let output = Command::new(lvx()).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(0), "lvx {arguments:?}: {text}");
    text
}

/// Returns the output of `lvx` with its state folder in `folder`.
#[track_caller]
fn output_in(folder: &Folder, arguments: &[&str]) -> String {
    let state = folder.0.to_str().unwrap();
    output_of(&[arguments, &["--state-dir", state]].concat())
}
