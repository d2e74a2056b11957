//! Kills, power cuts, full disks, and files that are damaged or from elsewhere.
//!
//! `LVX_HISTORY_KILLS` sets the number of processes that are killed and of power cuts; `LVX_HISTORY_SMALL_DISK` names a
//! folder on a small disk that is filled.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use super::*;

/// Returns how often something random is done: a few times, or as often as the environment says.
fn rounds(few: usize) -> usize {
    std::env::var("LVX_HISTORY_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// Commits minutes with two readings of each unit and of the bank, from this one on.
fn minutes(store: &mut Store, from: u64, mut after: impl FnMut(u64) -> bool) {
    let mut scene = Scene::new();
    for minute in from.. {
        scene.read(minute * 60 + 1, 1000);
        scene.read(minute * 60 + 6, 1000);
        store.commit(&scene.take(minute * 60 + 10)).unwrap();
        if !after(minute) {
            return;
        }
    }
}

/// Returns the number of whole minutes in a file, and checks that no minute is there in part.
fn whole_minutes(store: &Store) -> u64 {
    store.check().unwrap();
    let sql =
        "SELECT count(*), max(t) FROM (SELECT t FROM unit_raw UNION ALL SELECT t FROM bank_raw)";
    let row = store.connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (count, last): (i64, Option<i64>) = row.unwrap();
    assert_eq!(count % 6, 0, "a commit is there in part");
    let minutes = last.map_or(0, |last| (last - START) / 60 + 1);
    assert_eq!(count / 6, minutes, "a minute is missing");
    let sql = "SELECT coalesce(sum(pv_power_count), 0) FROM unit_hour";
    let counted: i64 = store.connection().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(counted, minutes * 4, "statistics and readings differ");
    u64::try_from(minutes).unwrap()
}

/// Writes minutes until it is killed, and prints each that was committed. Runs only in a process of its own.
#[test]
fn child() {
    let Ok(path) = std::env::var("LVX_HISTORY_CHILD") else { return };
    let mut store = Store::open(Path::new(&path)).unwrap();
    let from = whole_minutes(&store);
    minutes(&mut store, from, |minute| {
        // Not through `print!`, which tests capture.
        let mut out = std::io::stdout().lock();
        writeln!(out, "\ncommitted {minute}").and_then(|()| out.flush()).is_ok()
    });
}

#[test]
fn process_that_is_killed_loses_nothing_that_was_committed() {
    let bench = Bench::new();
    let mut committed = 0;
    for _ in 0..rounds(5) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["history::tests::damage::child", "--exact", "--nocapture"])
            .env("LVX_HISTORY_CHILD", &bench.path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = fastrand::usize(0..20);
        let mut read = |line: &str| {
            let number = line.strip_prefix("committed ").and_then(|number| number.parse().ok());
            committed = number.map_or(committed, |minute: u64| minute + 1);
            number.is_some()
        };
        while left > 0 {
            left -= usize::from(read(&lines.next().unwrap().unwrap()));
        }
        // The child is at a random place of one of the next commits.
        for _ in 0..fastrand::u32(0..200_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            read(&line);
        }
        child.wait().unwrap();
        let found = whole_minutes(&bench.store());
        // The last one may be committed and not printed.
        assert!((committed..=committed + 1).contains(&found), "{committed} printed, {found} found");
    }
}

#[test]
fn power_cut_at_any_byte_of_the_log_leaves_whole_minutes() {
    let bench = Bench::new();
    let mut store = bench.store();
    let mut sizes = Vec::new();
    let log = Path::new(&format!("{}-wal", bench.path.display())).to_owned();
    minutes(&mut store, 0, |minute| {
        sizes.push(fs::metadata(&log).unwrap().len());
        minute < 20
    });
    let (file, whole) = (fs::read(&bench.path).unwrap(), fs::read(&log).unwrap());
    for _ in 0..rounds(20) {
        let cut = Bench::new();
        fs::write(&cut.path, &file).unwrap();
        let at = fastrand::usize(0..=whole.len());
        let mut torn = whole.get(..at).unwrap().to_vec();
        // The last block may have any content.
        if fastrand::bool() {
            torn.extend(std::iter::repeat_with(|| fastrand::u8(..)).take(fastrand::usize(0..5000)));
        }
        fs::write(format!("{}-wal", cut.path.display()), &torn).unwrap();
        let found = whole_minutes(&cut.store());
        let safe = sizes.iter().filter(|size| **size <= u64::try_from(at).unwrap()).count();
        // The log at the start may have been written over by what follows, with the same content.
        assert!(found >= u64::try_from(safe).unwrap(), "{found} of {safe} at byte {at}");
    }
}

#[test]
fn damaged_file_is_found_or_read_as_it_is() {
    let bench = Bench::new();
    let mut store = bench.store();
    minutes(&mut store, 0, |minute| minute < 40);
    drop(store);
    let file = fs::read(&bench.path).unwrap();
    let mut found = 0;
    for round in 0..rounds(20) {
        let hurt = Bench::new();
        let mut bytes = file.clone();
        for _ in 0..fastrand::usize(1..200) {
            let at = fastrand::usize(..bytes.len());
            *bytes.get_mut(at).unwrap() = fastrand::u8(..);
        }
        if round % 3 == 0 {
            bytes.truncate(fastrand::usize(..bytes.len()));
        }
        fs::write(&hurt.path, &bytes).unwrap();
        // Whatever is wrong, there is an error or a file, and never a panic.
        let used = Store::open(&hurt.path).and_then(|mut store| {
            store.commit(&one(50))?;
            store.check()
        });
        found += usize::from(used.is_err());
    }
    assert!(found > 0);
}

fn one(minute: u64) -> Batch {
    let mut scene = Scene::new();
    scene.read(minute * 60, 1000);
    scene.take(minute * 60 + 10)
}

#[test]
fn full_disk_costs_what_is_not_committed_and_nothing_else() {
    let bench = Bench::new();
    let mut store = bench.store();
    minutes(&mut store, 0, |minute| minute < 9);
    let pages: i64 =
        store.connection().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.connection().pragma_update(None, "max_page_count", pages).unwrap();
    let mut scene = Scene::new();
    for minute in 10..2000 {
        scene.read(minute * 60 + 1, 1000);
    }
    let batch = scene.take(2000 * 60);
    let error = store.commit(&batch).unwrap_err();
    assert!(matches!(error, HistoryError::Full { .. }), "{error}");
    assert_eq!(whole_minutes(&store), 10);
    let reader = Reader::open(&bench.path).unwrap();
    let query = Query::parse(
        [("from", "1782000000"), ("to", "1782003600"), ("step", "5min")],
        Timestamp::now(),
        &TimeZone::UTC,
    );
    reader.answer("garage", &query.unwrap(), &TimeZone::UTC).unwrap();
    // There is room again.
    store.connection().pragma_update(None, "max_page_count", 1 << 30).unwrap();
    store.commit(&batch).unwrap();
    store.check().unwrap();
}

/// Fills a real disk, if there is a small one.
#[test]
fn small_disk_is_filled() {
    let Ok(folder) = std::env::var("LVX_HISTORY_SMALL_DISK") else { return };
    let path = Path::new(&folder).join(FILE);
    let mut store = Store::open(&path).unwrap();
    let mut scene = Scene::new();
    let mut minute = 0;
    let error = loop {
        scene.read(minute * 60 + 1, 1000);
        scene.read(minute * 60 + 6, 1000);
        match store.commit(&scene.take(minute * 60 + 10)) {
            Ok(()) => minute += 1,
            Err(error) => break error,
        }
    };
    eprintln!("{minute} minutes fit; then: {error}");
    assert_eq!(whole_minutes(&store), minute);
    drop(store);
    // Also after a restart, on the disk that is still full.
    match Store::open(&path) {
        Ok(store) => assert_eq!(whole_minutes(&store), minute),
        Err(error) => eprintln!("opened on the full disk: {error}"),
    }
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.banks().unwrap(), ["garage"]);
}

#[test]
fn file_of_another_program_or_a_later_version_is_left_alone() {
    let bench = Bench::new();
    let other = rusqlite::Connection::open(&bench.path).unwrap();
    other.execute_batch("CREATE TABLE photo (name TEXT)").unwrap();
    let before = fs::read(&bench.path).unwrap();
    let error = Store::open(&bench.path).unwrap_err();
    assert!(matches!(error, HistoryError::Foreign { .. }), "{error}");
    assert!(matches!(Reader::open(&bench.path), Err(HistoryError::Foreign { .. })));
    assert_eq!(fs::read(&bench.path).unwrap(), before);
    let bench = Bench::new();
    bench.store().connection().pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&bench.path).unwrap_err();
    assert!(error.is_final() && error.to_string().contains("found version 99"), "{error}");
    // A text is no database.
    let bench = Bench::new();
    fs::write(&bench.path, "x".repeat(5000)).unwrap();
    assert!(Store::open(&bench.path).unwrap_err().is_damaged());
}

#[test]
fn folder_may_be_a_link_and_the_file_may_not() {
    let bench = Bench::new();
    let folder = bench.path.parent().unwrap();
    let (real, link) = (folder.join("disk"), folder.join("link"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let mut store = Store::open(&link.join(FILE)).unwrap();
    store.commit(&one(1)).unwrap();
    assert!(store.is_in_place());
    Reader::open(&real.join(FILE)).unwrap();
    std::os::unix::fs::symlink(real.join(FILE), &bench.path).unwrap();
    Store::open(&bench.path).unwrap_err();
}

#[test]
fn file_of_an_earlier_version_is_not_read() {
    let bench = Bench::new();
    bench.store().connection().pragma_update(None, "user_version", 1).unwrap();
    let error = Reader::open(&bench.path).unwrap_err();
    assert!(error.to_string().contains("expected version 3, found version 1"), "{error}");
}

#[test]
fn content_that_the_bridge_does_not_write_is_answered_without_a_panic() {
    let bench = Bench::new();
    let mut store = bench.store();
    store.commit(&one(1)).unwrap();
    let sql = format!(
        "UPDATE bank_5min SET t = {max};
         UPDATE unit_raw SET pv_power = {max};
         UPDATE unit_5min SET pv_power_min = {min}, pv_power_sum = {max};
         UPDATE source SET name = name || char(27) || '[2J';
         UPDATE series SET unit = char(7) || unit, name = printf('%.*c', 9999, 'x');
         INSERT INTO day (day, source, key, origin, wh) VALUES ('2026-06-21', 1, 'load', 'computed', 9e999);
         INSERT INTO source (bank, serial, name) VALUES ('a' || char(27), '', '')",
        max = i64::MAX,
        min = i64::MIN
    );
    store.connection().execute_batch(&sql).unwrap();
    let day = [("from", "1782000000"), ("to", "1782086400")];
    assert_eq!(bench.ask(&day, &TimeZone::UTC).unwrap().step, "60");
    store.connection().execute("UPDATE source SET period = ?", [i64::MAX]).unwrap();
    for parameters in [
        vec![("from", "1782000000"), ("to", "1782003600")],
        vec![("from", "1782000000"), ("to", "1782003600"), ("step", "raw")],
        vec![("series", "96132206100410.pv_power"), ("from", "1782000000"), ("to", "1782003600")],
        vec![("from", "2026-06-20"), ("to", "2026-06-22"), ("step", "day")],
    ] {
        let answer = bench.ask(&parameters, &TimeZone::UTC).unwrap();
        for column in &answer.series {
            let is_plain = !column.unit.contains(char::is_control);
            assert!(is_plain && column.name.len() <= 80, "{column:?}");
        }
        let _csv = answer.csv(&TimeZone::UTC);
        serde_json::to_string(&answer).unwrap();
    }
    assert_eq!(Reader::open(&bench.path).unwrap().banks().unwrap(), ["a\\u001b", "garage"]);
    // The writer goes on, too.
    let now = Timestamp::from_second(START + 9000).unwrap();
    let retention = Retention { raw: Duration::from_secs(1), keep: Duration::from_secs(1) };
    store.commit_and_prune(&one(2), retention, now).unwrap();
}

#[test]
fn file_can_be_read_only_by_its_owner() {
    use std::os::unix::fs::PermissionsExt;

    let bench = Bench::new();
    let mut store = bench.store();
    store.commit(&one(1)).unwrap();
    for end in ["", "-wal", "-shm"] {
        let found = fs::metadata(format!("{}{end}", bench.path.display())).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{end}");
    }
}
