//! Open runs, runs of other users, and the files of runs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod pair;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    process::{ChildStderr, Command, Output, Stdio},
};

use pair::{BOTH, FAST, Folder, Pair, Running, SERIALS};

const BACKLIGHT: &str = "backlight: off\n";

/// Starts an apply and returns when it waits for confirmation.
fn waiting(pair: &Pair) -> (Running, BufReader<ChildStderr>) {
    let (child, stderr, _) = waiting_on(pair, BACKLIGHT);
    (child, stderr)
}

/// Starts an apply of a profile and returns when it waits for confirmation, with the name of the run.
fn waiting_on(pair: &Pair, profile: &str) -> (Running, BufReader<ChildStderr>, String) {
    let profile = pair.folder.file("waiting.yaml", profile);
    let [first, second] = pair.addresses();
    let options = ["--yes-serial", BOTH, "--confirm-within", "10m"];
    let arguments = [&[&*profile, &first, &second][..], &options, &FAST].concat();
    let mut command = pair.command("apply", &arguments);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = Running(child.unwrap());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("lvx confirm") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "lvx apply has ended");
    }
    let run = line.split_whitespace().last().unwrap().to_owned();
    (child, stderr, run)
}

/// Returns the command with another state folder.
fn elsewhere(mut command: Command, folder: &Folder) -> Command {
    command.env("LVX_STATE_DIR", &folder.0);
    command
}

#[test]
fn run_in_another_state_folder_blocks_while_running_and_after_kill() {
    let pair = Pair::new();
    let other = Folder::new();
    let (mut child, _stderr) = waiting(&pair);
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
    // While the run waits, other programs can query the units, but not write.
    // It closes its links soon after it has printed that it waits: until then, the unit is in use.
    let query = || pair.command("query", &["GS", &first]).output().unwrap();
    let is_in_use = |output: &Output| pair.seen(output).contains("is in use by");
    let asked = (0..10).map(|_| query()).find(|output| !is_in_use(output)).unwrap();
    assert_eq!(asked.status.code(), Some(0), "{}", pair.seen(&asked));
    for (options, expected) in [(&[][..], 1), (&["--yes-serial", BOTH], 4)] {
        let (status, seen) = apply(options);
        assert_eq!(status, expected, "{seen}");
        assert!(seen.contains("on unit 96132206100410 is in progress"), "{seen}");
        assert!(seen.contains("`lvx confirm` keeps its writes"), "{seen}");
    }
    // The JSON contains the reason, too.
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
        assert!(seen.contains("was not confirmed, and its program has exited"), "{seen}");
        assert!(seen.contains("or undo them: lvx restore --state-dir FOLDER TIME"), "{seen}");
    }
    assert_eq!(pair.received(), received);
    let restored = pair.command("restore", &["--forget"]).output().unwrap();
    assert_eq!(restored.status.code(), Some(0), "{}", pair.seen(&restored));
    let (status, seen) = apply(&["--yes-serial", BOTH]);
    assert_eq!(status, 0, "{seen}");
}

#[test]
fn run_of_another_user_blocks_unless_ignored() {
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
    assert!(seen.contains("a run of uid 12345 on unit 96132206100411 is not finished"), "{seen}");
    assert!(seen.contains("--ignore-runs-of 12345"), "{seen}");
    assert!(!seen.contains('\u{1b}'), "{seen}");
    // A run in progress, or an entry that its user keeps locked, can also be ignored.
    let locked = fs::File::open(&entry).unwrap();
    locked.lock().unwrap();
    let refused = pair.lvx("apply", &profile, &consent);
    let seen = pair.seen(&refused);
    assert!(seen.contains("uid 12345 on unit 96132206100411 is in progress"), "{seen}");
    assert!(seen.contains("--ignore-runs-of 12345") && !seen.contains("lvx confirm"), "{seen}");
    drop(locked);
    let ignoring = [&consent[..], &["--ignore-runs-of", "12345"]].concat();
    assert_eq!(pair.lvx("apply", &profile, &ignoring).status.code(), Some(0));
    // An entry of a run that did not start to write does not block.
    fs::write(&entry, head).unwrap();
    let profile = pair.folder.file("again.yaml", "backlight: on\n");
    let applied = pair.lvx("apply", &profile, &consent);
    assert_eq!(applied.status.code(), Some(0), "{}", pair.seen(&applied));
}

#[test]
fn runs_dir_variable_is_ignored_under_sudo() {
    let pair = Pair::new();
    let mut command = pair.command("restore", &[]);
    let output = command.env("SUDO_UID", "1000").output().unwrap();
    let seen = pair.seen(&output);
    assert!(seen.contains("no open run was found") && !seen.contains(", runs"), "{seen}");
    assert!(seen.contains("/var/tmp"), "{seen}");
}

#[test]
fn run_files_are_private_and_audit_lines_have_time_and_result() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", BACKLIGHT);
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    pair.lvx("apply", &profile, &consent);
    for ending in [".journal", "audit.jsonl", "410.yaml"] {
        let file = pair.folder.ending_with(ending).remove(0);
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
    // The second unit accepts the command without changing the setting.
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

/// Covers a malicious user's folder that root uses with `sudo -E lvx`.
#[test]
fn links_and_pipes_in_state_folder_are_not_followed() {
    let pair = Pair::new();
    let precious = pair.folder.file("precious", "keep me");
    symlink(&precious, pair.folder.0.join("audit.jsonl")).unwrap();
    let profile = pair.folder.file("bank.yaml", BACKLIGHT);
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    let applied = pair.lvx("apply", &profile, &consent);
    assert_eq!(applied.status.code(), Some(0), "{}", pair.seen(&applied));
    assert!(pair.seen(&applied).contains("a write was not recorded"), "{}", pair.seen(&applied));
    let (mut child, _stderr, run) = waiting_on(&pair, "backlight: on\n");
    symlink(&precious, pair.folder.0.join(format!("{run}.confirmed"))).unwrap();
    // The link counts as confirmation, and its target is not changed.
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
fn missing_or_writable_journal_blocks_apply() {
    use std::os::unix::fs::PermissionsExt;

    let pair = Pair::new();
    let (mut child, _stderr, run) = waiting_on(&pair, BACKLIGHT);
    let profile = pair.folder.file("other.yaml", "backlight: on\n");
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    let refused_restore = pair.command("restore", &["--undo"]).output().unwrap();
    assert!(
        pair.seen(&refused_restore)
            .contains("if this run waits for confirmation, `lvx confirm` keeps"),
        "{}",
        pair.seen(&refused_restore)
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let received = pair.received();
    let journal = pair.folder.0.join(format!("{run}.journal"));
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o666)).unwrap();
    let refused =
        pair.command("restore", &[&run, "--undo", "--yes-serial", BOTH]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(pair.seen(&refused).contains("other users can write to it"), "{}", pair.seen(&refused));
    fs::remove_file(journal).unwrap();
    let refused = pair.lvx("apply", &profile, &consent);
    assert_eq!(refused.status.code(), Some(4), "{}", pair.seen(&refused));
    assert!(pair.seen(&refused).contains("its journal is missing"), "{}", pair.seen(&refused));
    assert_eq!(pair.received(), received);
}

#[test]
fn state_folder_of_another_user_is_refused() {
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
    assert!(seen.contains("expected owner root (uid 0), found uid 12345"), "{seen}");
    // As with `sudo -E`: nothing is created below a folder that its owner can replace.
    let (status, seen) = with_env("HOME", &home.0);
    assert_eq!(status, Some(2), "{seen}");
    assert!(seen.contains("can be changed by uid 12345, who can replace"), "{seen}");
    assert_eq!((pair.received(), fs::read_dir(&home.0).unwrap().count()), (0, 1));
}
