//! The runs of the bridge, which are runs as those of `lvx apply`.

use std::{io, time::Duration};

use lvx_bridge::control::{OthersRun, Runs, StartedRun, UnfinishedRun};
use lvx_settings::{Plan, Recorder};

use super::{bridge_files::BridgeFiles, registry::Entry, store::Store, users};
use crate::{args::StateDir, terminal::Failure};

/// The runs in the state folder of the bridge.
#[derive(Debug)]
pub(crate) struct BridgeRuns(StateDir);

impl BridgeRuns {
    pub(crate) fn new(files: &BridgeFiles) -> Self {
        Self(StateDir { state_dir: Some(files.path().to_owned()) })
    }

    fn store(&self) -> io::Result<Store> {
        Store::create(&self.0).map_err(|failure| other(&failure))
    }
}

impl Runs for BridgeRuns {
    fn start(&self, plan: &Plan) -> io::Result<StartedRun> {
        let files = self.store()?.start_run(plan, &[], None).map_err(|failure| other(&failure))?;
        Ok(StartedRun { name: files.name().to_owned(), recorder: Box::new(files) })
    }

    fn unfinished(&self) -> io::Result<Vec<UnfinishedRun>> {
        let runs = self.store()?.open_runs().map_err(|failure| other(&failure))?;
        // A run whose program still works is not left over.
        let left = runs.into_iter().filter(|run| !run.is_running());
        let unfinished = left.map(|run| UnfinishedRun {
            // Only the user of the bridge finds the run.
            command: Some(format!("sudo -u {} lvx restore {}", users::sudo_name(), run.hint())),
            age: run.last_written().ok().and_then(|at| at.elapsed().ok()).unwrap_or(UNKNOWN_AGE),
            name: run.name,
            plan: run.past.plan,
            records: run.past.records,
        });
        Ok(unfinished.collect())
    }

    fn of_others(&self) -> io::Result<Vec<OthersRun>> {
        let left = self.store()?.left_by_others()?.into_iter();
        let run = |entry: Entry| OthersRun {
            uid: entry.owner,
            user: users::named(entry.owner),
            units: entry.units,
        };
        Ok(left.map(run).collect())
    }

    fn resume(&self, run: &UnfinishedRun) -> io::Result<Box<dyn Recorder>> {
        let store = self.store()?;
        let stored = store.find(&run.name).map_err(|failure| other(&failure))?;
        let (mut files, past) = stored.resume().map_err(|failure| other(&failure))?;
        // Another program may have continued the run before its journal was locked.
        run.check_same(&past.plan, &past.records)?;
        store.claim(&stored, &past.plan, &[], &mut files).map_err(|failure| other(&failure))?;
        Ok(Box::new(files))
    }
}

fn other(failure: &Failure) -> io::Error {
    io::Error::other(failure.messages().join("; "))
}

/// The age of a run whose last write is in the future or unknown: too old to be undone without a person.
const UNKNOWN_AGE: Duration = Duration::from_secs(u64::MAX);
