//! Helpers for tests of the state folder.

use std::{
    cell::RefCell,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use lvx_settings::{HostClock, Journal, Permissions, Plan, PlannedUnit, Record, Settings, Unit};
use pi18_proto::Switch;
use pi18_transport::Client;

use super::{
    disk::Disk,
    folder::{Folder, PathOrigin},
};

/// A disk that records which paths were made durable.
#[derive(Debug, Default)]
pub(crate) struct DiskRecorder(RefCell<Vec<PathBuf>>);

impl DiskRecorder {
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.0.borrow().clone()
    }
}

impl Disk for DiskRecorder {
    fn sync(&self, _file: &File, path: &Path) -> io::Result<()> {
        self.0.borrow_mut().push(path.to_owned());
        Ok(())
    }
}

/// A temporary folder, removed at the end of the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lvx-state-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Opens the folder as a state folder.
    pub(crate) fn folder(&self) -> Rc<Folder> {
        let disk: Rc<dyn Disk> = Rc::new(DiskRecorder::default());
        Rc::new(Folder::open(&self.0, PathOrigin::Given, &disk).unwrap().unwrap())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the journal of a run that changed the backlight of these virtual units and ended with the
/// given record.
pub(crate) fn journal(
    scratch: &Scratch,
    units: &[usize],
    undoes: Option<&str>,
    last: &Record,
) -> String {
    let planned = |number: &usize| {
        let address = format!("sim:{number}");
        let unit = Unit::read(&mut Client::open(&address).unwrap(), &HostClock::system()).unwrap();
        let target = Settings::build(|s| s.backlight = Some(Switch(0)));
        PlannedUnit::new(address, unit, target)
    };
    let permissions = Permissions::default().with_part_of_bank();
    let plan = Plan::new(units.iter().map(planned).collect(), permissions, None).unwrap();
    let path = scratch.0.join("made-up.journal");
    let file = File::options().append(true).read(true).create_new(true).open(&path).unwrap();
    let mut journal = Journal::begin(file, path.clone(), &plan, undoes).unwrap();
    let direction = lvx_settings::RunDirection::Forward;
    journal.append(&Record::Writing { step: 0, direction, attempt: 1 }, None).unwrap();
    journal.append(last, None).unwrap();
    drop(journal);
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    text
}
