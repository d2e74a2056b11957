//! Carries out commands: plan, checks, journalled run, read-back, view.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use jiff::Timestamp;
use lvx_settings::{
    Apply, ApplyReport, Clock, Ending, HostClock, Options, Permissions, Plan, PlannedUnit, Setting,
    SettingState, Settings, Unit, Units, run,
};
use pi18_proto::SerialNumber;
use pi18_transport::{Client, ClientConfig, Error};

use super::{
    Command, CommandState, CommandView, ControlProblem, ControlView, Runs, WriteLocks,
    audit::AuditFiles, gate::Gate, present::Present, recorder::Guarded,
};
use crate::{
    Now, RequestError, Snapshot,
    config::{BankConfig, ControlConfig},
    lease::relay_link::{RelayClock, RelayLink},
    poll::LinkHandle,
    storage::Storage,
};

/// The control of a bank, without its thread.
pub(crate) struct Operator {
    pub(super) config: ControlConfig,
    pub(super) bank: BankConfig,
    links: Arc<[LinkHandle]>,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) runs: Arc<dyn Runs>,
    locks: WriteLocks,
    pub(super) clock: ControlClock,
    host: HostClock,
    gate: Gate,
    audit: AuditFiles,
    pub(super) present: Present,
    /// Whether the kill switch is on.
    stopped: Arc<AtomicBool>,
    command: Option<CommandView>,
    results: VecDeque<CommandView>,
    pub(super) problems: Vec<ControlProblem>,
    /// Why an unfinished run blocks commands.
    pub(super) unfinished: Option<String>,
}

/// The clocks of control.
#[derive(Clone)]
pub(crate) struct ControlClock {
    pub(crate) relay: RelayClock,
    /// The wall clock at a time of a virtual clock; `None` for the clocks of this computer.
    pub(crate) wall: Option<(Instant, Timestamp)>,
}

impl ControlClock {
    /// The clocks of this computer.
    pub(crate) const SYSTEM: Self = Self { relay: RelayClock::System, wall: None };

    /// Returns the present time.
    pub(crate) fn now(&self) -> Now {
        let instant = self.relay.now();
        match self.wall {
            None => Now::system(),
            Some((start, wall)) => {
                let past = instant.saturating_duration_since(start);
                Now { instant, wall: wall.checked_add(past).unwrap_or(wall) }
            }
        }
    }
}

/// Lets a run use the clocks of control.
struct RunClock(ControlClock, Instant);

impl Clock for RunClock {
    fn now(&mut self) -> Instant {
        self.0.relay.now()
    }

    fn pause(&mut self, time: std::time::Duration) {
        self.0.relay.pause(time);
    }

    fn boot_time(&mut self) -> std::time::Duration {
        self.0.relay.now().saturating_duration_since(self.1)
    }
}

/// A command that was taken.
#[derive(Debug)]
pub(crate) struct Task {
    command: Command,
    setting: Setting,
}

/// What an operator needs.
pub(crate) struct OperatorParts {
    pub(crate) config: ControlConfig,
    pub(crate) bank: BankConfig,
    pub(crate) links: Arc<[LinkHandle]>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) runs: Arc<dyn Runs>,
    pub(crate) locks: WriteLocks,
    pub(crate) clock: ControlClock,
    pub(crate) host: HostClock,
    pub(crate) stopped: Arc<AtomicBool>,
}

impl Operator {
    /// Reads the saved state.
    ///
    /// # Errors
    /// If it cannot be read. Without it, a command could be carried out twice.
    pub(crate) fn new(parts: OperatorParts) -> std::io::Result<Self> {
        let OperatorParts { config, bank, links, storage, runs, locks, clock, host, stopped } =
            parts;
        let saved = storage.load(&file("ids", &bank))?;
        let gate = Gate::new(&config, saved.as_deref()).map_err(std::io::Error::other)?;
        let audit = AuditFiles::open(&storage, bank.name.as_str())?;
        let serials = bank.units.iter().map(|unit| unit.serial);
        let present = Present::new(&config.allow, bank.battery, serials);
        Ok(Self {
            config,
            bank,
            links,
            storage,
            runs,
            locks,
            clock,
            host,
            gate,
            audit,
            present,
            stopped,
            command: None,
            results: VecDeque::new(),
            problems: Vec::new(),
            unfinished: None,
        })
    }

    /// Returns the present view.
    pub(crate) fn view(&self) -> ControlView {
        let now = self.clock.now().instant;
        // Looks at the disk, so it is left out where nothing could be blocked.
        let blocked = self.has_settings().then(|| self.blocked()).flatten();
        ControlView {
            items: self.present.items(blocked.as_deref(), now),
            command: self.command.clone(),
            results: self.results.iter().cloned().collect(),
            problems: self.problems(),
        }
    }

    /// Returns whether any setting may be changed.
    pub(crate) fn has_settings(&self) -> bool {
        !self.config.allow.is_empty()
    }

    /// Takes new values from a snapshot.
    pub(crate) fn take_snapshot(&mut self, snapshot: &Snapshot) {
        self.present.take_snapshot(snapshot);
    }

    /// Reads the units whose limits are not known yet, if all of them answer.
    pub(crate) fn read_limits(&mut self) {
        let answers = |serial| self.links.iter().any(|link| link.serial() == Some(serial));
        if self.present.is_complete() || !self.bank.units.iter().all(|unit| answers(unit.serial)) {
            return;
        }
        match self.units().read() {
            Ok(units) => self.take_units(units.iter().map(|(_, unit)| unit)),
            Err(error) => tracing::warn!("control: the units cannot be read yet: {error}"),
        }
    }

    /// Decides whether a command is carried out.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn take(&mut self, command: Command) -> Result<Task, RequestError> {
        let now = self.clock.now();
        let blocked = self.blocked().map(RequestError::Refused);
        let taken = blocked.map_or(Ok(()), Err).and_then(|()| self.gate.judge(&command, now));
        let taken = taken.and_then(|setting| {
            // The id must survive a crash before anything is written.
            let saved = self.storage.save(&file("ids", &self.bank), &self.gate.saved());
            saved.map(|()| setting).map_err(|error| {
                RequestError::Refused(format!("the command cannot be recorded: {error}"))
            })
        });
        match taken {
            Ok(setting) => Ok(Task { command, setting }),
            Err(error) => {
                self.refuse(&command, &error.to_string(), now);
                Err(error)
            }
        }
    }

    /// Carries out a command that was taken. `on_view` receives the view when the command begins.
    pub(crate) fn carry_out(&mut self, task: Task, on_view: &mut dyn FnMut(ControlView)) {
        let Task { command, setting } = task;
        let now = self.clock.now();
        let values = self.present.values(setting, now.instant);
        let first = values.first().and_then(|(_, value)| value.clone());
        let pending = CommandView {
            id: command.id.clone(),
            key: setting.key().to_owned(),
            from: first
                .filter(|first| values.iter().all(|(_, value)| value.as_ref() == Some(first))),
            to: command.to.clone(),
            by: command.by.clone(),
            at: now.wall,
            state: CommandState::Pending,
            why: None,
            units: known(values),
        };
        self.command = Some(pending.clone());
        on_view(self.view());
        // The line with the sender is on the disk before the first write.
        let recorded = self.audit.write(&pending, now);
        let changed = recorded
            .map_err(|error| format!("the audit file cannot be written: {error}"))
            .and_then(|()| self.change(&command, setting));
        let (state, why) = match changed {
            Ok(report) => self.conclude(setting, &report),
            Err(why) => (CommandState::Refused, Some(why)),
        };
        let now = self.clock.now();
        let units = known(self.present.values(setting, now.instant));
        self.command = None;
        self.finish(CommandView { state, why, units, ..pending }, now);
    }

    /// Plans the change, and carries it out on all units.
    ///
    /// # Errors
    /// Why nothing was written.
    fn change(&mut self, command: &Command, setting: Setting) -> Result<ApplyReport, String> {
        let value = setting.parse(&command.to).map_err(|error| error.to_string())?;
        let owner = format!("command {} of {}", command.id, command.by);
        let _lock = self
            .locks
            .take(&self.serials(), &owner)
            .map_err(|other| format!("{other} changes the settings at present"))?;
        let read = self.units().read().map_err(|error| format!("{error:#}"))?;
        self.take_units(read.iter().map(|(_, unit)| unit));
        let options = self.present.options(setting);
        if !options.contains(&super::option_text(value)) {
            return Err(format!(
                "expected one of {}, which every unit accepts, found {value}",
                options.join(", ")
            ));
        }
        if let Some(from) = &command.from {
            let values = self.present.values(setting, self.clock.now().instant);
            if let Some((unit, found)) =
                values.iter().find(|(_, found)| found.as_ref() != Some(from))
            {
                let found = found.as_deref().unwrap_or("an unknown value");
                return Err(format!(
                    "expected {from}, which the sender saw, found {found} on {unit}"
                ));
            }
        }
        let values = self.present.values(setting, self.clock.now().instant);
        for (unit, seen) in &command.seen {
            let now =
                values.iter().find(|(known, _)| known == unit).and_then(|(_, now)| now.as_ref());
            if let Some(seen) = seen
                && now != Some(seen)
            {
                let now = now.map_or("an unknown value", String::as_str);
                return Err(format!(
                    "expected {seen}, which the sender saw on {unit}, found {now}"
                ));
            }
        }
        let mut target = Settings::default();
        target.set(setting, Some(value)).map_err(|error| error.to_string())?;
        let units = read.into_iter().map(|(address, unit)| PlannedUnit::new(address, unit, target));
        let mut permissions = Permissions::default();
        permissions.battery = self.bank.battery;
        let made = self.host.time(self.clock.relay.now());
        let plan =
            Plan::new(units.collect(), permissions, made).map_err(|error| error.to_string())?;
        let count = plan.units.len();
        if let Some(other) =
            (0..count).flat_map(|unit| plan.touched(unit)).find(|touched| *touched != setting)
        {
            return Err(format!("expected a plan for {setting} only, found one for {other}, too"));
        }
        if command.expires.is_none_or(|expires| expires <= self.clock.now().wall) {
            return Err("the command expired before its run began".to_owned());
        }
        if let Some(why) = self.blocked() {
            return Err(why);
        }
        let started = self.runs.start(&plan).map_err(|error| error.to_string())?;
        self.remember_run(&started.name, &plan)?;
        let apply = Apply::new(plan, Options::default());
        let report = self.run(apply, started.recorder);
        if report.ending != Ending::Mixed {
            self.forget_run();
        }
        Ok(report)
    }

    /// Carries out a run with its recorder.
    pub(super) fn run(
        &mut self,
        apply: Apply,
        recorder: Box<dyn lvx_settings::Recorder>,
    ) -> ApplyReport {
        let stopped = Arc::clone(&self.stopped);
        let storage = Arc::clone(&self.storage);
        let mut recorder = Guarded::new(recorder, move || is_stopped(&stopped, &*storage));
        let mut units = self.units();
        run(apply, &mut units, &mut recorder)
    }

    /// Returns links to all units, for a run.
    fn units(&self) -> Units<'static, RelayLink> {
        let (links, clock) = (Arc::clone(&self.links), self.clock.relay.clone());
        let units: Vec<_> =
            self.bank.units.iter().map(|unit| (unit.serial, unit.address.clone())).collect();
        let open = move |index: usize| -> Result<Client<RelayLink>, Error> {
            let (serial, address) = units.get(index).ok_or_else(|| Error::gone("no such unit"))?;
            let config: ClientConfig = *address.config();
            let name = address.to_string();
            let link = RelayLink::new(&links, *serial, name, config.timeout, clock.clone());
            Ok(Client::with_config(link, config).expecting(*serial))
        };
        let clients = (0..self.bank.units.len()).filter_map(|index| open(index).ok()).collect();
        let start = self.clock.relay.now();
        Units::new(clients, self.host)
            .reopened_by(open)
            .timed_by(RunClock(self.clock.clone(), start))
    }

    /// Returns the state of a command after its run, and the reason if it failed.
    pub(super) fn conclude(
        &mut self,
        setting: Setting,
        report: &ApplyReport,
    ) -> (CommandState, Option<String>) {
        let at = self.clock.now().instant;
        for unit in &report.units {
            let now = unit.settings.iter().find(|found| found.setting == setting);
            match now {
                _ if unit.state == SettingState::Unknown => {
                    self.present.take_value(unit.serial_number, setting, None, at);
                }
                Some(found) => {
                    self.present.take_value(unit.serial_number, setting, found.now, at);
                }
                // The plan does not change this unit, which was read before.
                None => {}
            }
            let others = unit.changed_by_others.iter();
            for found in others.filter(|found| self.config.allow.contains(&found.setting)) {
                self.present.take_value(unit.serial_number, found.setting, found.now, at);
            }
        }
        let state = match report.ending {
            Ending::Applied | Ending::NothingToDo => CommandState::Proved,
            Ending::Refused => CommandState::Refused,
            Ending::Undone => CommandState::Undone,
            _ => CommandState::Mixed,
        };
        let why = report.why.iter().chain(&report.remarks).map(ToString::to_string);
        let why: Vec<_> = why.collect();
        (state, (state != CommandState::Proved).then(|| why.join("; ")))
    }

    /// Returns why no command is carried out at present.
    pub(super) fn blocked(&self) -> Option<String> {
        if is_stopped(&self.stopped, &*self.storage) {
            return Some(format!("control was stopped by the file {OFF}; remove it to go on"));
        }
        if let Some(why) = &self.unfinished {
            return Some(why.clone());
        }
        if let Some(serial) = self.doubled() {
            return Some(format!("serial number {serial} is reported by two units"));
        }
        let is_tcp = |unit: &&crate::config::UnitConfig| unit.address.place().starts_with("tcp:");
        if !self.config.allow_tcp_units
            && let Some(unit) = self.bank.units.iter().find(is_tcp)
        {
            return Some(format!(
                "{} is on tcp:, where others can pretend to be it (control.allow_tcp_units)",
                unit.name
            ));
        }
        let answers = |serial| self.links.iter().any(|link| link.serial() == Some(serial));
        let silent = self.bank.units.iter().find(|unit| !answers(unit.serial))?;
        Some(format!("{} does not answer", silent.name))
    }

    /// Returns a serial number that several units report.
    fn doubled(&self) -> Option<SerialNumber> {
        let found: Vec<_> = self.links.iter().filter_map(LinkHandle::serial).collect();
        let is_twice =
            |serial: &&SerialNumber| found.iter().filter(|other| other == serial).count() > 1;
        found.iter().find(is_twice).copied()
    }

    fn problems(&self) -> Vec<ControlProblem> {
        let doubled = self.doubled().map(|serial| ControlProblem {
            id: format!("control/doubled/{serial}"),
            title: format!("Two units report the serial number {serial}"),
            why: "A setting for one of them could reach the other one, so none is written."
                .to_owned(),
            advice: vec![
                "Have the maker correct the serial number of one of the units.".to_owned(),
            ],
            units: vec![serial],
        });
        self.problems.iter().cloned().chain(doubled).collect()
    }

    /// Returns whether a command with this id was taken.
    #[cfg(test)]
    pub(super) fn has_taken(&self, id: &str) -> bool {
        self.gate.has_taken(id)
    }

    pub(super) fn serials(&self) -> Vec<SerialNumber> {
        self.bank.units.iter().map(|unit| unit.serial).collect()
    }

    /// Takes the settings of all units, as they were just read.
    fn take_units<'a>(&mut self, units: impl IntoIterator<Item = &'a Unit>) {
        let at = self.clock.now().instant;
        units.into_iter().for_each(|unit| self.present.take_unit(unit, at));
    }

    /// Locks the settings of all units, reads them, and returns them with the lock.
    pub(super) fn read_locked(
        &mut self,
        owner: &str,
    ) -> Result<(super::WriteLock, Vec<Unit>), String> {
        let lock = self.locks.take(&self.serials(), owner)?;
        let read = self.units().read().map_err(|error| format!("{error:#}"))?;
        let units: Vec<_> = read.into_iter().map(|(_, unit)| unit).collect();
        self.take_units(&units);
        Ok((lock, units))
    }

    /// Adds a refused command to the results.
    fn refuse(&mut self, command: &Command, why: &str, now: Now) {
        let view = self.record_refusal(command, why, now);
        self.add_result(view);
    }

    /// Writes a refused command to the audit file.
    pub(super) fn record_refusal(&mut self, command: &Command, why: &str, now: Now) -> CommandView {
        let short = |text: &str| text.chars().take(MAX_SHOWN).collect::<String>();
        let view = CommandView {
            id: short(&command.id),
            key: short(&command.key),
            from: command.from.as_deref().map(short),
            to: short(&command.to),
            by: short(&command.by),
            at: now.wall,
            state: CommandState::Refused,
            why: Some(why.chars().take(MAX_WHY).collect()),
            units: Vec::new(),
        };
        if let Err(error) = self.audit.write_refusal(&view, now) {
            tracing::error!("control: the audit file cannot be written: {error}");
        }
        view
    }

    /// Writes the result of a command to the audit file, and adds it to the results.
    pub(super) fn finish(&mut self, view: CommandView, now: Now) {
        if let Err(error) = self.audit.write(&view, now) {
            tracing::error!("control: the audit file cannot be written: {error}");
        }
        tracing::info!("control: {} {} -> {}: {:?}", view.id, view.key, view.to, view.state);
        self.add_result(view);
    }

    fn add_result(&mut self, view: CommandView) {
        self.results.push_front(view);
        self.results.truncate(MAX_RESULTS);
    }
}

/// Returns whether the kill switch is on. If the storage cannot be read, it counts as on.
fn is_stopped(stopped: &AtomicBool, storage: &dyn Storage) -> bool {
    stopped.load(Ordering::Acquire) || !matches!(storage.load(OFF), Ok(None))
}

/// Returns the name of a file of a bank.
pub(super) fn file(what: &str, bank: &BankConfig) -> String {
    format!("control-{}.{what}", bank.name)
}

fn known(values: Vec<(SerialNumber, Option<String>)>) -> Vec<(SerialNumber, String)> {
    let text = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    values.into_iter().map(|(serial, value)| (serial, text(value))).collect()
}

/// The file that stops control, and set commands over the socket.
pub(crate) const OFF: &str = "control.off";

/// Number of results that are kept.
const MAX_RESULTS: usize = 20;

/// Maximum length of a text of a refused command, in characters.
const MAX_SHOWN: usize = 128;

/// Maximum length of the reason of a refusal, in characters.
const MAX_WHY: usize = 512;
