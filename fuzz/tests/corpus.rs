//! Runs the fuzz functions with the files of their corpus.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

#[track_caller]
fn replay(target: &str, run: fn(&[u8]), at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let seed = fs::read(&path).unwrap();
        // The panic is caught so that the failure names the file.
        let outcome = std::panic::catch_unwind(|| run(&seed));
        assert!(outcome.is_ok(), "{}", path.display());
        seeds += 1;
    }
    assert!(
        seeds >= at_least,
        "expected at least {at_least} seeds, found {seeds} in {}",
        folder.display()
    );
}

#[test]
fn frame_reader_passes_its_corpus() {
    replay("frame_reader", pi18_fuzz::frame_reader, 9);
}

#[test]
fn lease_wire_passes_its_corpus() {
    replay("lease_wire", pi18_fuzz::lease_wire, 10);
}

#[test]
fn observer_passes_its_corpus() {
    replay("observer", pi18_fuzz::observer, 8);
}

#[test]
fn pack_passes_its_corpus() {
    replay("pack", pi18_fuzz::pack, 24);
}

#[test]
fn reply_passes_its_corpus() {
    replay("reply", pi18_fuzz::reply, 57);
}

#[test]
fn request_passes_its_corpus() {
    replay("request", pi18_fuzz::request, 83);
}

#[test]
fn round_trip_passes_its_corpus() {
    replay("round_trip", pi18_fuzz::round_trip, 100);
}

#[test]
fn snapshot_passes_its_corpus() {
    replay("snapshot", pi18_fuzz::snapshot, 9);
}

#[test]
fn rules_pass_their_corpus() {
    replay("rules", pi18_fuzz::rules, 12);
}

#[test]
fn profile_passes_its_corpus() {
    replay("profile", pi18_fuzz::profile, 50);
}

#[test]
fn plan_passes_its_corpus() {
    replay("plan", pi18_fuzz::plan, 3);
}

#[test]
fn journal_passes_its_corpus() {
    replay("journal", pi18_fuzz::journal, 4);
}
