//! `lvx apply` while a cable is pulled: the units end with all changes or with none, and the report is
//! correct.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use lvx_settings::Settings;
use pi18_transport::sim::SharedBank;
use serde_json::Value;

use crate::{
    plug::{Backend, SERIALS, bank, two_units, until},
    program::lvx,
};

for_each_backend! {
    brief_unplug_during_apply_leaves_all_changes_or_none
}

fn brief_unplug_during_apply_leaves_all_changes_or_none(backend: Backend) {
    let pair = Pair::new(backend, "brief");
    let mut sockets = two_units(backend, &pair.bank);
    let mut random = fastrand::Rng::with_seed(5);
    let start = Instant::now();
    let mut endings = Vec::new();
    let runs = if backend == Backend::Uhid { 3 } else { 2 };
    for run in 0..runs {
        let before = pair.settings();
        let lvx = pair.apply(run % 2 == 0, "10s");
        pair.wait_for_sets(random.u64(1..=3));
        thread::sleep(Duration::from_millis(random.u64(0..80)));
        let socket = &mut sockets[run % 2];
        socket.unplug();
        thread::sleep(Duration::from_millis(random.u64(300..1500)));
        socket.plug();
        let (status, report) = report_of(lvx);
        let now = pair.settings();
        match status {
            0 => {
                assert_eq!(report["ending"], "applied", "{report}");
                pair.assert_applied(run % 2 == 0);
            }
            4 => {
                assert_eq!(report["ending"], "undone", "{report}");
                assert_eq!(now, before, "{report}");
            }
            _ => panic!("{status}: {report}"),
        }
        assert_report_matches(&report, &now);
        endings.push(status);
    }
    println!("{backend:?}: ended with {endings:?} in {:?}", start.elapsed());
}

#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn unit_lost_during_apply_is_reported_and_restored_later() {
    let backend = Backend::Uhid;
    let pair = Pair::new(backend, "lost");
    let mut sockets = two_units(backend, &pair.bank);
    let before = pair.settings();
    let lvx = pair.apply(true, "1s");
    // Continue when two of the four writes were sent.
    pair.wait_for_sets(2);
    sockets[0].unplug();
    let (status, report) = report_of(lvx);
    assert_eq!((status, &report["ending"]), (4, &Value::from("mixed")), "{report}");
    let lost = &report["units"][0];
    assert_eq!(lost["serial_number"], SERIALS[0], "{report}");
    assert_eq!(lost["state"], "unknown", "{report}");
    assert!(
        lost["unread"].as_str().is_some_and(|why| why.contains("no USB adapter")
            || why.contains(SERIALS[1])
            || why.contains("in use")),
        "{report}"
    );
    assert_eq!(report["units"][1]["state"], "old", "{report}");
    assert!(report["why"].as_str().is_some_and(|why| why.contains(SERIALS[0])), "{report}");
    assert_eq!(pair.settings()[1], before[1], "expected the old settings on the reachable unit");
    sockets[0].plug();
    sockets[0].node();
    let undo = ["restore", "--undo"];
    let restored = pair.command(&undo, "10s").output().unwrap();
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    assert_eq!(pair.settings(), before);
}

/// Two units to configure, and the state folder of the runs.
struct Pair {
    bank: SharedBank,
    folder: PathBuf,
}

impl Pair {
    fn new(backend: Backend, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lvx-unplugged-{name}-{backend:?}"));
        fs::create_dir(&folder).unwrap();
        let bank = bank(2, "frozen=on&soc=100&sun=0&grid=off&pace=38400");
        Self { bank, folder }
    }

    fn command(&self, task: &[&str], away: &str) -> Command {
        let mut command = Command::new(lvx());
        let both = SERIALS.join(",");
        command.args(task).args(["--yes-serial", &both, "--away", away]);
        command.args(["--pause", "20ms", "--within", "500ms"]).env("LVX_STATE_DIR", &self.folder);
        command.env("LVX_RUNS_DIR", &self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts `lvx apply` on both units.
    fn apply(&self, alternate: bool, away: &str) -> Child {
        let profile = self.folder.join("profile.yaml");
        let [bulk, backlight] = values(alternate);
        fs::write(&profile, format!("{GUARD}bulk_voltage: {bulk}\nbacklight: {backlight}\n"))
            .unwrap();
        let [first, second] = SERIALS.map(|serial| format!("sn:{serial}"));
        let task = ["apply", profile.to_str().unwrap(), &first, &second, "--format", "json"];
        self.command(&task, away).spawn().unwrap()
    }

    /// Waits until the units have received `count` more set commands.
    fn wait_for_sets(&self, count: u64) {
        let received =
            || self.bank.with(|bank| bank.set_counts(0).received + bank.set_counts(1).received);
        let before = received();
        until("set commands arrive", Duration::from_secs(20), || received() >= before + count);
    }

    fn settings(&self) -> [Settings; 2] {
        [0, 1].map(|unit| {
            let mut settings = Settings::default();
            for query in ["PIRI", "FLAG", "ACCT", "ACLT"] {
                let reply = self.bank.with(|bank| bank.peek(unit, query.parse().unwrap()));
                settings.take(&reply.unwrap(), None);
            }
            settings
        })
    }

    #[track_caller]
    fn assert_applied(&self, alternate: bool) {
        for settings in self.settings() {
            let [bulk, backlight] = values(alternate);
            assert_eq!(settings.bulk_voltage.unwrap().to_string(), bulk);
            assert_eq!(settings.backlight.unwrap().to_string(), backlight);
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Returns bulk voltage and backlight of one of two profiles.
const fn values(alternate: bool) -> [&'static str; 2] {
    if alternate { ["56.0 V", "off"] } else { ["56.4 V", "on"] }
}

/// Waits for the end of `lvx` and returns its exit status and its JSON report.
fn report_of(lvx: Child) -> (i32, Value) {
    let output: Output = lvx.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code().unwrap(), report)
}

/// Asserts that the present values in the report are those of the units.
#[track_caller]
fn assert_report_matches(report: &Value, now: &[Settings; 2]) {
    for (unit, now) in report["units"].as_array().unwrap().iter().zip(now) {
        for reported in unit["settings"].as_array().unwrap() {
            let key = reported["setting"].as_str().unwrap();
            let setting = lvx_settings::Setting::from_key(key).unwrap();
            let actual = now.get(setting).map(|value| value.to_string());
            assert_eq!(reported["now"].as_str(), actual.as_deref(), "{key}: {report}");
        }
    }
}

const GUARD: &str =
    "battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}\n";
