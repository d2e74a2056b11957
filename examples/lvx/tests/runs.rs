//! Runs that were left, runs of others, and the files that runs are kept in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod pair;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    process::{ChildStderr, Command, Stdio},
};

use pair::{BOTH, FAST, Folder, Pair, Running, SERIALS};

const BACKLIGHT: &str = "backlight: off\n";

/// Starts an apply that waits for its confirmation, and returns once it does.
fn waiting(pair: &Pair) -> (Running, BufReader<ChildStderr>) {
    let (child, told, _) = waiting_on(pair, BACKLIGHT);
    (child, told)
}

/// The same for this profile; returns the run's name as well.
fn waiting_on(pair: &Pair, profile: &str) -> (Running, BufReader<ChildStderr>, String) {
    let profile = pair.folder.file("waiting.yaml", profile);
    let [first, second] = pair.addresses();
    let options = ["--yes-serial", BOTH, "--confirm-within", "10m"];
    let arguments = [&[&*profile, &first, &second][..], &options, &FAST].concat();
    let mut command = pair.command("apply", &arguments);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = Running(child.unwrap());
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("lvx confirm") {
        line.clear();
        assert_ne!(told.read_line(&mut line).unwrap(), 0, "it ended");
    }
    let run = line.split_whitespace().last().unwrap().to_owned();
    (child, told, run)
}

/// The same command as a user who has another state folder.
fn elsewhere(mut command: Command, folder: &Folder) -> Command {
    command.env("LVX_STATE_DIR", &folder.0);
    command
}

#[test]
fn a_run_in_another_state_folder_is_in_the_way_at_work_and_when_it_was_left() {
    let pair = Pair::new();
    let other = Folder::new();
    let (mut child, _told) = waiting(&pair);
    let received = pair.received();
    let profile = pair.folder.file("other.yaml", "output_priority: solar_utility_battery\n");
    let [first, second] = pair.addresses();
    let apply = |options: &[&str]| {
        let arguments = [&[&*profile, &first, &second][..], options, &FAST].concat();
        let mut command = elsewhere(pair.command("apply", &arguments), &other);
        let output = command.output().unwrap();
        let seen = pair.seen(&output);
        (output.status.code().unwrap(), seen.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    // While it waits, its links are free and the units can be asked; nothing else is written.
    let asked = pair.command("query", &["GS", &first]).output().unwrap();
    assert_eq!(asked.status.code(), Some(0), "{}", pair.seen(&asked));
    for (options, expected) in [(&[][..], 1), (&["--yes-serial", BOTH], 4)] {
        let (status, seen) = apply(options);
        assert_eq!(status, expected, "{seen}");
        assert!(seen.contains("is at work on unit 96132206100410"), "{seen}");
        assert!(seen.contains("`lvx confirm` keeps what it wrote"), "{seen}");
    }
    // The JSON has the reason, too.
    let json = ["--format", "json", "--yes-serial", BOTH];
    let arguments = [&[&*profile, &first, &second][..], &json, &FAST].concat();
    let refused = elsewhere(pair.command("apply", &arguments), &other).output().unwrap();
    assert_eq!(refused.status.code(), Some(4));
    let shown: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(shown["obstacles"][0]["kind"], "present_state", "{shown}");
    child.kill().unwrap();
    child.wait().unwrap();
    for (options, expected) in [(&[][..], 1), (&["--yes-serial", BOTH], 4)] {
        let (status, seen) = apply(options);
        assert_eq!(status, expected, "{seen}");
        assert!(seen.contains("was not confirmed, and its program is gone"), "{seen}");
        assert!(seen.contains("lvx restore --state-dir FOLDER TIME undoes it"), "{seen}");
    }
    assert_eq!(pair.received(), received);
    let restored = pair.command("restore", &["--forget"]).output().unwrap();
    assert_eq!(restored.status.code(), Some(0), "{}", pair.seen(&restored));
    let (status, seen) = apply(&["--yes-serial", BOTH]);
    assert_eq!(status, 0, "{seen}");
}

#[test]
fn the_run_of_another_user_is_in_the_way_unless_it_is_passed_over_by_name() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", BACKLIGHT);
    let entry = pair.folder.0.join("runs/lvx-run-12345-20260101-000000.json");
    let head = format!(
        "{{\"format\":\"lvx-run-1\",\"journal\":\"/x\\u001b[31m.journal\",\"units\":[\"{}\"]}}\n",
        SERIALS[1]
    );
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    fs::write(&entry, format!("{head}begun\n")).unwrap();
    std::os::unix::fs::chown(&entry, Some(12345), None).unwrap();
    let refused = pair.lvx("apply", &profile, &consent);
    let seen = pair.seen(&refused);
    assert_eq!((refused.status.code(), pair.received()), (Some(4), 0), "{seen}");
    assert!(seen.contains("a run of uid 12345 on unit 96132206100411 did not"), "{seen}");
    assert!(seen.contains("--ignore-runs-of 12345"), "{seen}");
    assert!(!seen.contains('\u{1b}'), "{seen}");
    // One that is at work, or is only locked by its user, can be passed over as well.
    let locked = fs::File::open(&entry).unwrap();
    locked.lock().unwrap();
    let refused = pair.lvx("apply", &profile, &consent);
    let seen = pair.seen(&refused);
    assert!(seen.contains("uid 12345 is at work on unit 96132206100411"), "{seen}");
    assert!(seen.contains("--ignore-runs-of 12345") && !seen.contains("lvx confirm"), "{seen}");
    drop(locked);
    let passed = [&consent[..], &["--ignore-runs-of", "12345"]].concat();
    assert_eq!(pair.lvx("apply", &profile, &passed).status.code(), Some(0));
    // A run without a write blocks no other run.
    fs::write(&entry, head).unwrap();
    let profile = pair.folder.file("again.yaml", "backlight: on\n");
    let applied = pair.lvx("apply", &profile, &consent);
    assert_eq!(applied.status.code(), Some(0), "{}", pair.seen(&applied));
}

#[test]
fn the_environment_under_sudo_does_not_choose_where_runs_are_looked_for() {
    let pair = Pair::new();
    let mut command = pair.command("restore", &[]);
    let output = command.env("SUDO_UID", "1000").output().unwrap();
    let seen = pair.seen(&output);
    assert!(seen.contains("no run was left") && !seen.contains(", runs"), "{seen}");
    assert!(seen.contains("/var/tmp"), "{seen}");
}

#[test]
fn files_of_runs_are_private_and_audit_lines_say_when_and_whether_it_was_proved() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", BACKLIGHT);
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    pair.lvx("apply", &profile, &consent);
    for ending in [".journal", "audit.jsonl", "410.yaml"] {
        let file = pair.folder.ending_with(ending).remove(0);
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
    // The second unit accepts and does not take it.
    pair.bank.with(|bank| bank.switch(1, "ignore=1")).unwrap();
    let profile = pair.folder.file("on.yaml", "backlight: on\n");
    pair.lvx("apply", &profile, &consent);
    let audit = fs::read_to_string(pair.folder.0.join("audit.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let proved: Vec<_> = lines.iter().map(|line| line["proved"].as_bool().unwrap()).collect();
    assert_eq!(proved[..4], [true, true, true, false], "{audit}");
    for line in &lines {
        let at = line["at"].as_str().unwrap();
        assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at} has no zone");
    }
    assert!(fs::read_dir(pair.folder.0.join("runs")).unwrap().next().is_none());
}

/// What root's `sudo -E lvx` finds in the folder of a malicious user.
#[test]
fn links_and_pipes_in_a_state_folder_are_not_followed() {
    let pair = Pair::new();
    let precious = pair.folder.file("precious", "keep me");
    symlink(&precious, pair.folder.0.join("audit.jsonl")).unwrap();
    let profile = pair.folder.file("bank.yaml", BACKLIGHT);
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    let applied = pair.lvx("apply", &profile, &consent);
    assert_eq!(applied.status.code(), Some(0), "{}", pair.seen(&applied));
    assert!(pair.seen(&applied).contains("a write was not noted"), "{}", pair.seen(&applied));
    let (mut child, _told, run) = waiting_on(&pair, "backlight: on\n");
    symlink(&precious, pair.folder.0.join(format!("{run}.confirmed"))).unwrap();
    // Whoever put a link there has confirmed; what it leads to is left alone.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "keep me");
    let pipe = pair.folder.0.join("20260101-000000.journal");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let restored = pair.command("restore", &["20260101-000000"]).output().unwrap();
    assert_eq!(restored.status.code(), Some(2));
    assert!(pair.seen(&restored).contains("expected a regular file"), "{}", pair.seen(&restored));
}

#[test]
fn a_run_whose_journal_is_gone_or_open_to_others_is_in_the_way() {
    use std::os::unix::fs::PermissionsExt;

    let pair = Pair::new();
    let (mut child, _told, run) = waiting_on(&pair, BACKLIGHT);
    let profile = pair.folder.file("other.yaml", "backlight: on\n");
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    let at_work = pair.command("restore", &["--undo"]).output().unwrap();
    assert!(
        pair.seen(&at_work).contains("`lvx confirm` keeps what waits"),
        "{}",
        pair.seen(&at_work)
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let received = pair.received();
    let journal = pair.folder.0.join(format!("{run}.journal"));
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o666)).unwrap();
    let refused =
        pair.command("restore", &[&run, "--undo", "--yes-serial", BOTH]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(pair.seen(&refused).contains("others can write to it"), "{}", pair.seen(&refused));
    fs::remove_file(journal).unwrap();
    let refused = pair.lvx("apply", &profile, &consent);
    assert_eq!(refused.status.code(), Some(4), "{}", pair.seen(&refused));
    assert!(pair.seen(&refused).contains("its journal is gone"), "{}", pair.seen(&refused));
    assert_eq!(pair.received(), received);
}

#[test]
fn the_folder_of_another_user_is_not_used() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let pair = Pair::new();
    let home = Folder::new();
    std::os::unix::fs::chown(&home.0, Some(12345), None).unwrap();
    let profile = pair.folder.file("bank.yaml", BACKLIGHT);
    let [first, second] = pair.addresses();
    let arguments = [&[&*profile, &first, &second, "--yes-serial", BOTH][..], &FAST].concat();
    let with_env = |name: &str, value: &Path| {
        let mut command = pair.command("apply", &arguments);
        command.env_remove("LVX_STATE_DIR").env(name, value);
        let output = command.output().unwrap();
        (output.status.code(), pair.seen(&output))
    };
    let (status, seen) = with_env("LVX_STATE_DIR", &home.0);
    assert_eq!(status, Some(2), "{seen}");
    assert!(seen.contains("it belongs to uid 12345, expected root (uid 0)"), "{seen}");
    // As `sudo -E` does it: nothing is made below a folder that its owner can exchange.
    let (status, seen) = with_env("HOME", &home.0);
    assert_eq!(status, Some(2), "{seen}");
    assert!(seen.contains("belongs to uid 12345, who could exchange"), "{seen}");
    assert_eq!((pair.received(), fs::read_dir(&home.0).unwrap().count()), (0, 1));
}
