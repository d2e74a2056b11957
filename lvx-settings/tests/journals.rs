//! Journals as files: what is torn never happened, what is there counts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod bank;

use bank::{bank, plan_for, profile};
use lvx_settings::{Direction, Ending, Journal, Past, Permissions, Plan, Progress, Record};
use pi18_proto::{OutputPriority, SolarPriority};

fn plan() -> Plan {
    let wanted = profile(|s| {
        s.output_source_priority = Some(OutputPriority(0));
        s.solar_power_priority = Some(SolarPriority(1));
    });
    plan_for(&bank(&["frozen=on", "frozen=on"]), &wanted, Permissions::default())
}

fn writing(step: usize, direction: Direction) -> Record {
    Record::Writing { step, direction, attempt: 1 }
}

fn proved(step: usize, direction: Direction) -> Record {
    Record::Proved { step, direction }
}

const FORWARD: Direction = Direction::Forward;
const BACKWARD: Direction = Direction::Backward;

#[test]
fn what_was_noted_is_read_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let plan = plan();
    let mut journal = Journal::create(&path, &plan).unwrap();
    let records = [writing(0, FORWARD), proved(0, FORWARD), writing(1, FORWARD)];
    for record in &records {
        journal.append(record, None).unwrap();
    }
    assert!(Journal::reopen(&path).unwrap_err().is_busy(), "two programs write one journal");
    drop(journal);
    let (mut journal, past) = Journal::reopen(&path).unwrap();
    assert_eq!((past.plan.clone(), &past.records[..]), (plan.clone(), &records[..]));
    assert!(past.is_open() && !past.is_unconfirmed());
    let left = Progress { at_most: 2, in_flight: true, unproved: vec![1], ..Progress::default() };
    assert_eq!(past.progress(), left);
    journal.append(&Record::Ended { ending: Ending::Undone }, None).unwrap();
    let past = Past::read(&path).unwrap();
    assert_eq!(
        (past.records.len(), past.ending(), past.is_open()),
        (4, Some(Ending::Undone), false)
    );
    assert!(Journal::create(&path, &plan).unwrap_err().is_file());
}

#[test]
fn a_torn_line_is_cut_off_before_the_next_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    drop(Journal::create(&path, &plan()).unwrap());
    let whole = std::fs::read(&path).unwrap();
    let torn = [&whole[..], b"{\"record\":\"appl"].concat();
    std::fs::write(&path, &torn).unwrap();
    let (mut journal, past) = Journal::reopen(&path).unwrap();
    assert_eq!(past.records, []);
    journal.append(&Record::Applied, None).unwrap();
    assert_eq!(Past::read(&path).unwrap().records, [Record::Applied]);
}

#[test]
fn what_is_no_journal_is_told() {
    let text = |plan: &Plan| {
        format!(
            "{{\"format\":\"lvx-journal-1\",\"plan\":{}}}\n",
            serde_json::to_string(plan).unwrap()
        )
    };
    let head = text(&plan());
    let mut nobodys = plan();
    nobodys.units[0].wanted.solar_power_priority = None;
    let told: Vec<_> = [
        String::new(),
        "{}\n".to_owned(),
        text(&nobodys),
        format!("{head}{{\"record\":\"dreaming\"}}\n"),
        format!("{head}{{\"record\":\"left\",\"step\":4}}\n"),
        format!("{head}\n"),
    ]
    .iter()
    .map(|text| Past::parse(text.as_bytes()).unwrap_err())
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn it_is_known_how_far_a_run_got() {
    let undoing = Record::Undoing { why: "x".to_owned(), done: 3, unproved: vec![2] };
    let got = |records: &[Record]| {
        let progress = Progress::of(records);
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
    // A step that was left keeps those before it in sight.
    back.extend([Record::Left { step: 1 }, proved(0, BACKWARD)]);
    assert_eq!(got(&back), (2, false, vec![]));
}

#[test]
fn what_ended_half_way_is_open_until_it_is_forgotten() {
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
