//! Runs in memory, for tests and for a virtual bank.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lvx_settings::{Action, Ending, Plan, Record, Recorder, Unit};
use pi18_proto::DateTime;

use super::runs::{OthersRun, Runs, StartedRun, UnfinishedRun};

/// Runs in memory: they end with the process. Clones share them.
///
/// Tests inject faults: records that cannot be stored, and a function that is called before each action of a run.
#[derive(Clone, Default)]
pub struct MemoryRuns(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    runs: Vec<MemoryRun>,
    /// Number of runs so far.
    count: usize,
    full_after: Option<usize>,
    hook: Option<Hook>,
    others: Vec<OthersRun>,
}

struct MemoryRun {
    name: String,
    plan: Plan,
    records: Vec<Record>,
}

/// A function that is called before each action of a run.
type Hook = Arc<Mutex<dyn FnMut(&Action) + Send>>;

impl MemoryRuns {
    /// Lets storing fail after this number of further records.
    pub fn fill_after(&self, records: Option<usize>) {
        self.lock().full_after = records;
    }

    /// Calls a function before each action of a run. If it panics, the run ends as if the program was killed.
    pub fn on_action(&self, hook: impl FnMut(&Action) + Send + 'static) {
        self.lock().hook = Some(Arc::new(Mutex::new(hook)));
    }

    /// Forgets all runs, as if a person had finished them.
    pub fn clear(&self) {
        self.lock().runs.clear();
    }

    /// Sets the unfinished runs of other users.
    pub fn set_others(&self, runs: Vec<OthersRun>) {
        self.lock().others = runs;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runs for MemoryRuns {
    fn start(&self, plan: &Plan) -> io::Result<StartedRun> {
        let mut state = self.lock();
        state.count += 1;
        let name = format!("memory-{}", state.count);
        state.runs.push(MemoryRun { name: name.clone(), plan: plan.clone(), records: Vec::new() });
        // Ended runs are not needed any more.
        state.runs.retain(|run| run.name == name || is_open(&run.records));
        let recorder = Box::new(MemoryRecorder { runs: self.clone(), name: name.clone() });
        Ok(StartedRun { name, recorder })
    }

    fn unfinished(&self) -> io::Result<Vec<UnfinishedRun>> {
        let state = self.lock();
        let open = state.runs.iter().filter(|run| is_open(&run.records));
        let unfinished = open.map(|run| UnfinishedRun {
            name: run.name.clone(),
            plan: run.plan.clone(),
            records: run.records.clone(),
            age: Duration::ZERO,
            command: None,
        });
        Ok(unfinished.collect())
    }

    fn of_others(&self) -> io::Result<Vec<OthersRun>> {
        Ok(self.lock().others.clone())
    }

    fn resume(&self, run: &UnfinishedRun) -> io::Result<Box<dyn Recorder>> {
        let state = self.lock();
        let found = state.runs.iter().find(|found| found.name == run.name);
        let found = found.ok_or(io::ErrorKind::NotFound)?;
        run.check_same(&found.plan, &found.records)?;
        Ok(Box::new(MemoryRecorder { runs: self.clone(), name: run.name.clone() }))
    }
}

/// Returns whether a run with these records wrote something and needs attention.
fn is_open(records: &[Record]) -> bool {
    let ending = records.iter().rev().find_map(|record| match record {
        Record::Ended { ending } => Some(*ending),
        _ => None,
    });
    !records.is_empty() && matches!(ending, None | Some(Ending::Mixed))
}

/// The recorder of a run in memory.
struct MemoryRecorder {
    runs: MemoryRuns,
    name: String,
}

impl Recorder for MemoryRecorder {
    fn begin(&mut self, _plan: &Plan, _units: &[Unit]) -> io::Result<()> {
        if self.runs.lock().full_after == Some(0) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn record(&mut self, record: &Record, _at: Option<DateTime>) -> io::Result<()> {
        let mut state = self.runs.lock();
        if let Some(left) = &mut state.full_after {
            *left = left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        }
        let run = state.runs.iter_mut().find(|run| run.name == self.name);
        run.ok_or(io::ErrorKind::NotFound)?.records.push(record.clone());
        Ok(())
    }

    fn watch(&mut self, action: &Action) {
        let hook = self.runs.lock().hook.clone();
        if let Some(hook) = hook {
            (hook.lock().unwrap_or_else(PoisonError::into_inner))(action);
        }
    }
}

impl fmt::Debug for MemoryRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRuns").field("count", &self.lock().count).finish_non_exhaustive()
    }
}
