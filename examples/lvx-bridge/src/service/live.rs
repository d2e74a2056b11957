//! The running service, and its start.

use std::{collections::BTreeMap, fmt, net::SocketAddr, sync::Arc};

use rustix::process::{Resource, Rlimit, setrlimit};
use tracing::{debug, error};

use super::{
    StartError,
    bank::{Bank, SavedState, Shared, StoppedBank},
    locks::{Locks, lock_units},
    outputs::Outputs,
    restart::Restart,
    saver::Saver,
    watched::Watched,
};
use crate::{
    Handle, Name,
    config::{Config, ConfigFile},
    control::{Runs, WriteLocks},
    history::{self, History, Retention},
    http::{self, Tokens},
    lease, mqtt,
    storage::Storage,
};

/// What a service needs.
pub struct Parts {
    /// Configuration.
    pub config: Config,
    /// File that is read again by a reload; `None` if there is none.
    pub file: Option<ConfigFile>,
    /// Files that survive a restart.
    pub storage: Arc<dyn Storage>,
    /// Journalled runs of control.
    pub runs: Arc<dyn Runs>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A running bridge.
pub struct Service {
    pub(super) config: Config,
    pub(super) file: Option<Watched>,
    pub(super) banks: Vec<Bank>,
    pub(super) outputs: Outputs,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) lease: Option<lease::Server>,
    /// Ends after the outputs, which record.
    pub(super) history: Option<History>,
    pub(super) shared: Shared,
    pub(super) locks: Locks,
    /// State of banks that could not be started again.
    pub(super) left: BTreeMap<Name, SavedState>,
    pub(super) saver: Saver,
    pub(super) restart_outputs: Restart,
    pub(super) restart_lease: Restart,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Service {
    /// Starts all threads and outputs. No core dump of this process is written, because it would have the passwords.
    ///
    /// # Errors
    /// If another bridge polls one of the units, an output cannot be used as it is configured, for example because
    /// its port is in use, or a file of the bridge cannot be read.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { config, file, storage, runs } = parts;
        let no_dump = Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = setrlimit(Resource::Core, no_dump) {
            debug!("core dumps cannot be turned off: {error}");
        }
        let saver = Saver::start(Arc::clone(&storage))?;
        let shared = Shared {
            locks: WriteLocks::default(),
            saver: saver.handle().ok_or_else(|| std::io::Error::other("no thread"))?,
            storage,
            runs,
        };
        let mut locks = Locks::new();
        lock_units(&config.banks, shared.storage.as_ref(), &mut locks)?;
        let (mut stopped, storage) = (Vec::new(), shared.storage.as_ref());
        for bank in &config.banks {
            stopped.push(StoppedBank::load(&config, bank, storage, &SavedState::default())?);
        }
        let mut service = Self {
            outputs: Outputs::start()?,
            file: file.map(Watched::new),
            banks: Vec::new(),
            addresses: Vec::new(),
            lease: None,
            history: None,
            locks,
            left: BTreeMap::new(),
            shared,
            config,
            saver,
            restart_outputs: Restart::new(),
            restart_lease: Restart::new(),
        };
        let handles: Vec<_> = stopped.iter().map(StoppedBank::handle).collect();
        let mut errors = service.start_outputs(&handles).into_iter();
        if let Some(first) = errors.next() {
            errors.for_each(|error| error!("{error}"));
            return Err(first);
        }
        for (bank, stopped) in service.config.banks.iter().zip(stopped) {
            service.banks.push(stopped.start(&service.config, bank, &service.shared)?);
        }
        service.start_lease();
        Ok(service)
    }

    /// Returns the access to the banks, in the order of the configuration.
    #[must_use]
    pub fn handles(&self) -> Vec<Handle> {
        self.banks.iter().map(Bank::handle).collect()
    }

    /// Returns the addresses at which the HTTP server listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Starts the outputs that the configuration has. One that cannot be started does not stop the others.
    pub(super) fn start_outputs(&mut self, handles: &[Handle]) -> Vec<StartError> {
        self.start_history();
        [self.start_mqtt(handles), self.start_http(handles), self.start_recording(handles)]
            .into_iter()
            .filter_map(Result::err)
            .collect()
    }

    fn start_mqtt(&mut self, handles: &[Handle]) -> Result<(), StartError> {
        if self.config.mqtt.is_some() && !self.outputs.has("mqtt") {
            let (config, handles) = (self.config.clone(), handles.to_vec());
            let storage = Arc::clone(&self.shared.storage);
            self.outputs.spawn("mqtt", |stop| async move {
                mqtt::run(&config, handles, storage, stop).await
            })?;
        }
        Ok(())
    }

    fn start_http(&mut self, handles: &[Handle]) -> Result<(), StartError> {
        if let Some(config) = self.config.http.as_ref().filter(|_| !self.outputs.has("http")) {
            let tokens = Tokens::new(Arc::clone(&self.shared.storage));
            let history = self.history.as_ref().map(History::access);
            let server = http::Server::bind(config, handles.to_vec(), tokens, history)
                .map_err(|error| StartError::output("http", &error))?;
            self.addresses = server.addresses();
            self.outputs.spawn("http", |mut stop| {
                server.run(async move {
                    // An error means that the service is gone, which is an end, too.
                    let _ = stop.wait_for(|stop| *stop).await;
                })
            })?;
        }
        Ok(())
    }

    /// Starts the thread that writes the history. Without it, everything else goes on.
    fn start_history(&mut self) {
        let Some(config) = self.config.history.as_ref().filter(|_| self.history.is_none()) else {
            return;
        };
        let start = || {
            let Some(path) = (match &config.path {
                Some(path) => Some(path.clone()),
                None => self.shared.storage.path(history::FILE)?,
            }) else {
                return Ok(None);
            };
            let retention = Retention { raw: config.raw, keep: config.keep };
            History::start(&path, retention, &self.config.poll).map(Some)
        };
        match start() {
            Ok(history) => self.history = history,
            Err(error) => error!("history: {error}; everything else goes on"),
        }
    }

    fn start_recording(&mut self, handles: &[Handle]) -> Result<(), StartError> {
        if let Some(history) = self.history.as_ref().filter(|_| !self.outputs.has("history")) {
            for handle in handles {
                let (access, handle) = (history.access(), handle.clone());
                self.outputs.spawn("history", |stop| access.record(handle, stop))?;
            }
        }
        Ok(())
    }

    /// Starts the socket for other programs. Without it, everything else goes on.
    pub(super) fn start_lease(&mut self) {
        self.lease = None;
        let Some(config) = self.config.lease.clone() else { return };
        let units = self.config.banks.iter().flat_map(|bank| &bank.units);
        let socket = config.socket.display().to_string();
        let parts = lease::LeaseParts {
            config,
            units: units.map(|unit| (unit.name.clone(), unit.serial)).collect(),
            links: self.banks.iter().flat_map(|bank| bank.links().to_vec()).collect(),
            locks: self.shared.locks.clone(),
            storage: Arc::clone(&self.shared.storage),
            allows_tcp_units: self.config.control.allow_tcp_units,
        };
        match lease::Server::bind(parts) {
            Ok(server) => self.lease = Some(server),
            Err(error) => error!("{socket}: {error}; other commands cannot use the units"),
        }
    }
}
