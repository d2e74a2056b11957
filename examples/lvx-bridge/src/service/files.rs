//! The files of a bank: when they are written, and what is shown once they are. A file is written only if it changed,
//! and at a bounded rate, since SD cards wear out.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use crate::{Name, Now, alert::Alerts, state::Core};

/// Writes files, at once or later.
pub trait Save {
    /// Hands a file over, and sets `written` to whether it could be written. Returns whether the file was taken: not
    /// while the disk is slow.
    fn save(&self, name: &str, content: &[u8], written: &Arc<OnceLock<bool>>) -> bool;
}

/// The files of a bank: its energies and its alerts.
#[derive(Debug)]
pub struct BankFiles {
    energy: SavedFile,
    alerts: SavedFile,
    /// Number of the last change of an alert that was handed over.
    last_number: u64,
}

impl BankFiles {
    /// Returns the names of the files with the energies and with the alerts.
    #[must_use]
    pub fn names(bank: &Name) -> [String; 2] {
        [format!("bank-{bank}.json"), format!("alerts-{bank}.json")]
    }

    /// Creates the state for a core that was just made; `energy` and `alerts` are on the disk. From now on, the core
    /// shows only energies that are on the disk.
    pub fn new(bank: &Name, core: &mut Core, energy: Vec<u8>, alerts: Vec<u8>, now: Now) -> Self {
        let [energy_name, alerts_name] = Self::names(bank);
        // The session of this run is in the file soon.
        core.take_saved();
        core.show_saved(now);
        Self {
            energy: SavedFile::new(energy_name, ENERGY_PERIOD, energy, now.instant),
            alerts: SavedFile::new(alerts_name, ALERT_PERIOD, alerts, now.instant),
            last_number: core.alerts().last_number(),
        }
    }

    /// Writes the files if it is time, and lets the core show what is on the disk. To be called after each tick of
    /// the core.
    pub fn tick(&mut self, core: &mut Core, saver: &impl Save, now: Now) {
        if self.energy.is_written() {
            core.show_saved(now);
        }
        if self.energy.is_due(now.instant) || core.has_new_era() {
            self.energy.update(core.take_saved(), saver, now.instant);
        }
        // A change that was not saved happens again after a crash.
        let number = core.alerts().last_number();
        if self.alerts.is_due(now.instant) || number != self.last_number {
            self.last_number = number;
            self.alerts.update(core.alerts().saved(), saver, now.instant);
        }
    }

    /// Returns the present content of the files, with their names.
    pub(super) fn contents(&self, core: &Core) -> [(&str, Vec<u8>); 2] {
        [(&self.energy.name, core.saved()), (&self.alerts.name, Alerts::saved(core.alerts()))]
    }

    /// Returns the name of the file with the alerts.
    pub(super) fn alerts_name(&self) -> &str {
        &self.alerts.name
    }
}

/// A file whose content is made by a core.
#[derive(Debug)]
struct SavedFile {
    name: String,
    period: Duration,
    /// The content that was handed over last.
    content: Vec<u8>,
    due: Instant,
    /// Whether the content is on the disk; not set while it is on its way there.
    written: Arc<OnceLock<bool>>,
}

impl SavedFile {
    /// Names a file that is written at most once per `period`. `content` is on the disk; the first change is written
    /// at once.
    fn new(name: String, period: Duration, content: Vec<u8>, now: Instant) -> Self {
        Self { name, period, content, due: now, written: Arc::new(true.into()) }
    }

    /// Returns whether it is time to compare the content.
    fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// Returns whether the content of the last [`update`](Self::update) is on the disk.
    fn is_written(&self) -> bool {
        self.written.get() == Some(&true)
    }

    /// Writes the file if its content changed, or could not be written.
    fn update(&mut self, content: Vec<u8>, saver: &impl Save, now: Instant) {
        self.due = now + self.period;
        if content == self.content && self.written.get() != Some(&false) {
            return;
        }
        self.written = Arc::default();
        if !saver.save(&self.name, &content, &self.written) {
            self.written = Arc::new(false.into());
        }
        self.content = content;
    }
}

/// Least time between two writes of the energies, if no era began. Battery energies are shown once they are saved.
const ENERGY_PERIOD: Duration = Duration::from_mins(1);

/// Least time between two writes of the alerts, if none of them was raised, acknowledged or cleared.
const ALERT_PERIOD: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use pi18_proto::{Query, SerialNumber};

    use super::*;
    use crate::{
        config::{AlertConfig, BankConfig, PollConfig, UnitConfig},
        poll::{Answered, Event, EventKind},
        state::Energy,
    };

    /// A disk that remembers what was written, and can be full.
    #[derive(Default)]
    struct Disk {
        written: RefCell<Vec<Vec<u8>>>,
        is_full: Cell<bool>,
        is_slow: Cell<bool>,
    }

    impl Save for Disk {
        fn save(&self, _name: &str, content: &[u8], written: &Arc<OnceLock<bool>>) -> bool {
            if self.is_slow.get() {
                return false;
            }
            if !self.is_full.get() {
                self.written.borrow_mut().push(content.to_owned());
            }
            written.set(!self.is_full.get()).unwrap();
            true
        }
    }

    /// A core of one unit with its files, which the disk has.
    struct Run {
        core: Core,
        files: BankFiles,
        disk: Disk,
        now: Now,
        serial: SerialNumber,
    }

    impl Run {
        fn new() -> Self {
            let (now, name) = (Now::system(), "bank".parse().unwrap());
            let serial = SerialNumber::new("96132206100410").unwrap();
            let (unit, address) = ("unit".parse().unwrap(), "sim:0".parse().unwrap());
            let units = vec![UnitConfig { name: unit, serial, address }];
            let bank = BankConfig { name, units, packs: Vec::new(), battery: None };
            let (site, alerts) =
                ("site".parse().unwrap(), Alerts::new(&AlertConfig::default(), None));
            let mut core = Core::new(&site, &bank, &PollConfig::default(), alerts, 7, now);
            let files = BankFiles::new(&bank.name, &mut core, Vec::new(), Vec::new(), now);
            let mut run = Self { core, files, disk: Disk::default(), now, serial };
            run.send(EventKind::Connected { serial });
            run.tick(0);
            run
        }

        fn send(&mut self, kind: EventKind) {
            self.core.handle(Event { link: 0, at: self.now.instant, kind }, self.now);
        }

        /// The unit gives this answer some seconds later.
        fn answer(&mut self, query: Query, data: &str, after: u64) {
            self.now.instant += Duration::from_secs(after);
            let (reply, _) = query.parse_reply(data.as_bytes()).unwrap();
            let (at, latency) = (self.now.instant, Duration::from_millis(100));
            let answers = vec![Answered { query, answer: Ok(reply), at, latency }];
            self.send(EventKind::Batch { serial: self.serial, answers });
        }

        /// Lets some seconds pass, and returns the number of files that were written.
        fn tick(&mut self, after: u64) -> usize {
            let before = self.disk.written.borrow().len();
            self.now.instant += Duration::from_secs(after);
            self.core.tick(self.now);
            self.files.tick(&mut self.core, &self.disk, self.now);
            self.disk.written.borrow().len() - before
        }

        fn energy(&self) -> Energy {
            self.core.snapshot().units[0].energy
        }
    }

    #[test]
    fn change_of_an_alert_is_saved_at_once() {
        let mut run = Run::new();
        let now = run.now;
        run.core.change_alerts(now, |alerts| alerts.test("me", now));
        assert_eq!((run.tick(1), run.tick(1)), (1, 0));
        assert_eq!(*run.disk.written.borrow().last().unwrap(), run.core.alerts().saved());
    }

    #[test]
    fn era_is_saved_at_once() {
        let mut run = Run::new();
        run.answer(Query::Clock, "20260621123000", 1);
        run.answer(Query::Clock, "20200101000000", 1);
        assert_eq!((run.tick(1), run.energy().era), (1, 0));
        assert_eq!((run.tick(1), run.energy().era), (0, 1));
    }

    #[test]
    fn energy_is_shown_once_it_is_on_the_disk() {
        let mut run = Run::new();
        for is_full in [true, false] {
            run.disk.is_full.set(is_full);
            (0..10).for_each(|_| {
                run.answer(Query::GeneralStatus, Query::GeneralStatus.info().sample, 10);
            });
            run.tick(1);
            run.tick(1);
            assert_eq!(run.energy().battery_charge_total == Some(0), is_full);
        }
    }

    #[test]
    fn file_is_written_when_it_changed_and_not_too_often() {
        let disk = Disk::default();
        let start = Instant::now();
        let period = Duration::from_mins(10);
        let mut file = SavedFile::new("a".to_owned(), period, b"old".to_vec(), start);
        file.update(b"old".to_vec(), &disk, start);
        assert!(!file.is_due(start + period / 2));
        assert!(file.is_due(start + period));
        file.update(b"new".to_vec(), &disk, start + period);
        assert_eq!(*disk.written.borrow(), [b"new"]);
    }

    #[test]
    fn file_that_could_not_be_written_is_written_again_without_a_change() {
        let disk = Disk::default();
        let start = Instant::now();
        let mut file = SavedFile::new("a".to_owned(), Duration::ZERO, Vec::new(), start);
        for is_slow in [true, false] {
            disk.is_slow.set(is_slow);
            disk.is_full.set(!is_slow);
            file.update(b"new".to_vec(), &disk, start);
            assert!(!file.is_written());
        }
        disk.is_full.set(false);
        file.update(b"new".to_vec(), &disk, start);
        assert!(file.is_written());
        assert_eq!(*disk.written.borrow(), [b"new"]);
    }
}
