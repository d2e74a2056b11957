//! The way back from a run: undone, finished, forgotten, as a whole or one unit of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![cfg(unix)]

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

struct Bench {
    pair: Pair,
}

impl Bench {
    fn new() -> Self {
        Self { pair: Pair::new() }
    }

    /// Applies a profile to both units, and returns the run's name.
    fn apply(&self, profile: &str, options: &[&str]) -> String {
        let profile = self.pair.folder.file("wanted.yaml", profile);
        let before = self.runs();
        let options = [&["--yes-serial", BOTH][..], options, &FAST].concat();
        let applied = self.pair.lvx("apply", &profile, &options);
        assert_eq!(applied.status.code(), Some(0), "{}", self.pair.seen(&applied));
        self.runs().into_iter().find(|run| !before.contains(run)).unwrap()
    }

    /// Applies a profile, and kills the program while it waits to be confirmed.
    fn leave(&self, profile: &str, options: &[&str]) -> String {
        let profile = self.pair.folder.file("wanted.yaml", profile);
        let [first, second] = self.pair.addresses();
        let waits = ["--yes-serial", BOTH, "--confirm-within", "10m"];
        let arguments = [&[&*profile, &first, &second][..], &waits, options, &FAST].concat();
        let mut command = self.pair.command("apply", &arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = Running(child.unwrap());
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("lvx confirm") {
            line.clear();
            assert_ne!(told.read_line(&mut line).unwrap(), 0, "it ended");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    }

    fn runs(&self) -> Vec<String> {
        let journals = self.pair.folder.ending_with(".journal");
        let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<_> = journals.iter().map(name).collect();
        names.sort();
        names
    }

    fn restore(&self, arguments: &[&str]) -> (Output, String) {
        let output = self.pair.command("restore", arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let seen = text(&output.stdout) + &text(&output.stderr);
        (output, seen)
    }

    #[track_caller]
    fn restored(&self, arguments: &[&str], status: i32) -> String {
        let arguments = [arguments, &FAST].concat();
        let (output, seen) = self.restore(&arguments);
        assert_eq!(output.status.code(), Some(status), "{seen}");
        seen
    }

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
fn a_finished_run_is_undone_with_its_installation_settings() {
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
    // The undo is a run itself, and can be undone.
    let undo = bench.runs().into_iter().find(|name| *name != run).unwrap();
    assert!(bench.runs_listed(&[]).contains(&format!("undoes {run}")));
    bench.restored(&[&[&*undo][..], &UNDO, &allowed].concat(), 0);
    assert_eq!(bench.settings()[0].bulk_voltage.unwrap().to_string(), "56.0 V");
}

#[test]
fn a_later_run_on_the_same_settings_is_undone_first() {
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
        listed.contains(&format!("{open}  was not confirmed; its program is gone")),
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
    assert_eq!(bench.runs().len(), 2, "they are not old");
    bench.runs_listed(&["prune", "--older-than", "0"]);
    assert_eq!(bench.runs(), [open]);
    assert_eq!(bench.pair.folder.ending_with(".yaml").len(), 3, "saved settings of the open run");
}

#[test]
fn one_unit_is_restored_while_the_other_is_away() {
    let mut bench = Bench::new();
    let before = bench.settings();
    let run = bench.leave("backlight: off\noutput_priority: solar_utility_battery\n", &[]);
    let [first, second] = bench.pair.addresses();
    drop(bench.pair.served.pop());
    let away = bench.restored(&[&[&*run][..], &UNDO].concat(), 3);
    assert!(away.contains(&format!("lvx restore {run} UNIT…")), "{away}");
    let one = bench.restored(&[&run, &first, "--undo", "--yes-serial", SERIALS[0]], 0);
    assert!(one.contains("the other units of the run are left to be restored"), "{one}");
    assert_eq!(bench.pair.settings(0), before[0]);
    assert_ne!(bench.pair.settings(1), before[1]);
    let journal = fs::read_to_string(bench.pair.folder.0.join(format!("{run}.journal"))).unwrap();
    assert!(!journal.contains("\"ended\""), "it is still open: {journal}");
    let back = pi18_transport::sim::serve_pty(&bench.pair.bank, 1).unwrap();
    let address = format!("serial:{}", back.path());
    bench.pair.served.push(back);
    bench.restored(&[&run, &address, "--undo", "--yes-serial", SERIALS[1]], 0);
    assert_eq!(bench.settings(), before);
    let left = bench.restored(&[], 0);
    assert!(left.contains("no run was left"), "{left}");
    assert_ne!(second, "");
}

#[test]
fn finished_run_is_undone_one_unit_after_the_other() {
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
    assert!(listed.contains("nothing is left to be undone"), "{listed}");
    bench.restored(&[&run, "--undo"], 0);
}

#[test]
fn rest_of_a_finished_run_is_undone_without_naming_its_unit() {
    let mut bench = Bench::new();
    let before = bench.settings();
    let run = bench.apply("backlight: off\n", &[]);
    let [first, _] = bench.pair.addresses();
    bench.restored(&[&run, &first, "--undo", "--yes-serial", SERIALS[0]], 0);
    // The unit that is undone already need not be there.
    bench.pair.served.swap(0, 1);
    drop(bench.pair.served.pop());
    bench.restored(&[&run, "--undo", "--yes-serial", SERIALS[1]], 0);
    assert_eq!(bench.settings(), before);
}

#[test]
fn undo_of_an_unproved_write_is_listed_although_the_unit_shows_the_old_value() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    // As if it had been stopped with its last write on the way, and the unit did not show it yet.
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
    assert!(!dry.contains("nothing is left to be written"), "{dry}");
    assert!(dry.contains(&format!("written in any case: {}", SERIALS[1])), "{dry}");
    assert!(dry.contains("it is not known whether an earlier write has taken effect"), "{dry}");
    assert_eq!(dry.matches("written in any case").count(), 1, "{dry}");
    assert_eq!(bench.pair.received(), received);
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    assert_eq!(bench.pair.received(), received + 1, "{seen}");
}

#[test]
fn unit_that_may_have_got_a_stray_command_is_listed_and_gets_back_what_it_had() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    // As if the command for the first unit had reached the second one, and the run had ended there.
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
        "written in any case: {} bulk_voltage 56.4 V, float_voltage 54.0 V: it is not known whether it \
         got a command meant for another unit",
        SERIALS[1]
    );
    assert!(dry.contains(&line), "{dry}");
    bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    for unit in 0..2 {
        assert_eq!(bench.pair.settings(unit).bulk_voltage, Some(pi18_proto::Decivolts(564)));
    }
}

#[test]
fn progress_of_an_undo_names_only_what_is_put_back() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    // Somebody changed it since: the planned value is not what the unit had.
    bench.pair.bank.with(|bank| bank.switch(0, "bulk=55.8")).unwrap();
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    let lines: Vec<_> = seen.lines().filter(|line| line.starts_with("put back")).collect();
    assert_eq!(lines.len(), 2, "{seen}");
    assert!(lines.iter().all(|line| line.contains("bulk_voltage 56.4 V")), "{seen}");
    assert!(lines.iter().all(|line| !line.contains("->")), "{seen}");
}

#[test]
fn unit_in_the_place_of_the_run_is_named_as_such() {
    let bench = Bench::new();
    for unit in ["tcp:192.0.2.1:4001", "/dev/ttyUSB0", "sn:96132206100410"] {
        let seen = bench.restored(&["--undo", unit], 2);
        assert!(seen.contains(&format!("lvx restore RUN {unit}")), "{seen}");
    }
    let seen = bench.restored(&["--undo", "20260101-000000"], 2);
    assert!(seen.contains("no run 20260101-000000"), "{seen}");
}

#[test]
fn prune_removes_runs_of_the_named_folder_only() {
    let bench = Bench::new();
    let run = bench.apply("backlight: off\n", &[]);
    // The usual state folder of this user, beside the one that is named.
    let usual = bench.pair.folder.0.join(".local/state/lvx");
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(&usual).unwrap();
    let other = usual.join("20260101-000000.journal");
    fs::copy(bench.pair.folder.0.join(format!("{run}.journal")), &other).unwrap();
    let dry = bench.runs_listed(&["prune", "--older-than", "0", "--dry-run"]);
    assert!(dry.contains(&run) && !dry.contains("20260101-000000"), "{dry}");
    let folder = bench.pair.folder.0.to_str().unwrap();
    let named = ["prune", "--older-than", "0", "--state-dir", folder];
    bench.runs_listed(&named);
    assert!(bench.runs().is_empty() && other.exists());
}

#[test]
fn a_change_by_somebody_else_is_shown_before_anything_is_written() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    bench.pair.bank.with(|bank| bank.switch(1, "float=53.0")).unwrap();
    let received = bench.pair.received();
    let seen = bench.restored(&[&run], 1);
    assert!(
        seen.contains("left alone:\n  float_voltage              now 53.0 V, before 54.0 V"),
        "{seen}"
    );
    assert_eq!(bench.pair.received(), received);
}

#[test]
fn finishing_checks_first_what_would_fail_and_names_the_way_out() {
    let bench = Bench::new();
    let run = bench.leave("machine_type: grid_tie\n", &["--allow-installation", "machine_type"]);
    let received = bench.pair.received();
    let finish = ["--finish", "--yes-serial", BOTH];
    let seen = bench.restored(&[&[&*run][..], &finish].concat(), 4);
    assert!(seen.contains("--finish would fail:"), "{seen}");
    assert!(seen.contains("--allow-installation machine_type"), "{seen}");
    assert!(seen.contains("--forget leaves everything as it is"), "{seen}");
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 2);
    assert!(seen.contains("the undo writes machine_type"), "{seen}");
    assert_eq!(bench.pair.received(), received);
    let allowed = ["--allow-installation", "machine_type"];
    bench.restored(&[&[&*run][..], &finish, &allowed].concat(), 0);
}

#[test]
fn an_edited_journal_is_compared_with_the_saved_settings() {
    let bench = Bench::new();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    let path = bench.pair.folder.0.join(format!("{run}.journal"));
    let journal = fs::read_to_string(&path).unwrap();
    // The float voltage that it claims to have been there before, in every place.
    let forged = journal
        .replace("\"float_voltage\":54.0", "\"float_voltage\":58.4")
        .replace("54.0 V", "58.4 V");
    assert_ne!(forged, journal);
    fs::write(&path, forged).unwrap();
    let received = bench.pair.received();
    let (output, seen) = bench.restore(&[&[&*run][..], &UNDO, &FAST].concat());
    assert_eq!(output.status.code(), Some(2), "{seen}");
    assert!(seen.contains("float_voltage was 54.0 V"), "{seen}");
    assert!(seen.contains("--foreign"), "{seen}");
    assert_eq!(bench.pair.received(), received);
}

#[test]
fn an_installation_setting_that_a_journal_makes_up_is_found() {
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
    assert!(refused.contains("machine_type was off_grid"), "{refused}");
}

#[test]
fn a_journal_from_elsewhere_is_held_against_every_check() {
    let bench = Bench::new();
    let run = bench.leave("machine_type: grid_tie\n", &["--allow-installation", "machine_type"]);
    let elsewhere = pair::Folder::new();
    let journal = bench.pair.folder.0.join(format!("{run}.journal"));
    let copy = elsewhere.file("theirs.journal", &fs::read_to_string(&journal).unwrap());
    bench.restored(&["--forget", &run], 0);
    let received = bench.pair.received();
    let refused = bench.restored(&[&[&*copy][..], &UNDO].concat(), 2);
    assert!(refused.contains("not in a state folder of yours"), "{refused}");
    let foreign = [&["--foreign", &*copy][..], &UNDO].concat();
    let refused = bench.restored(&foreign, 2);
    assert!(refused.contains("the addresses in a foreign journal are not used"), "{refused}");
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
fn a_write_that_a_stopped_run_announced_is_noted_when_it_is_restored() {
    let bench = Bench::new();
    let run = bench.leave("backlight: off\n", &[]);
    // As if it had been stopped with its last write on the way.
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
fn an_old_value_outside_the_guard_is_warned_of_and_comes_back() {
    let bench = Bench::new();
    let narrow = GUARD.replace("3.60", "3.45");
    let run = bench.apply(&format!("{narrow}bulk_voltage: 55.0 V\nfloat_voltage: 54.0 V\n"), &[]);
    let seen = bench.restored(&[&[&*run][..], &UNDO].concat(), 0);
    assert!(seen.contains("warning: an old value is outside the battery guard"), "{seen}");
    assert_eq!(bench.settings()[1].bulk_voltage.unwrap().to_string(), "56.4 V");
}

#[test]
fn old_currents_above_the_bank_limit_are_warned_of_and_come_back() {
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
fn guard_in_a_foreign_journal_permits_no_charge_voltages() {
    let bench = Bench::new();
    let before = bench.settings();
    let run = bench.leave(&format!("{GUARD}bulk_voltage: 56.0 V\n"), &[]);
    let elsewhere = pair::Folder::new();
    let journal = bench.pair.folder.0.join(format!("{run}.journal"));
    let copy = elsewhere.file("theirs.journal", &fs::read_to_string(&journal).unwrap());
    bench.restored(&["--forget", &run], 0);
    let received = bench.pair.received();
    let [first, second] = bench.pair.addresses();
    let foreign = [&["--foreign", &*copy, &first, &second][..], &UNDO].concat();
    let refused = bench.restored(&foreign, 2);
    assert!(refused.contains("without a complete battery guard"), "{refused}");
    assert!(refused.contains("--no-battery-guard"), "{refused}");
    assert_eq!(bench.pair.received(), received);
    bench.restored(&[&foreign[..], &["--no-battery-guard"]].concat(), 0);
    assert_eq!(bench.settings(), before);
}
