//! `lvx restore` and `lvx runs`: undoing, finishing and closing runs, as a whole or per unit.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod pair;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Output, Stdio},
};

use pair::{BOTH, FAST, Pair, Running, SERIALS};

const GUARD: &str =
    "battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}\n";

/// Two virtual units with a state folder, for several runs.
struct Bench {
    pair: Pair,
}

impl Bench {
    fn new() -> Self {
        Self { pair: Pair::new() }
    }

    /// Applies a profile to both units and returns the name of the run.
    fn apply(&self, profile: &str, options: &[&str]) -> String {
        let profile = self.pair.folder.file("profile.yaml", profile);
        let before = self.runs();
        let options = [&["--yes-serial", BOTH][..], options, &FAST].concat();
        let applied = self.pair.lvx("apply", &profile, &options);
        assert_eq!(applied.status.code(), Some(0), "{}", self.pair.seen(&applied));
        self.runs().into_iter().find(|run| !before.contains(run)).unwrap()
    }

    /// Applies a profile and kills the program while it waits for confirmation. Returns the name of the run.
    fn leave(&self, profile: &str, options: &[&str]) -> String {
        let profile = self.pair.folder.file("profile.yaml", profile);
        let [first, second] = self.pair.addresses();
        let waits = ["--yes-serial", BOTH, "--confirm-within", "10m"];
        let arguments = [&[&*profile, &first, &second][..], &waits, options, &FAST].concat();
        let mut command = self.pair.command("apply", &arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = Running(child.unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("lvx confirm") {
            line.clear();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "lvx apply has ended");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    }

    /// Returns the names of all runs, oldest first.
    fn runs(&self) -> Vec<String> {
        let journals = self.pair.folder.ending_with(".journal");
        let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<_> = journals.iter().map(name).collect();
        names.sort();
        names
    }

    /// Runs `lvx restore`. Returns its result and all output.
    fn restore(&self, arguments: &[&str]) -> (Output, String) {
        let output = self.pair.command("restore", arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let seen = text(&output.stdout) + &text(&output.stderr);
        (output, seen)
    }

    /// Runs `lvx restore` with short times, checks its exit status and returns all output.
    #[track_caller]
    fn restored(&self, arguments: &[&str], status: i32) -> String {
        let arguments = [arguments, &FAST].concat();
        let (output, seen) = self.restore(&arguments);
        assert_eq!(output.status.code(), Some(status), "{seen}");
        seen
    }

    /// Returns the output of `lvx runs`.
    fn runs_listed(&self, arguments: &[&str]) -> String {
        let output = self.pair.command("runs", arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn settings(&self) -> [lvx_settings::Settings; 2] {
        [self.pair.settings(0), self.pair.settings(1)]
    }
}

const UNDO: [&str; 3] = ["--undo", "--yes-serial", BOTH];

#[test]
fn undo_restores_installation_settings_with_permission() {
    let bench = Bench::new();
    let before = bench.settings();
    let allowed = ["--allow-installation", "machine_type"];
    let profile = format!("{GUARD}bulk_voltage: 56.0 V\nmachine_type: grid_tie\n");
    let run = bench.apply(&profile, &allowed);
    let dry = bench.restored(&[&run, "--undo", allowed[0], allowed[1]], 1);
    assert!(dry.contains("bulk_voltage 56.0 V -> 56.4 V"), "{dry}");
    let received = bench.pair.received();
    let refused = bench.restored(&[&[&*run][..], &UNDO].concat(), 2);
    assert!(refused.contains("--allow-installation machine_type"), "{refused}");
    assert_eq!(bench.pair.received(), received);
    bench.restored(&[&[&*run][..], &UNDO, &allowed].concat(), 0);
    assert_eq!(bench.settings(), before);
    let again = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    assert!(again.contains("was undone by"), "{again}");
    // The undo can itself be undone.
    let undo = bench.runs().into_iter().find(|name| *name != run).unwrap();
    assert!(bench.runs_listed(&[]).contains(&format!("undoes {run}")));
    bench.restored(&[&[&*undo][..], &UNDO, &allowed].concat(), 0);
    assert_eq!(bench.settings()[0].bulk_voltage.unwrap().to_string(), "56.0 V");
}

#[test]
fn undo_is_refused_until_later_run_is_undone() {
    let bench = Bench::new();
    let before = bench.settings();
    let first = bench.apply("backlight: off\n", &[]);
    let second = bench.apply("backlight: on\n", &[]);
    let refused = bench.restored(&[&[&*first][..], &UNDO].concat(), 2);
    assert!(refused.contains(&format!("lvx restore {second} --undo")), "{refused}");
    let listed = bench.runs_listed(&[]);
    assert!(listed.contains(&format!("to undo it, undo {second} first")), "{listed}");
    bench.restored(&[&[&*second][..], &UNDO].concat(), 0);
    bench.restored(&[&[&*first][..], &UNDO].concat(), 0);
    assert_eq!(bench.settings(), before);
}

#[test]
fn runs_are_listed_shown_and_pruned() {
    let bench = Bench::new();
    let run = bench.apply("backlight: off\n", &[]);
    let open = bench.leave("output_priority: solar_utility_battery\n", &[]);
    let listed = bench.runs_listed(&[]);
    assert!(
        listed.contains(&format!(
            "{run}  applied\n  {}, {}\n    backlight on -> off\n",
            SERIALS[0], SERIALS[1]
        )),
        "{listed}"
    );
    assert!(
        listed.contains(&format!("{open}  was not confirmed; its program has exited")),
        "{listed}"
    );
    assert!(listed.contains(&format!("lvx confirm {open}")), "{listed}");
    let json: serde_json::Value =
        serde_json::from_str(&bench.runs_listed(&["--format", "json"])).unwrap();
    assert_eq!(json["runs"][0]["units"][0]["changes"][0]["new"], "off");
    assert_eq!(json["runs"][1]["is_open"], true);
    let shown = bench.runs_listed(&["show", &run]);
    assert!(shown.contains("ended: applied"), "{shown}");
    let dry = bench.runs_listed(&["prune", "--older-than", "0", "--dry-run"]);
    assert!(dry.contains(&run) && !dry.contains(&open), "{dry}");
    assert_eq!(bench.runs().len(), 2);
    bench.runs_listed(&["prune"]);
    assert_eq!(bench.runs().len(), 2, "recent runs were removed");
    bench.runs_listed(&["prune", "--older-than", "0"]);
    assert_eq!(bench.runs(), [open]);
    assert_eq!(
        bench.pair.folder.ending_with(".yaml").len(),
        3,
        "saved settings of the open run were removed"
    );
}

#[test]
fn one_unit_is_restored_while_the_other_is_unplugged() {
    let mut bench = Bench { pair: Pair::unpluggable() };
    let before = bench.settings();
    let run = bench.leave("backlight: off\noutput_priority: solar_utility_battery\n", &[]);
    let [first, _] = bench.pair.addresses();
    drop(bench.pair.served.pop());
    let away = bench.restored(&[&[&*run][..], &UNDO].concat(), 3);
    assert!(away.contains(&format!("lvx restore {run} UNIT…")), "{away}");
    let one = bench.restored(&[&run, &first, "--undo", "--yes-serial", SERIALS[0]], 0);
    assert!(one.contains("the other units of the run are not restored yet"), "{one}");
    assert_eq!(bench.pair.settings(0), before[0]);
    assert_ne!(bench.pair.settings(1), before[1]);
    let journal = fs::read_to_string(bench.pair.folder.0.join(format!("{run}.journal"))).unwrap();
    assert!(!journal.contains("\"ended\""), "the run is not open: {journal}");
    let back = pi18_transport::sim::serve_pty(&bench.pair.bank, 1).unwrap();
    let address = format!("serial:{}", back.path());
    bench.pair.served.push(back);
    bench.restored(&[&run, &address, "--undo", "--yes-serial", SERIALS[1]], 0);
    assert_eq!(bench.settings(), before);
    let left = bench.restored(&[], 0);
    assert!(left.contains("no open run was found"), "{left}");
}

#[test]
fn finished_run_is_undone_unit_by_unit() {
    let bench = Bench::new();
    let before = bench.settings();
    let run = bench.apply("backlight: off\n", &[]);
    let [first, second] = bench.pair.addresses();
    bench.restored(&[&run, &first, "--undo", "--yes-serial", SERIALS[0]], 0);
    assert_eq!(bench.pair.settings(0), before[0]);
    assert_ne!(bench.pair.settings(1), before[1]);
    let listed = bench.runs_listed(&[]);
    assert!(
        listed.contains(&format!("to undo it on unit {}: lvx restore", SERIALS[1])),
        "{listed}"
    );
    assert!(listed.contains(&format!("undone on unit {} by", SERIALS[0])), "{listed}");
    let json: serde_json::Value =
        serde_json::from_str(&bench.runs_listed(&["--format", "json"])).unwrap();
    assert!(json["runs"][0]["undone_by"].is_null() && json["runs"][0]["is_open"] == false);
    assert!(json["runs"][0]["units"][0]["undone_by"].is_string(), "{json}");
    let again = bench.restored(&[&run, &first, "--undo", "--yes-serial", SERIALS[0]], 0);
    assert!(again.contains("nothing was written"), "{again}");
    let seen = bench.restored(&[&run, &second, "--undo", "--yes-serial", SERIALS[1]], 0);
    assert!(seen.contains("backlight off -> on"), "{seen}");
    assert_eq!(bench.settings(), before);
    let listed = bench.runs_listed(&[]);
    assert!(listed.contains("nothing to undo"), "{listed}");
    bench.restored(&[&run, "--undo"], 0);
}

#[test]
fn remaining_unit_is_undone_without_the_other_plugged_in() {
    let mut bench = Bench { pair: Pair::unpluggable() };
    let before = bench.settings();
    let run = bench.apply("backlight: off\n", &[]);
    let [first, _] = bench.pair.addresses();
    bench.restored(&[&run, &first, "--undo", "--yes-serial", SERIALS[0]], 0);
    // The unit that is already undone may be unplugged.
    bench.pair.served.swap(0, 1);
    drop(bench.pair.served.pop());
    bench.restored(&[&run, "--undo", "--yes-serial", SERIALS[1]], 0);
    assert_eq!(bench.settings(), before);
}

#[test]
fn undo_of_unverified_write_is_always_written() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    // Simulates a run that was stopped during its last write, while the unit still reports the old value.
    let path = bench.pair.folder.0.join(format!("{run}.journal"));
    let journal = fs::read_to_string(&path).unwrap();
    let end = journal.rfind("\"record\":\"writing\"").unwrap();
    let end = end + journal[end..].find('\n').unwrap() + 1;
    fs::write(&path, &journal[..end]).unwrap();
    bench.pair.bank.with(|bank| bank.switch(0, "bulk=56.4")).unwrap();
    bench.pair.bank.with(|bank| bank.switch(1, "bulk=56.4")).unwrap();
    let received = bench.pair.received();
    let dry = bench.restored(&[&run, "--undo"], 1);
    let dry = dry.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!dry.contains("no writes remain"), "{dry}");
    assert!(dry.contains(&format!("always written: {}", SERIALS[1])), "{dry}");
    assert!(dry.contains("an earlier write may still take effect"), "{dry}");
    assert_eq!(dry.matches("always written").count(), 1, "{dry}");
    assert_eq!(bench.pair.received(), received);
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    assert_eq!(bench.pair.received(), received + 1, "{seen}");
}

#[test]
fn undo_restores_unit_after_misdirected_command() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    // Simulates a run that was stopped after the command for the first unit had reached the second one.
    let path = bench.pair.folder.0.join(format!("{run}.journal"));
    let journal = fs::read_to_string(&path).unwrap();
    let start = journal.find("\"record\":\"writing\"").unwrap();
    let end = start + journal[start..].find('\n').unwrap() + 1;
    let stray = format!(
        r#"{{"record":"misdirected","stray":{{"step":0,"direction":"forward","unit":0,"command":"MCHGV560,540","cause":{{"cause":"another_unit","found":"{}"}}}}}}"#,
        SERIALS[1]
    );
    fs::write(&path, format!("{}{stray}\n", &journal[..end])).unwrap();
    bench.pair.bank.with(|bank| bank.switch(0, "bulk=56.4")).unwrap();
    let dry = bench.restored(&[&run, "--undo"], 1);
    let dry = dry.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = format!(
        "always written: {} bulk_voltage 56.4 V, float_voltage 54.0 V: this unit may have \
         received a command for another unit",
        SERIALS[1]
    );
    assert!(dry.contains(&line), "{dry}");
    bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    for unit in 0..2 {
        assert_eq!(bench.pair.settings(unit).bulk_voltage, Some(pi18_proto::Decivolts(564)));
    }
}

#[test]
fn undo_progress_shows_only_the_old_values() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    // Another program changed the setting after the run.
    bench.pair.bank.with(|bank| bank.switch(0, "bulk=55.8")).unwrap();
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    let lines: Vec<_> = seen.lines().filter(|line| line.starts_with("undone  ")).collect();
    assert_eq!(lines.len(), 2, "{seen}");
    assert!(lines.iter().all(|line| line.contains("bulk_voltage 56.4 V")), "{seen}");
    assert!(lines.iter().all(|line| !line.contains("->")), "{seen}");
}

#[test]
fn restore_with_unit_instead_of_run_is_refused() {
    let bench = Bench::new();
    for unit in ["tcp:192.0.2.1:4001", "/dev/ttyUSB0", "sn:96132206100410"] {
        let seen = bench.restored(&["--undo", unit], 2);
        assert!(seen.contains(&format!("lvx restore RUN {unit}")), "{seen}");
    }
    let seen = bench.restored(&["--undo", "20260101-000000"], 2);
    assert!(seen.contains("unknown run 20260101-000000"), "{seen}");
}

#[test]
fn prune_removes_only_runs_in_the_given_folder() {
    let bench = Bench::new();
    let run = bench.apply("backlight: off\n", &[]);
    // The default state folder of this user, next to the given one.
    let default = bench.pair.folder.0.join(".local/state/lvx");
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(&default).unwrap();
    let other = default.join("20260101-000000.journal");
    fs::copy(bench.pair.folder.0.join(format!("{run}.journal")), &other).unwrap();
    let dry = bench.runs_listed(&["prune", "--older-than", "0", "--dry-run"]);
    assert!(dry.contains(&run) && !dry.contains("20260101-000000"), "{dry}");
    let folder = bench.pair.folder.0.to_str().unwrap();
    let named = ["prune", "--older-than", "0", "--state-dir", folder];
    bench.runs_listed(&named);
    assert!(bench.runs().is_empty() && other.exists());
}

#[test]
fn restore_shows_changes_by_other_programs() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    bench.pair.bank.with(|bank| bank.switch(1, "float=53.0")).unwrap();
    let received = bench.pair.received();
    let seen = bench.restored(&[&run], 1);
    assert!(
        seen.contains(
            "not part of this run:\n  float_voltage              now 53.0 V, before 54.0 V"
        ),
        "{seen}"
    );
    assert_eq!(bench.pair.received(), received);
}

#[test]
fn finish_without_permission_is_refused_with_alternatives() {
    let bench = Bench::new();
    let run = bench.leave("machine_type: grid_tie\n", &["--allow-installation", "machine_type"]);
    let received = bench.pair.received();
    let finish = ["--finish", "--yes-serial", BOTH];
    let seen = bench.restored(&[&[&*run][..], &finish].concat(), 4);
    assert!(seen.contains("--finish would fail:"), "{seen}");
    assert!(seen.contains("--allow-installation machine_type"), "{seen}");
    assert!(seen.contains("--forget closes the run"), "{seen}");
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 2);
    assert!(seen.contains("the undo writes the installation setting machine_type"), "{seen}");
    assert_eq!(bench.pair.received(), received);
    let allowed = ["--allow-installation", "machine_type"];
    bench.restored(&[&[&*run][..], &finish, &allowed].concat(), 0);
}

#[test]
fn edited_journal_is_refused() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    let path = bench.pair.folder.0.join(format!("{run}.journal"));
    let journal = fs::read_to_string(&path).unwrap();
    // Replaces the old float voltage everywhere in the journal.
    let forged = journal
        .replace("\"float_voltage\":54.0", "\"float_voltage\":58.4")
        .replace("54.0 V", "58.4 V");
    assert_ne!(forged, journal);
    fs::write(&path, forged).unwrap();
    let received = bench.pair.received();
    let (output, seen) = bench.restore(&[&[&*run][..], &UNDO, &FAST].concat());
    assert_eq!(output.status.code(), Some(2), "{seen}");
    assert!(seen.contains("float_voltage is 54.0 V"), "{seen}");
    assert!(seen.contains("--foreign"), "{seen}");
    assert_eq!(bench.pair.received(), received);
}

#[test]
fn edited_installation_setting_in_journal_is_refused() {
    let bench = Bench::new();
    let run = bench.leave("backlight: off\n", &[]);
    let path = bench.pair.folder.0.join(format!("{run}.journal"));
    let journal = fs::read_to_string(&path).unwrap();
    let (head, rest) = journal.split_once('\n').unwrap();
    let mut head: serde_json::Value = serde_json::from_str(head).unwrap();
    let machine_type = &mut head["plan"]["units"][0]["unit"]["rated"]["machine_type"];
    assert_eq!(*machine_type, 0);
    *machine_type = 1.into();
    fs::write(&path, format!("{head}\n{rest}")).unwrap();
    let refused = bench.restored(&[&[&*run][..], &UNDO].concat(), 2);
    assert!(refused.contains("machine_type is off_grid"), "{refused}");
}

#[test]
fn foreign_journal_is_undone_with_all_checks() {
    let bench = Bench::new();
    let run = bench.leave("machine_type: grid_tie\n", &["--allow-installation", "machine_type"]);
    let elsewhere = pair::Folder::new();
    let journal = bench.pair.folder.0.join(format!("{run}.journal"));
    let copy = elsewhere.file("foreign.journal", &fs::read_to_string(&journal).unwrap());
    bench.restored(&["--forget", &run], 0);
    let received = bench.pair.received();
    let refused = bench.restored(&[&[&*copy][..], &UNDO].concat(), 2);
    assert!(refused.contains("expected a journal in one of your state folders"), "{refused}");
    let foreign = [&["--foreign", &*copy][..], &UNDO].concat();
    let refused = bench.restored(&foreign, 2);
    assert!(refused.contains("those in a foreign journal are not used"), "{refused}");
    let [first, second] = bench.pair.addresses();
    let foreign = [&["--foreign", &*copy, &first, &second][..], &UNDO].concat();
    let refused = bench.restored(&foreign, 2);
    assert!(refused.contains("--allow-installation machine_type"), "{refused}");
    assert_eq!(bench.pair.received(), received);
    let allowed = ["--allow-installation", "machine_type"];
    bench.restored(&[&foreign[..], &allowed].concat(), 0);
    assert_eq!(bench.pair.received(), received + 2);
}

#[test]
fn restore_adds_interrupted_write_to_audit_file() {
    let bench = Bench::new();
    let run = bench.leave("backlight: off\n", &[]);
    // Simulates a run that was stopped during its last write.
    let path = bench.pair.folder.0.join(format!("{run}.journal"));
    let journal = fs::read_to_string(&path).unwrap();
    let end = journal.rfind("\"record\":\"writing\"").unwrap();
    let end = end + journal[end..].find('\n').unwrap() + 1;
    fs::write(&path, &journal[..end]).unwrap();
    fs::remove_file(bench.pair.folder.0.join("audit.jsonl")).unwrap();
    bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    let audit = fs::read_to_string(bench.pair.folder.0.join("audit.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(audit.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["outcome"], &first["proved"]),
        (&"unknown".into(), &false.into()),
        "{audit}"
    );
    assert_eq!(first["settings"]["backlight"], "off", "{audit}");
}

#[test]
fn undo_to_value_outside_guard_warns() {
    let bench = Bench::new();
    let narrow = GUARD.replace("3.60", "3.45");
    let run = bench.apply(&format!("{narrow}bulk_voltage: 55.0 V\nfloat_voltage: 54.0 V\n"), &[]);
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    assert!(seen.contains("warning: an old value is outside the battery guard"), "{seen}");
    assert_eq!(bench.settings()[1].bulk_voltage.unwrap().to_string(), "56.4 V");
}

#[test]
fn undo_to_currents_above_bank_limit_warns() {
    let bench = Bench::new();
    for (unit, switch) in ["max-charge=80", "max-charge=60"].into_iter().enumerate() {
        bench.pair.bank.with(|bank| bank.switch(unit, switch)).unwrap();
    }
    let before = bench.settings();
    let limited = GUARD.replace('}', ", max_bank_charge_current: 100 A}");
    let run = bench.apply(&format!("{limited}max_charge_current: 40 A\n"), &[]);
    assert_ne!(bench.settings(), before);
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    assert!(seen.contains("warning: an old value is outside the battery guard: bank:"), "{seen}");
    assert!(seen.contains("140 A, above"), "{seen}");
    assert_eq!(bench.settings(), before);
}

#[test]
fn guard_in_foreign_journal_is_not_trusted() {
    let bench = Bench::new();
    let before = bench.settings();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    let elsewhere = pair::Folder::new();
    let journal = bench.pair.folder.0.join(format!("{run}.journal"));
    let copy = elsewhere.file("foreign.journal", &fs::read_to_string(&journal).unwrap());
    bench.restored(&["--forget", &run], 0);
    let received = bench.pair.received();
    let [first, second] = bench.pair.addresses();
    let foreign = [&["--foreign", &*copy, &first, &second][..], &UNDO].concat();
    let refused = bench.restored(&foreign, 2);
    assert!(refused.contains("requires a complete battery guard"), "{refused}");
    assert!(refused.contains("--no-battery-guard"), "{refused}");
    assert_eq!(bench.pair.received(), received);
    bench.restored(&[&foreign[..], &["--no-battery-guard"]].concat(), 0);
    assert_eq!(bench.settings(), before);
}
