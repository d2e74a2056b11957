//! Commands that write settings: consent, verification, undo, and recovery after `kill -9`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod pair;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use lvx_settings::Settings;
use pair::{BOTH, FAST, Pair, Running, SERIALS};

const PROFILE: &str = "\
battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.60 V, min_cell_voltage: 2.80 V}
bulk_voltage: 56.0 V
float_voltage: 53.5 V
stop_charge_voltage: 53 V
output_priority: solar_utility_battery
backlight: off
";

#[test]
fn apply_without_consent_writes_nothing() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", PROFILE);
    let plan = pair.folder.0.join("plan.json");
    let plan = plan.to_str().unwrap();
    let before = [pair.settings(0), pair.settings(1)];
    let [first, second] = pair.addresses();
    let mut outputs = vec![
        pair.lvx("diff", &profile, &[]),
        pair.command("validate", &[&profile, "--for", &first]).output().unwrap(),
        pair.lvx("apply", &profile, &["--save-plan", plan]),
        pair.lvx("apply", plan, &[]),
        pair.command("apply", &[plan]).output().unwrap(),
        pair.lvx("apply", &profile, &["--confirm"]),
        pair.lvx("apply", &profile, &["--yes-serial", SERIALS[0]]),
        pair.lvx("apply", &profile, &["--yes-serial", "96132206100410,96132206100499"]),
        pair.lvx("apply", &profile, &["--yes-serial", BOTH, "--confirm"]),
        pair.command("profile", &["init", &second]).output().unwrap(),
        pair.command("restore", &[]).output().unwrap(),
        pair.command("confirm", &[]).output().unwrap(),
    ];
    assert_eq!(pair.received(), 0);
    assert_eq!(before, [pair.settings(0), pair.settings(1)]);
    // The profile has a snapshot in the tests of the examples.
    outputs.remove(9);
    let outputs: Vec<_> = outputs.iter().map(|output| pair.seen(output)).collect();
    insta::assert_snapshot!(outputs.join("\n\n"));
}

#[test]
fn apply_writes_and_verifies_once() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", PROFILE);
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    let applied = pair.lvx("apply", &profile, &consent);
    insta::assert_snapshot!(pair.seen(&applied));
    assert_eq!(pair.received(), 8);
    assert_eq!(pair.lvx("diff", &profile, &[]).status.code(), Some(0));
    let again = pair.lvx("apply", &profile, &consent);
    insta::assert_snapshot!(pair.seen(&again));
    assert_eq!(pair.received(), 8);
    let audit = fs::read_to_string(pair.folder.0.join("audit.jsonl")).unwrap();
    assert_eq!(audit.lines().count(), 8);
    for line in audit.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["outcome"], "accepted");
    }
    // The saved settings are a profile that restores the unit.
    for (unit, serial) in SERIALS.into_iter().enumerate() {
        let saved = pair.folder.ending_with(&format!("-{serial}.yaml")).remove(0);
        let saved = saved.to_str().unwrap();
        let address = &pair.addresses()[unit];
        let arguments =
            [&[saved, address, "--one-unit", "--yes-serial", serial][..], &FAST].concat();
        let back = pair.command("apply", &arguments).output().unwrap();
        assert_eq!(back.status.code(), Some(0), "{}", pair.seen(&back));
        let bulk = pair.settings(unit).bulk_voltage.unwrap();
        assert_eq!(bulk.to_string(), "56.4 V");
    }
}

#[test]
fn set_writes_and_journals_like_apply() {
    let pair = Pair::new();
    let consent = [&["backlight=off", "--yes-serial", BOTH][..], &FAST].concat();
    let set = pair.lvx("set", "output_priority=solar_utility_battery", &consent);
    assert_eq!(set.status.code(), Some(0), "{}", pair.seen(&set));
    assert!(pair.seen(&set).contains("applied and verified: 4 writes"), "{}", pair.seen(&set));
    assert_eq!(pair.received(), 4);
    assert_eq!(pair.folder.ending_with(".journal").len(), 1);
}

#[test]
fn saved_plan_is_refused_after_a_change_of_the_unit() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", PROFILE);
    let plan = pair.folder.0.join("plan.json");
    let plan = plan.to_str().unwrap();
    pair.lvx("apply", &profile, &["--save-plan", plan]);
    pair.bank.with(|bank| bank.switch(1, "float=53.9")).unwrap();
    let consent = [&[plan, "--yes-serial", BOTH][..], &FAST].concat();
    let refused = pair.command("apply", &consent).output().unwrap();
    assert_eq!(pair.received(), 0);
    insta::assert_snapshot!(pair.seen(&refused));
    pair.bank.with(|bank| bank.switch(1, "float=54.0")).unwrap();
    let applied = pair.command("apply", &consent).output().unwrap();
    assert_eq!(applied.status.code(), Some(0), "{}", pair.seen(&applied));
}

#[test]
fn apply_planning_errors() {
    let pair = Pair::new();
    let outputs: Vec<_> = [
        ("max_charge_current: 100 A\noutput_mode: single\n", &[][..]),
        ("bulk_voltage: 53 V\n", &[]),
        ("output_mode: single\nmachine_type: grid_tie\n", &["--allow-installation", "output_mode"]),
        ("output_mode: single\n", &["--allow-installation", "output_mod"]),
        ("output_mode: single\n", &["--allow-installation", "bulk_voltage"]),
        ("bulk_voltge: 56.0 V\n", &[]),
        ("applies_to: {main_firmware: \"06440\"}\nbacklight: off\n", &[]),
        ("backlight: off\n", &["--confirm-within", "soon"]),
        ("{\"format\": \"lvx-plan-2\"}", &[]),
    ]
    .into_iter()
    .map(|(text, options)| {
        let profile = pair.folder.file("profile.yaml", text);
        pair.seen(&pair.lvx("apply", &profile, options))
    })
    .collect();
    insta::assert_snapshot!(outputs.join("\n\n"));
    assert_eq!(pair.received(), 0);
}

#[test]
fn confirm_on_a_terminal_asks_for_serial_numbers() {
    for (typed, status) in [
        ("0410\n0411\n", 0),
        ("96132206100410\n 96132206100411 \n", 0),
        ("0410\n0410\n", 2),
        ("0410\n96132206100410\n", 2),
        ("0410\n6100411\n", 2),
        ("0410\n\n", 2),
    ] {
        let pair = Pair::new();
        let profile = pair.folder.file("bank.yaml", PROFILE);
        let [first, second] = pair.addresses();
        let arguments = [&[&*profile, &first, &second, "--confirm"][..], &FAST].concat();
        let (terminal, end) = terminal();
        let mut child = pair
            .command("apply", &arguments)
            .stdin(end.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(end)
            .spawn()
            .unwrap();
        let mut typing = terminal.try_clone().unwrap();
        typing.write_all(typed.as_bytes()).unwrap();
        let seen = read_until_closed(terminal);
        assert_eq!(child.wait().unwrap().code(), Some(status), "{seen}");
        assert!(seen.contains("the last four digits of the serial number"), "{seen}");
        assert_eq!(pair.received() > 0, status == 0, "{seen}");
    }
}

/// Opens a pseudo-terminal. Returns its master and its slave side.
fn terminal() -> (fs::File, fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let end = fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (terminal.into(), end)
}

/// Reads a terminal until its slave side is closed.
fn read_until_closed(mut terminal: fs::File) -> String {
    let mut seen = Vec::new();
    let mut chunk = [0; 256];
    while let Ok(count) = terminal.read(&mut chunk) {
        if count == 0 {
            break;
        }
        seen.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// Starts an apply and returns when it waits for confirmation.
fn waiting(pair: &Pair, time: &str) -> (Running, BufReader<std::process::ChildStderr>) {
    let profile = pair.folder.file("bank.yaml", PROFILE);
    let [first, second] = pair.addresses();
    let options = ["--yes-serial", BOTH, "--confirm-within", time];
    let arguments = [&[&*profile, &first, &second][..], &options, &FAST].concat();
    started(&mut pair.command("apply", &arguments))
}

/// Starts a command and returns when it waits for confirmation.
fn started(apply: &mut Command) -> (Running, BufReader<std::process::ChildStderr>) {
    let child = apply.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Running(child);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("lvx confirm") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "lvx apply has ended");
    }
    (child, stderr)
}

#[test]
fn apply_without_confirmation_is_undone() {
    let pair = Pair::new();
    let before = pair.settings(0);
    let (mut child, _stderr) = waiting(&pair, "1s");
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(pair.settings(0), before);
}

#[test]
fn apply_with_confirmation_is_kept() {
    let pair = Pair::new();
    let before = pair.settings(0);
    let (mut child, _stderr) = waiting(&pair, "10m");
    let confirmed = pair.command("confirm", &[]).output().unwrap();
    insta::assert_snapshot!(pair.seen(&confirmed));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_ne!(pair.settings(0), before);
}

#[test]
fn killed_run_can_be_confirmed_or_undone() {
    for keep in [true, false] {
        let pair = Pair::new();
        let before = pair.settings(0);
        let (mut child, _stderr) = waiting(&pair, "10m");
        child.kill().unwrap();
        child.wait().unwrap();
        let ended = if keep {
            pair.command("confirm", &[]).output().unwrap()
        } else {
            let options = [&["--undo", "--yes-serial", BOTH][..], &FAST].concat();
            pair.command("restore", &options).output().unwrap()
        };
        assert_eq!(ended.status.code(), Some(0), "{}", pair.seen(&ended));
        assert_eq!(pair.settings(0) != before, keep);
        let left = pair.command("restore", &[]).output().unwrap();
        assert!(pair.seen(&left).contains("no open run was found"), "{}", pair.seen(&left));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn sighup_ignored_at_start_stays_ignored() {
    let pair = Pair::new();
    let before = pair.settings(0);
    let profile = pair.folder.file("bank.yaml", PROFILE);
    let [first, second] = pair.addresses();
    let options = ["--yes-serial", BOTH, "--confirm-within", "10m"];
    let arguments = [&[&*profile, &first, &second][..], &options, &FAST].concat();
    let apply = pair.command("apply", &arguments);
    // Ignores SIGHUP like nohup.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    shell.arg(apply.get_program()).args(apply.get_args()).env_remove("LVX_UNIT");
    shell.envs(apply.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let (mut child, _stderr) = started(shell.stdin(Stdio::null()));
    // SIGHUP must be ignored, not caught.
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let hang_up = |name: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & 1
    };
    assert_eq!((hang_up("SigIgn:"), hang_up("SigCgt:")), (1, 0));
    Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap();
    let confirmed = pair.command("confirm", &[]).output().unwrap();
    assert_eq!(confirmed.status.code(), Some(0), "{}", pair.seen(&confirmed));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_ne!(pair.settings(0), before);
}

#[test]
fn interrupt_undoes_all_writes() {
    let pair = Pair::new();
    let before = [pair.settings(0), pair.settings(1)];
    let (mut child, _stderr) = waiting(&pair, "10m");
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!([pair.settings(0), pair.settings(1)], before);
}

#[test]
fn open_run_blocks_the_next_until_closed() {
    let pair = Pair::new();
    let (mut child, _stderr) = waiting(&pair, "10m");
    child.kill().unwrap();
    child.wait().unwrap();
    let profile = pair.folder.file("other.yaml", "backlight: on\n");
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    let mut outputs =
        vec![pair.lvx("apply", &profile, &consent), pair.command("restore", &[]).output().unwrap()];
    let journal = pair.folder.ending_with(".journal").remove(0);
    let journal = journal.to_str().unwrap();
    outputs.push(pair.command("restore", &[journal, "--undo"]).output().unwrap());
    outputs.push(pair.command("restore", &[journal, "--forget"]).output().unwrap());
    outputs.push(pair.command("restore", &[journal]).output().unwrap());
    assert_eq!(pair.received(), 8);
    let outputs: Vec<_> = outputs.iter().map(|output| pair.seen(output)).collect();
    insta::assert_snapshot!(outputs.join("\n\n"));
    assert_eq!(pair.lvx("apply", &profile, &consent).status.code(), Some(0));
}

#[test]
fn saved_plan_needs_its_installation_permission_again() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", "machine_type: grid_tie\n");
    let plan = pair.folder.0.join("plan.json");
    let plan = plan.to_str().unwrap();
    let allowed = ["--allow-installation", "machine_type"];
    pair.lvx("apply", &profile, &[&allowed[..], &["--save-plan", plan]].concat());
    let consent = [&[plan, "--yes-serial", BOTH][..], &FAST].concat();
    let refused = pair.command("apply", &consent).output().unwrap();
    assert!(pair.seen(&refused).contains("allow it by name"), "{}", pair.seen(&refused));
    assert_eq!(pair.received(), 0);
    let applied = pair.command("apply", &[&consent[..], &allowed].concat()).output().unwrap();
    assert_eq!(applied.status.code(), Some(0), "{}", pair.seen(&applied));
}

#[test]
fn unreadable_journal_blocks_apply() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", PROFILE);
    let consent = [&["--yes-serial", BOTH][..], &FAST].concat();
    pair.folder.file("20260101-000000.journal", "incomplete line");
    pair.folder.file("20260101-000001.journal", "{\"format\":\"lvx-journal-1\"}\n");
    let refused = pair.lvx("apply", &profile, &consent);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        pair.seen(&refused).contains("find out what that run wrote"),
        "{}",
        pair.seen(&refused)
    );
    assert_eq!(pair.received(), 0);
}

#[test]
fn confirm_of_finished_run_is_refused() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", PROFILE);
    pair.lvx("apply", &profile, &[&["--yes-serial", BOTH][..], &FAST].concat());
    let journal = pair.folder.ending_with(".journal").remove(0);
    let late = pair.command("confirm", &[journal.to_str().unwrap()]).output().unwrap();
    insta::assert_snapshot!(pair.seen(&late));
}

#[test]
fn report_goes_to_standard_error_if_output_is_full() {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", "backlight: off\n");
    let [first, second] = pair.addresses();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let arguments =
        [&[&*profile, &first, &second, "--format", "json", "--yes-serial", BOTH][..], &FAST]
            .concat();
    let output =
        pair.command("apply", &arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
    // The usual status if standard output cannot be written.
    assert_eq!(output.status.code(), Some(2), "{}", pair.seen(&output));
    assert!(
        pair.seen(&output).contains("applied and verified: 2 writes"),
        "{}",
        pair.seen(&output)
    );
}

/// The moment at which a run is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Time after the start.
    After(Duration),
    /// Size of the journal in bytes.
    Bytes(u64),
}

/// Kills an apply and restores. Returns the number of writes announced in the journal before the kill.
fn kill_and_restore(moment: Moment, undo: bool) -> usize {
    let pair = Pair::new();
    let profile = pair.folder.file("bank.yaml", PROFILE);
    let before = [pair.settings(0), pair.settings(1)];
    let [first, second] = pair.addresses();
    let arguments = [&[&*profile, &first, &second, "--yes-serial", BOTH][..], &FAST].concat();
    let mut child = pair
        .command("apply", &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    match moment {
        Moment::After(time) => thread::sleep(time),
        Moment::Bytes(bytes) => wait_for_bytes(&pair.folder.0, bytes, &mut child),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let journal = pair.folder.ending_with(".journal").pop();
    let announced = journal.as_ref().map_or(0, |path| {
        fs::read_to_string(path).unwrap().matches("\"record\":\"writing\"").count()
    });
    let option = if undo { "--undo" } else { "--finish" };
    let arguments = [&[option, "--yes-serial", BOTH][..], &FAST].concat();
    let restored = pair.command("restore", &arguments).output().unwrap();
    let after = [pair.settings(0), pair.settings(1)];
    let target: Vec<Settings> =
        before.iter().map(|before| before.overlaid(&profile_settings())).collect();
    let (is_old, is_new) = (after == before, after.to_vec() == target);
    let seen = pair.seen(&restored);
    assert_eq!(restored.status.code(), Some(0), "{moment:?}: {seen}");
    assert!(is_old || is_new, "{moment:?}: {after:?}\n{seen}");
    if announced > 0 && seen.contains("unit:0") {
        assert_eq!(is_old, undo, "{moment:?}: {seen}");
    }
    // No open run remains.
    let left = pair.command("restore", &[]).output().unwrap();
    assert!(pair.seen(&left).contains("no open run was found"), "{moment:?}: {}", pair.seen(&left));
    announced
}

fn profile_settings() -> Settings {
    lvx_settings::Profile::parse("bank.yaml", PROFILE).unwrap().into_profile().settings
}

fn wait_for_bytes(folder: &Path, min: u64, child: &mut Child) {
    loop {
        let journal = fs::read_dir(folder)
            .unwrap()
            .filter_map(Result::ok)
            .find(|entry| entry.path().extension().is_some_and(|end| end == "journal"));
        let bytes = journal.and_then(|entry| entry.metadata().ok()).map_or(0, |file| file.len());
        if bytes >= min || child.try_wait().unwrap().is_some() {
            return;
        }
        thread::yield_now();
    }
}

#[test]
fn restore_after_kill_gives_all_old_or_all_new_settings() {
    let mut random = fastrand::Rng::with_seed(13);
    let started = Instant::now();
    kill_and_restore(Moment::Bytes(u64::MAX), true);
    let whole = started.elapsed();
    // The plan has about 4,000 bytes, each of eight steps about 170.
    let moments: Vec<_> = (0..KILLS)
        .map(|number| match number % 2 {
            0 => Moment::After(whole.mul_f64(random.f64())),
            _ => Moment::Bytes(random.u64(4_000..9_000)),
        })
        .collect();
    let next = AtomicUsize::new(0);
    let part_way = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((number, moment)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    moments.get(number).map(|moment| (number, *moment))
                } {
                    let announced = kill_and_restore(moment, number % 4 < 2);
                    if (1..8).contains(&announced) {
                        part_way.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // The test is only significant if enough runs were killed between two writes.
    let part_way = part_way.into_inner();
    assert!(part_way > KILLS / 10, "{part_way}");
}

const KILLS: usize = 200;
