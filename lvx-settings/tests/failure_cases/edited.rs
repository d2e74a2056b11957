//! Plans that a person edited, and journals with incomplete lines.

use super::*;

#[test]
fn edited_plan_needs_permission_for_installation_setting() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let mode = plan.units[0].unit.settings().output_mode;
    let part = |mode| profile(|s| s.output_mode = mode);
    plan.steps.push(Step::new(0, part(mode), part(Some(OutputMode::SINGLE))));
    assert!(plan.allow_installation.is_empty());
    assert!(plan.check().is_err(), "the plan passes its check");
}

#[test]
fn edited_plan_with_unplanned_write_is_refused() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let mode = plan.units[0].unit.settings().output_mode;
    let part = |mode| profile(|s| s.output_mode = mode);
    plan.steps.insert(0, Step::new(0, part(mode), part(Some(OutputMode::SINGLE))));
    let (report, memory) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(memory.audit, Vec::<String>::new(), "{report}");
}

#[test]
fn edited_plan_writing_back_and_forth_fails_check() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let now = plan.units[0].unit.settings().solar_priority;
    let part = |value| profile(|s| s.solar_priority = value);
    let forth = Step::new(0, part(now), part(Some(SolarPriority(1))));
    assert_ne!(now, Some(SolarPriority(1)));
    for _ in 0..10_000 {
        plan.steps.push(forth);
        plan.steps.push(forth.reversed());
    }
    assert!(plan.check().is_err(), "20,000 writes that change nothing pass the check");
}

#[test]
fn huge_journal_is_refused_or_readable() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let now = plan.units[0].unit.settings().solar_priority;
    let part = |value| profile(|s| s.solar_priority = value);
    let forth = Step::new(0, part(now), part(Some(SolarPriority(1))));
    for _ in 0..20_000 {
        plan.steps.push(forth);
        plan.steps.push(forth.reversed());
    }
    let path = std::env::temp_dir().join(format!("failure-{}-big.journal", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let made = Journal::create(&path, &plan);
    let read = Past::read(&path);
    let _ = std::fs::remove_file(&path);
    // The journal is not created, or it can be read.
    assert!(made.is_err() || read.is_ok(), "{}", read.unwrap_err());
}

#[test]
fn journal_survives_half_written_line() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let path = std::env::temp_dir().join(format!("failure-{}-torn.journal", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let mut journal = Journal::create(&path, &plan).unwrap();
    let forward = lvx_settings::RunDirection::Forward;
    journal.append(&Record::Writing { step: 0, direction: forward, attempt: 1 }, None).unwrap();
    // On a full disk (ENOSPC), half a line is written.
    let mut same = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut same, b"{\"record\":\"prov").unwrap();
    // The undo continues when there is space again.
    let why = "the journal cannot be written".to_owned();
    journal
        .append(&Record::Undoing { why, done: 1, unproved: Vec::new(), of: Vec::new() }, None)
        .unwrap();
    drop(journal);
    let read = Past::read(&path);
    std::fs::remove_file(&path).unwrap();
    assert!(read.is_ok(), "{}", read.unwrap_err());
}
