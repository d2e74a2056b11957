//! Journal files: complete lines count, an incomplete last line is ignored.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use std::fs;

use bank::{bank, plan_for, profile};
use lvx_settings::{
    ApplyProgress, Ending, Journal, Past, Permissions, Plan, Record, Recorder, RunDirection,
};
use pi18_proto::{OutputPriority, SolarPriority};

fn plan() -> Plan {
    let target = profile(|s| {
        s.output_priority = Some(OutputPriority(0));
        s.solar_priority = Some(SolarPriority(1));
    });
    plan_for(&bank(&["frozen=on", "frozen=on"]), &target, Permissions::default())
}

fn writing(step: usize, direction: RunDirection) -> Record {
    Record::Writing { step, direction, attempt: 1 }
}

fn proved(step: usize, direction: RunDirection) -> Record {
    Record::Proved { step, direction }
}

const FORWARD: RunDirection = RunDirection::Forward;
const BACKWARD: RunDirection = RunDirection::Backward;

#[test]
fn records_survive_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let plan = plan();
    let mut journal = Journal::create(&path, &plan).unwrap();
    let records = [writing(0, FORWARD), proved(0, FORWARD), writing(1, FORWARD)];
    for record in &records {
        journal.append(record, None).unwrap();
    }
    assert!(
        Journal::reopen(&path).unwrap_err().is_busy(),
        "a second program could write the journal"
    );
    drop(journal);
    let (mut journal, past) = Journal::reopen(&path).unwrap();
    assert_eq!((past.plan.clone(), &past.records[..]), (plan.clone(), &records[..]));
    assert!(past.is_open() && !past.is_unconfirmed());
    let mut left = ApplyProgress::default();
    (left.at_most, left.in_flight, left.unproved) = (2, true, vec![1]);
    assert_eq!(past.progress(), left);
    journal.append(&Record::Ended { ending: Ending::Undone }, None).unwrap();
    let past = Past::read(&path).unwrap();
    assert_eq!(
        (past.records.len(), past.ending(), past.is_open()),
        (4, Some(Ending::Undone), false)
    );
    assert!(Journal::create(&path, &plan).unwrap_err().is_file());
}

/// A child process that another thread is starting has copies of all descriptors for a moment.
#[test]
fn dropped_journal_is_unlocked_despite_descriptor_copies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let open = || fs::OpenOptions::new().read(true).append(true).create(true).open(&path).unwrap();
    let file = open();
    let mut copies = vec![file.try_clone().unwrap()];
    drop(Journal::begin(file, &path, &plan(), None).unwrap());
    // The file is unlocked after an error as well: it is not empty any more.
    let file = open();
    copies.push(file.try_clone().unwrap());
    assert!(Journal::begin(file, &path, &plan(), None).unwrap_err().is_file());
    Journal::reopen(&path).unwrap();
    drop(copies);
}

#[test]
fn torn_line_is_cut_off_by_next_append() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    Journal::create(&path, &plan()).unwrap().begin(&plan(), &[]).unwrap();
    let whole = fs::read(&path).unwrap();
    let torn = [&whole[..], b"{\"record\":\"appl"].concat();
    fs::write(&path, &torn).unwrap();
    let (mut journal, past) = Journal::reopen(&path).unwrap();
    assert_eq!(past.records, []);
    journal.append(&Record::Applied, None).unwrap();
    assert_eq!(Past::read(&path).unwrap().records, [Record::Applied]);
}

#[test]
fn malformed_journal_names_its_line() {
    let text = |plan: &Plan| {
        format!(
            "{{\"format\":\"lvx-journal-1\",\"plan\":{}}}\n",
            serde_json::to_string(plan).unwrap()
        )
    };
    let head = text(&plan());
    let mut unplanned = plan();
    unplanned.units[0].target.solar_priority = None;
    let errors: Vec<_> = [
        String::new(),
        "{}\n".to_owned(),
        text(&unplanned),
        format!("{head}{{\"record\":\"dreaming\"}}\n"),
        format!("{head}{{\"record\":\"left\",\"step\":4}}\n"),
        format!("{head}\n"),
    ]
    .iter()
    .map(|text| Past::parse(text.as_bytes()).unwrap_err())
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

/// A caller may open and check the file itself.
#[test]
fn open_file_holds_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let open = || fs::OpenOptions::new().read(true).append(true).create(true).open(&path).unwrap();
    let mut journal = Journal::begin(open(), "here", &plan(), Some("20261124-131029")).unwrap();
    journal.append(&Record::Applied, None).unwrap();
    drop(journal);
    let again = Journal::begin(open(), "here", &plan(), None).unwrap_err().to_string();
    assert!(again.starts_with("here: expected an empty file for a journal, found"), "{again}");
    let (_, past) = Journal::resume(open(), "here").unwrap();
    assert_eq!(past.undoes.as_deref(), Some("20261124-131029"));
    assert_eq!((&past.records[..], &past.times[..]), (&[Record::Applied][..], &[None][..]));
    // The open file is read, even if its path is gone.
    let file = open();
    fs::remove_file(&path).unwrap();
    assert_eq!(Past::read_from(&file, &path).unwrap().records, [Record::Applied]);
}

#[test]
fn device_file_is_not_opened() {
    let error = Past::read(std::path::Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
    let error = Journal::reopen("/dev/zero").unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}

#[test]
fn part_of_run_keeps_records_of_its_units() {
    let head = format!(
        "{{\"format\":\"lvx-journal-1\",\"plan\":{}}}\n",
        serde_json::to_string(&plan()).unwrap()
    );
    let mut whole = Past::parse(head.as_bytes()).unwrap();
    let of_second: Vec<_> =
        (0..whole.plan.steps.len()).filter(|step| whole.plan.steps[*step].unit == 1).collect();
    let undoing = Record::Undoing {
        why: "x".to_owned(),
        done: 3,
        unproved: vec![of_second[0]],
        of: Vec::new(),
    };
    for record in [
        proved(of_second[0], FORWARD),
        writing(2, FORWARD),
        undoing,
        Record::Ended { ending: Ending::Mixed },
    ] {
        whole.records.push(record);
        whole.times.push(None);
    }
    let (part, steps) = whole.part(&[1]);
    assert_eq!(steps, of_second);
    assert_eq!(part.plan.units, [whole.plan.units[1].clone()]);
    assert_eq!(part.records[0], proved(0, FORWARD));
    assert_eq!(part.ending(), None);
    assert_eq!(part.progress().unproved, [0]);
    assert_eq!(part.records[0].of_whole(&steps, &[1]).as_ref(), whole.records.first());
    let old = whole.old_settings();
    assert_eq!(old[1].output_priority, whole.plan.settings_after(0)[1].output_priority);
    assert_eq!(old[1].bulk_voltage, None);
}

#[test]
fn journal_of_earlier_version_is_read() {
    let head = format!(
        "{{\"format\":\"lvx-journal-1\",\"plan\":{}}}\n",
        serde_json::to_string(&plan()).unwrap()
    );
    let undoing = "{\"record\":\"undoing\",\"why\":\"x\",\"done\":3,\"unproved\":2}\n";
    let past = Past::parse(format!("{head}{undoing}").as_bytes()).unwrap();
    assert_eq!(past.progress().unproved, [2]);
    // An earlier version had a setting that no longer exists, and the unit already had its value.
    let former = head.replace("\"wanted\":{", "\"wanted\":{\"buzzer_silenced\":\"off\",");
    assert_ne!(former, head);
    let former = former.replace("\"buzzer\":", "\"buzzer_silenced\":");
    assert_eq!(Past::parse(former.as_bytes()).unwrap().plan, past.plan);
}

#[test]
fn progress_follows_records() {
    let undoing =
        Record::Undoing { why: "x".to_owned(), done: 3, unproved: vec![2], of: Vec::new() };
    let got = |records: &[Record]| {
        let progress = ApplyProgress::of(records);
        (progress.at_most, progress.in_flight, progress.unproved)
    };
    let forward = [writing(0, FORWARD), proved(0, FORWARD), writing(1, FORWARD)];
    assert_eq!(got(&forward[..1]), (1, true, vec![0]));
    assert_eq!(got(&forward[..2]), (1, false, vec![]));
    assert_eq!(got(&forward), (2, true, vec![1]));
    let mut back: Vec<_> =
        [&forward[..], &[proved(1, FORWARD), writing(2, FORWARD), undoing]].concat();
    assert_eq!(got(&back), (3, false, vec![2]));
    back.extend([writing(2, BACKWARD), proved(2, BACKWARD)]);
    assert_eq!(got(&back), (2, false, vec![]));
    // If a step could not be undone, the steps before it still count.
    back.extend([Record::Left { step: 1 }, proved(0, BACKWARD)]);
    assert_eq!(got(&back), (2, false, vec![]));
}

#[test]
fn mixed_ending_is_open_until_forgotten() {
    let mut past = Past::parse(
        format!(
            "{{\"format\":\"lvx-journal-1\",\"plan\":{}}}\n",
            serde_json::to_string(&plan()).unwrap()
        )
        .as_bytes(),
    )
    .unwrap();
    assert!(past.is_open());
    past.records.push(Record::Ended { ending: Ending::Mixed });
    assert!(past.is_open());
    past.records.push(Record::Forgotten);
    assert!(!past.is_open());
}

#[test]
fn undo_of_one_unit_keeps_doubts_about_others() {
    let head = format!(
        "{{\"format\":\"lvx-journal-1\",\"plan\":{}}}\n",
        serde_json::to_string(&plan()).unwrap()
    );
    let mut whole = Past::parse(head.as_bytes()).unwrap();
    let of_unit = |unit: usize| {
        let steps = (0..).zip(&whole.plan.steps).filter(|(_, step)| step.unit == unit);
        steps.map(|(number, _)| number).collect::<Vec<_>>()
    };
    let (first, second) = (of_unit(0), of_unit(1));
    let unproved = vec![first[0], second[0]];
    let undoing = Record::Undoing { why: "x".to_owned(), done: 4, unproved, of: Vec::new() };
    let of_part =
        Record::Undoing { why: "y".to_owned(), done: 1, unproved: vec![0], of: Vec::new() };
    let of_part = of_part.of_whole(&second, &[1]).unwrap();
    whole.records = vec![undoing, of_part.clone()];
    whole.times = vec![None, None];
    let mut known = whole.progress().unproved;
    known.sort_unstable();
    assert_eq!(known, [first[0], second[0]]);
    assert_eq!(whole.part(&[0]).0.progress().unproved, [0]);
    assert_eq!(whole.part(&[1]).0.progress().unproved, [0]);
    // The record is the same after it was written and read.
    let text = serde_json::to_string(&of_part).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), of_part);
}

#[test]
fn journal_appears_when_the_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let plan = plan();
    let mut journal = Journal::create(&path, &plan).unwrap();
    assert!(!path.exists());
    journal.begin(&plan, &[]).unwrap();
    assert!(Past::read(&path).unwrap().is_open());
    // Meanwhile, another run cannot use the same file.
    assert!(Journal::create(&path, &plan).unwrap_err().is_file());
    assert!(Journal::replace(&path, &plan).unwrap_err().is_file());
}

#[test]
fn journal_of_another_run_that_appears_meanwhile_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let plan = plan();
    let mut prepared = [Journal::create(&path, &plan), Journal::replace(&path, &plan)];
    let mut other = Journal::create(&path, &plan).unwrap();
    other.append(&writing(0, FORWARD), None).unwrap();
    let bytes = fs::read(&path).unwrap();
    for journal in &mut prepared {
        let journal = journal.as_mut().unwrap();
        assert!(journal.begin(&plan, &[]).is_err());
        assert!(journal.append(&Record::Applied, None).is_err());
    }
    drop(other);
    assert!(prepared[1].as_mut().unwrap().begin(&plan, &[]).is_err(), "the run has not ended");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn replaced_journal_has_only_the_new_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let plan = plan();
    let ended = Record::Ended { ending: Ending::Applied };
    for _ in 0..2 {
        let mut journal = Journal::replace(&path, &plan).unwrap();
        journal.append(&writing(0, FORWARD), None).unwrap();
        journal.append(&ended, None).unwrap();
    }
    assert_eq!(Past::read(&path).unwrap().records, [writing(0, FORWARD), ended.clone()]);
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["run.journal"]);
    // A program that was killed while it replaced the journal does not keep the next one from doing so.
    fs::write(folder.path().join("run.journal.replacement"), "{").unwrap();
    Journal::replace(&path, &plan).unwrap().append(&ended, None).unwrap();
    assert_eq!(Past::read(&path).unwrap().records, [ended]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // Any other file is kept.
    fs::write(&path, "notes").unwrap();
    assert!(Journal::replace(&path, &plan).is_err());
}
