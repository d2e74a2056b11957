//! Tests of the file as a whole: what is recorded, what is answered, and what a damaged or full disk costs.

mod answers;
mod damage;
mod packs;
mod recording;
mod year;

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use pi18_proto::{AnyReply, Query as Question};
use tempfile::TempDir;

use super::*;
use crate::{
    Now, Snapshot,
    config::PollConfig,
    state::{Held, Totals, UnitView},
    testing,
};

/// 2026-06-21 00:00 UTC.
const START: i64 = 1_782_000_000;

/// A folder with the file of a history.
struct Bench {
    _folder: TempDir,
    path: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join(FILE), _folder: folder }
    }

    fn store(&self) -> Store {
        Store::open(&self.path).unwrap()
    }

    fn ask(&self, parameters: &[(&str, &str)], zone: &TimeZone) -> Result<Answer, String> {
        let now = Timestamp::from_second(START + 86_400).unwrap();
        let query = Query::parse(parameters.iter().copied(), now, zone);
        let query = query.map_err(|error| error.to_string())?;
        let reader = Reader::open(&self.path).map_err(|error| error.to_string())?;
        reader.answer("garage", &query, zone).map_err(|error| error.to_string())
    }
}

/// A bank of two units whose values a test sets, in virtual time.
struct Scene {
    bank: Snapshot,
    start: Now,
    recorder: Recorder,
}

impl Scene {
    fn new() -> Self {
        let wall = Timestamp::from_second(START).unwrap();
        let start = Now { wall, ..Now::system() };
        let recorder = Recorder::new(&PollConfig::default());
        Self { bank: testing::bank(start), start, recorder }
    }

    /// Returns the time so many seconds after the start.
    fn at(&self, second: u64) -> Now {
        let passed = Duration::from_secs(second);
        Now { instant: self.start.instant + passed, wall: self.start.wall + passed }
    }

    /// Lets both units be read, and the bank be judged, with this PV power of each unit.
    fn read(&mut self, second: u64, watts: u16) {
        let now = self.at(second);
        for unit in &mut self.bank.units {
            set_power(Arc::make_mut(unit), watts, now);
        }
        self.bank.now = now;
        self.bank.judged_at = Some(now.instant);
        self.bank.totals = Totals { pv_power: Some(2 * i64::from(watts)), ..self.bank.totals };
        self.recorder.observe(&self.bank, now);
    }

    /// Returns what is to be written at this time.
    fn take(&mut self, second: u64) -> Batch {
        let now = self.at(second);
        self.recorder.take(now, &TimeZone::UTC)
    }
}

/// Sets the power of both PV inputs of a unit to the half of this.
fn set_power(unit: &mut UnitView, watts: u16, now: Now) {
    let held = status(unit);
    let Some((AnyReply::GeneralStatus(status), at)) = &mut held.reply else { panic!("no status") };
    (status.pv1_power.0, status.pv2_power.0) = (u32::from(watts.div_ceil(2)), u32::from(watts / 2));
    *at = now.instant;
}

fn status(unit: &mut UnitView) -> &mut Held {
    unit.held.iter_mut().find(|held| held.query == Question::GeneralStatus).unwrap()
}

/// Writes a file with an hour of readings, from the start of 2026-06-21 on: PV power rises by a watt with each.
pub(crate) fn fill(path: &std::path::Path) {
    let (mut scene, mut store) = (Scene::new(), Store::open(path).unwrap());
    for second in (0..3600).step_by(5) {
        scene.read(second, u16::try_from(second / 5).unwrap());
        if second % 60 == 55 {
            store.commit(&scene.take(second)).unwrap();
        }
    }
}

/// Returns the first series of an answer.
fn first(answer: &Answer) -> &Column {
    &answer.series[0]
}
