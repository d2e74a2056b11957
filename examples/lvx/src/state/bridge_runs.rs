//! The runs of the bridge, which are runs as those of `lvx apply`.

use std::{io, time::Duration};

use lvx_bridge::control::{Runs, StartedRun, UnfinishedRun};
use lvx_settings::{Plan, Recorder};

use super::{bridge_files::BridgeFiles, store::Store};
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
            age: run.last_written().ok().and_then(|at| at.elapsed().ok()).unwrap_or(UNKNOWN_AGE),
            name: run.name,
            plan: run.past.plan,
            records: run.past.records,
        });
        Ok(unfinished.collect())
    }

    fn resume(&self, name: &str) -> io::Result<Box<dyn Recorder>> {
        let store = self.store()?;
        let run = store.find(name).map_err(|failure| other(&failure))?;
        let (mut files, _) = run.resume().map_err(|failure| other(&failure))?;
        store.take_over(&run, &mut files).map_err(|failure| other(&failure))?;
        Ok(Box::new(files))
    }
}

fn other(failure: &Failure) -> io::Error {
    io::Error::other(failure.messages().join("; "))
}

/// The age of a run whose last write is in the future or unknown: too old to be undone without a person.
const UNKNOWN_AGE: Duration = Duration::from_secs(u64::MAX);
