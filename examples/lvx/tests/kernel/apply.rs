//! `lvx apply` with a cable pulled in the midst of it: it ends as wanted or as before, and says which.

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
    lvx,
    plug::{SERIALS, Way, bank, two_units, until},
};

both_ways! {
    unplugged_for_a_moment_units_have_all_or_nothing
}

fn unplugged_for_a_moment_units_have_all_or_nothing(way: Way) {
    let pair = Pair::new(way, "moment");
    let mut sockets = two_units(way, &pair.bank);
    let mut random = fastrand::Rng::with_seed(5);
    let start = Instant::now();
    let mut endings = Vec::new();
    let runs = if way == Way::Uhid { 3 } else { 2 };
    for run in 0..runs {
        let before = pair.settings();
        let lvx = pair.apply(run % 2 == 0, "10s");
        pair.received_more(random.u64(1..=3));
        thread::sleep(Duration::from_millis(random.u64(0..80)));
        let socket = &mut sockets[run % 2];
        socket.unplug();
        thread::sleep(Duration::from_millis(random.u64(300..1500)));
        socket.plug();
        let (status, report) = told(lvx);
        let now = pair.settings();
        match status {
            0 => {
                assert_eq!(report["ending"], "applied", "{report}");
                pair.assert_wanted(run % 2 == 0);
            }
            4 => {
                assert_eq!(report["ending"], "undone", "{report}");
                assert_eq!(now, before, "{report}");
            }
            _ => panic!("{status}: {report}"),
        }
        assert_told_truly(&report, &now);
        endings.push(status);
    }
    println!("{way:?}: ended with {endings:?} in {:?}", start.elapsed());
}

#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn unplugged_for_good_a_unit_is_named_and_can_be_brought_back() {
    let way = Way::Uhid;
    let pair = Pair::new(way, "good");
    let mut sockets = two_units(way, &pair.bank);
    let before = pair.settings();
    let lvx = pair.apply(true, "1s");
    // The first unit is through, or almost.
    pair.received_more(2);
    sockets[0].unplug();
    let (status, report) = told(lvx);
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
    assert_eq!(pair.settings()[1], before[1], "what can be undone is");
    sockets[0].plug();
    sockets[0].node();
    let undo = ["restore", "--undo"];
    let restored = pair.command(&undo, "10s").output().unwrap();
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    assert_eq!(pair.settings(), before);
}

/// Two units to be set, and where that is kept.
struct Pair {
    bank: SharedBank,
    folder: PathBuf,
}

impl Pair {
    fn new(way: Way, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lvx-unplugged-{name}-{way:?}"));
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

    /// Begins to set both.
    fn apply(&self, to: bool, away: &str) -> Child {
        let profile = self.folder.join("wanted.yaml");
        let [bulk, backlight] = wanted(to);
        fs::write(&profile, format!("{GUARD}bulk_voltage: {bulk}\nbacklight: {backlight}\n"))
            .unwrap();
        let [first, second] = SERIALS.map(|serial| format!("sn:{serial}"));
        let task = ["apply", profile.to_str().unwrap(), &first, &second, "--format", "json"];
        self.command(&task, away).spawn().unwrap()
    }

    /// Waits until so many more set commands have come.
    fn received_more(&self, more: u64) {
        let received = || self.bank.with(|bank| bank.sets(0).received + bank.sets(1).received);
        let before = received();
        until("it writes", Duration::from_secs(20), || received() >= before + more);
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
    fn assert_wanted(&self, to: bool) {
        for settings in self.settings() {
            let [bulk, backlight] = wanted(to);
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

const fn wanted(to: bool) -> [&'static str; 2] {
    if to { ["56.0 V", "off"] } else { ["56.4 V", "on"] }
}

fn told(lvx: Child) -> (i32, Value) {
    let output: Output = lvx.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code().unwrap(), report)
}

/// What it says that a unit has now is what it has.
#[track_caller]
fn assert_told_truly(report: &Value, now: &[Settings; 2]) {
    for (unit, now) in report["units"].as_array().unwrap().iter().zip(now) {
        for told in unit["settings"].as_array().unwrap() {
            let key = told["setting"].as_str().unwrap();
            let setting = lvx_settings::Setting::from_key(key).unwrap();
            let has = now.get(setting).map(|value| value.to_string());
            assert_eq!(told["now"].as_str(), has.as_deref(), "{key}: {report}");
        }
    }
}

const GUARD: &str =
    "battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}\n";
