//! Replays the corpus: what was worth keeping stays true.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

#[track_caller]
fn replay(target: &str, run: fn(&[u8]), at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let seed = fs::read(&path).unwrap();
        // The name of the file is what a failure needs to say.
        let outcome = std::panic::catch_unwind(|| run(&seed));
        assert!(outcome.is_ok(), "{}", path.display());
        seeds += 1;
    }
    assert!(seeds >= at_least, "{seeds} seeds in {}", folder.display());
}

#[test]
fn the_frame_reader_holds_for_its_corpus() {
    replay("frame_reader", pi18_fuzz::frame_reader, 9);
}

#[test]
fn replies_hold_for_their_corpus() {
    replay("reply", pi18_fuzz::reply, 57);
}

#[test]
fn requests_hold_for_their_corpus() {
    replay("request", pi18_fuzz::request, 83);
}

#[test]
fn frames_hold_for_their_corpus() {
    replay("round_trip", pi18_fuzz::round_trip, 100);
}

#[test]
fn saved_banks_hold_for_their_corpus() {
    replay("snapshot", pi18_fuzz::snapshot, 8);
}

#[test]
fn rules_hold_for_their_corpus() {
    replay("rules", pi18_fuzz::rules, 12);
}

#[test]
fn profiles_hold_for_their_corpus() {
    replay("profile", pi18_fuzz::profile, 50);
}

#[test]
fn plans_hold_for_their_corpus() {
    replay("plan", pi18_fuzz::plan, 3);
}

#[test]
fn journals_hold_for_their_corpus() {
    replay("journal", pi18_fuzz::journal, 4);
}
