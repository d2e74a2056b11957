//! Tests of the whole service over the virtual bank.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use lvx_settings::{Plan, Recorder};
use tokio::{runtime::Builder, sync::oneshot};

use super::*;
use crate::{
    Handle, Request, RequestError, Snapshot,
    config::{Config, ConfigFile, read_secret},
    control::{Command, Runs, StartedRun, UnfinishedRun},
    state::Core,
    storage::{MemoryStorage, Storage, StorageLock},
};

/// Runs that cannot be started.
struct NoRuns;

impl Runs for NoRuns {
    fn start(&self, _plan: &Plan) -> io::Result<StartedRun> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn unfinished(&self) -> io::Result<Vec<UnfinishedRun>> {
        Ok(Vec::new())
    }

    fn resume(&self, _run: &UnfinishedRun) -> io::Result<Box<dyn Recorder>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

const TWO: &str = "
lease: off
http: off
units:
  - {name: a, serial: 96132206100410, address: \"sim:0\"}
  - {name: b, serial: 96132206100411, address: \"sim:1\"}
";

fn parts(text: &str, storage: &MemoryStorage) -> Parts {
    let config = Config::parse("bridge.yaml", text, &read_secret).unwrap();
    Parts { config, file: None, storage: Arc::new(storage.clone()), runs: Arc::new(NoRuns) }
}

/// Waits for a snapshot.
#[track_caller]
fn wait_for(handle: &Handle, is_right: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let mut watch = handle.watch();
    let runtime = Builder::new_current_thread().build().unwrap();
    let snapshot = runtime.block_on(watch.wait_for(|snapshot| is_right(snapshot)));
    Arc::clone(&snapshot.unwrap())
}

fn all_read(snapshot: &Snapshot) -> bool {
    snapshot.findings.is_some() && snapshot.totals.fresh_units == 2
}

/// A service on a thread, which is stopped and joined by `stop`.
struct Running {
    signals: mpsc::Sender<Signal>,
    rounds: mpsc::Receiver<Vec<Handle>>,
    thread: thread::JoinHandle<()>,
}

impl Running {
    fn start(service: Service) -> Self {
        let (signals, received) = mpsc::channel();
        let (round, rounds) = mpsc::channel();
        let thread = thread::spawn(move || {
            service.run(&received, |handles| drop(round.send(handles.to_vec())));
        });
        Self { signals, rounds, thread }
    }

    /// Reloads, and returns the handles after it.
    fn reload(&self) -> Vec<Handle> {
        while self.rounds.try_recv().is_ok() {}
        self.signals.send(Signal::Reload).unwrap();
        // The first round may have begun before the signal.
        self.rounds.recv().unwrap();
        self.rounds.recv().unwrap()
    }

    fn stop(self) {
        self.signals.send(Signal::Stop).unwrap();
        self.thread.join().unwrap();
    }
}

#[test]
fn service_polls_saves_and_counts_its_sessions() {
    let storage = MemoryStorage::default();
    let mut last = 0;
    for _ in 0..2 {
        let service = Service::start(parts(TWO, &storage)).unwrap();
        let handle = service.handles().remove(0);
        let running = Running::start(service);
        let session = wait_for(&handle, all_read).session;
        assert!(session > last, "{session} after {last}");
        last = session;
        running.stop();
        let saved = storage.load("bank-bank.json").unwrap().unwrap();
        assert_eq!(Core::last_session(&saved), session);
        assert!(storage.load("alerts-bank.json").unwrap().is_some());
        // The state of the bank is damaged.
        storage.save("bank-bank.json", b"{").unwrap();
    }
}

/// A storage whose locks are held by another program.
struct Locked(MemoryStorage);

impl Storage for Locked {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.0.load(name)
    }

    fn save(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.0.save(name, content)
    }

    fn lock(&self, name: &str) -> io::Result<Option<StorageLock>> {
        Ok((!name.contains("411")).then(|| StorageLock::new(())))
    }
}

#[test]
fn second_bridge_on_a_unit_is_refused() {
    let storage = Arc::new(Locked(MemoryStorage::default()));
    let parts = Parts { storage, ..parts(TWO, &MemoryStorage::default()) };
    let error = Service::start(parts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unit b: another bridge of this user polls it; stop that one first"
    );
}

/// A configuration file.
struct File(tempfile::TempDir);

impl File {
    fn new(text: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("bridge.yaml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn started(file: &File, storage: &MemoryStorage) -> Service {
    let file = ConfigFile::new(file.path());
    let config = file.read().unwrap();
    let storage = Arc::new(storage.clone());
    Service::start(Parts { config, file: Some(file), storage, runs: Arc::new(NoRuns) }).unwrap()
}

#[test]
fn reload_keeps_what_was_read_and_a_wrong_file_changes_nothing() {
    let file = File::new(TWO);
    let storage = MemoryStorage::default();
    let service = started(&file, &storage);
    let handle = service.handles().remove(0);
    let running = Running::start(service);
    let before = wait_for(&handle, all_read);

    file.write(&format!("{TWO}alerts: {{warning_after: 1 s}}\n"));
    let after = running.reload().remove(0).snapshot();
    assert_eq!(after.session, before.session);
    assert!(after.seq > before.seq);
    assert_eq!(after.units.len(), 2);
    assert!(after.units.iter().all(|unit| unit.held("GS").is_some()));
    // The outputs keep their access.
    assert!(wait_for(&handle, |snapshot| snapshot.seq >= after.seq).seq >= after.seq);

    for text in ["units: []\n", &format!("{TWO}mqtt: {{}}\n")] {
        file.write(text);
        let same = running.reload().remove(0).snapshot();
        assert_eq!(same.session, before.session);
        assert_eq!(same.units.len(), 2);
    }
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(running.reload().len(), 1);

    // One unit less is another bank.
    let one: Vec<_> = TWO.lines().filter(|line| !line.contains("name: b")).collect();
    file.write(&one.join("\n"));
    let fewer = running.reload().remove(0).snapshot();
    assert_eq!(fewer.units.len(), 1);
    assert!(fewer.session > before.session);
    running.stop();
}

#[test]
fn changed_file_alone_gives_no_more_access() {
    let file = File::new(TWO);
    let mut service = started(&file, &MemoryStorage::default());
    file.write(&format!("{TWO}control: {{allow: output_priority}}\n"));
    service.reload(false);
    assert!(service.config.control.allow.is_empty());
    service.reload(true);
    assert_eq!(service.config.control.allow.len(), 1);
    // Less access needs no signal.
    file.write(TWO);
    service.reload(false);
    assert!(service.config.control.allow.is_empty());
}

#[test]
fn changed_file_is_taken_once_it_is_stable() {
    let file = File::new(TWO);
    let mut watched = watched::Watched::new(ConfigFile::new(file.path()));
    assert!(!watched.has_changed());
    file.write("units: [1, 2]\n");
    assert!(!watched.has_changed());
    assert!(watched.has_changed());
    assert!(!watched.has_changed());
    fs::remove_file(file.path()).unwrap();
    assert!(!watched.has_changed());
    assert!(!watched.has_changed());
}

#[test]
fn refusals_of_outputs_and_of_control_reach_the_audit_file() {
    let storage = MemoryStorage::default();
    let text = format!("{TWO}control: {{allow: backlight}}\n");
    let service = Service::start(parts(&text, &storage)).unwrap();
    let handle = service.handles().remove(0);
    let running = Running::start(service);
    let command = |id: &str| Command {
        id: id.to_owned(),
        key: "backlight".to_owned(),
        from: None,
        seen: Vec::new(),
        to: "off".to_owned(),
        by: "mqtt lvx/v1/home/bank/cmd".to_owned(),
        expires: None,
    };
    let off = RequestError::Refused("control is off".to_owned());
    loop {
        let (reply, answer) = oneshot::channel();
        handle.send(Request::Control { command: command("late"), reply }).unwrap();
        // The control may not have started yet.
        if answer.blocking_recv().unwrap() != Err(off.clone()) {
            break;
        }
    }
    handle.record_refusal(command("retained"), "retained commands are not carried out");
    // Requests are answered in their order.
    let (reply, answer) = oneshot::channel();
    let (id, by) = ("none".to_owned(), "test".to_owned());
    handle.send(Request::Acknowledge { id, by, is_acknowledged: true, reply }).unwrap();
    assert!(answer.blocking_recv().unwrap().is_err());
    running.stop();
    let refused = storage.load("control-bank.refused").unwrap().unwrap();
    let lines = String::from_utf8(refused).unwrap();
    let ids: Vec<_> = ["late", "retained"].map(|id| format!("\"id\":\"{id}\"")).into();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for (line, id) in lines.lines().zip(ids) {
        assert!(line.contains(&id) && line.contains("mqtt lvx/v1/home/bank/cmd"), "{line}");
    }
    assert!(storage.load("control-bank.audit").unwrap().is_none());
}

#[test]
fn service_that_is_dropped_in_a_panic_ends_and_saves() {
    let storage = MemoryStorage::default();
    let service = Service::start(parts(TWO, &storage)).unwrap();
    let handle = service.handles().remove(0);
    let panicked = thread::spawn(move || {
        let _service = service;
        wait_for(&handle, all_read);
        std::panic::resume_unwind(Box::new("a test has failed"));
    });
    assert!(panicked.join().is_err());
    assert!(storage.load("bank-bank.json").unwrap().is_some());
}

/// Returns the bank as the HTTP server of a service shows it.
fn asked(service: &Service) -> serde_json::Value {
    let address = service.addresses()[0];
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /api/v1/bank HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let start = answer.find('{').unwrap();
    let end = answer.rfind('}').unwrap();
    serde_json::from_str(&answer[start..=end]).unwrap()
}

const WITH_HTTP: &str = "
lease: off
http: {listen: \"127.0.0.1:0\"}
units:
  - {name: a, serial: 96132206100410, address: \"sim:0\"}
";

#[test]
fn reload_of_the_polling_reaches_the_outputs() {
    let file = File::new(WITH_HTTP);
    let mut service = started(&file, &MemoryStorage::default());
    let before = service.handles()[0].snapshot().session;
    assert_eq!(asked(&service)["bridge"]["session"], before);
    file.write(&format!("{WITH_HTTP}poll: {{fast: 7 s}}\n"));
    service.reload(true);
    let handle = service.handles().remove(0);
    wait_for(&handle, |snapshot| snapshot.units[0].held("GS").is_some());
    assert_eq!(asked(&service)["bridge"]["session"], handle.snapshot().session);
    assert!(handle.snapshot().session > before);
    drop(service);
}

/// A storage that fails when it is asked to.
#[derive(Default)]
struct Failing {
    files: MemoryStorage,
    is_full: AtomicBool,
    /// Name of a file that cannot be read.
    unreadable: Mutex<String>,
    /// Names of files that cannot be read, and written, without a panic. It happens once.
    fatal: [Mutex<Option<String>>; 2],
}

impl Failing {
    fn check(&self, name: &str, is_write: bool) {
        let is_fatal =
            self.fatal[usize::from(is_write)].lock().unwrap().take_if(|fatal| *fatal == name);
        assert!(is_fatal.is_none(), "{name} fails for the test");
    }
}

impl Storage for Failing {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.check(name, false);
        if *self.unreadable.lock().unwrap() == name {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.files.load(name)
    }

    fn save(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.check(name, true);
        if self.is_full.load(Ordering::Acquire) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.files.save(name, content)
    }
}

fn started_with(file: &File, storage: &Arc<Failing>) -> Service {
    let file = ConfigFile::new(file.path());
    let config = file.read().unwrap();
    let (storage, runs) = (storage.clone(), Arc::new(NoRuns));
    Service::start(Parts { config, file: Some(file), storage, runs }).unwrap()
}

#[test]
fn reload_with_a_full_disk_goes_on_with_the_present_state() {
    let file = File::new(TWO);
    let storage = Arc::new(Failing::default());
    storage.is_full.store(true, Ordering::Release);
    let mut service = started_with(&file, &storage);
    let has_energy = |snapshot: &Snapshot| snapshot.units[0].energy.pv_total.is_some();
    let before = wait_for(&service.handles()[0], has_energy);
    file.write(&format!("{TWO}poll: {{fast: 7 s}}\n"));
    service.reload(true);
    // The counter is shown again once it was read.
    let after = wait_for(&service.handles()[0], has_energy);
    assert!(after.session > before.session);
    assert!(after.units[0].energy.pv_total >= before.units[0].energy.pv_total);
    storage.is_full.store(false, Ordering::Release);
    drop(service);
    let saved = storage.load("bank-bank.json").unwrap().unwrap();
    assert_eq!(Core::last_session(&saved), after.session);
}

#[test]
fn bank_that_cannot_start_is_started_later() {
    let file = File::new(WITH_HTTP);
    let storage = Arc::new(Failing::default());
    let mut service = started_with(&file, &storage);
    *storage.unreadable.lock().unwrap() = "alert-hooks-bank.json".to_owned();
    file.write(&format!("{WITH_HTTP}alerts: {{hooks: [{{exec: /bin/true}}]}}\n"));
    service.reload(true);
    assert!(!service.is_complete());
    assert!(!service.retry_banks());
    storage.unreadable.lock().unwrap().clear();
    assert!(service.retry_banks());
    assert!(service.is_complete());
    let session = service.handles()[0].snapshot().session;
    assert_eq!(asked(&service)["bridge"]["session"], session);
    drop(service);
}

#[test]
fn unreadable_file_of_hooks_is_named() {
    let storage = Arc::new(Failing::default());
    *storage.unreadable.lock().unwrap() = "alert-hooks-bank.json".to_owned();
    let text = format!("{TWO}alerts: {{hooks: [{{exec: /bin/true}}]}}\n");
    let parts = Parts { storage, ..parts(&text, &MemoryStorage::default()) };
    assert_eq!(
        Service::start(parts).unwrap_err().to_string(),
        "state folder: alert-hooks-bank.json: permission denied; correct its owner and access rights, or remove it"
    );
}

#[test]
fn output_that_cannot_start_does_not_stop_the_others() {
    let file = File::new(&WITH_HTTP.replace("http: {listen: \"127.0.0.1:0\"}", "http: off"));
    let storage = Arc::new(Failing::default());
    let mut service = started_with(&file, &storage);
    assert_eq!(service.addresses(), []);
    *storage.unreadable.lock().unwrap() = "mqtt-retained".to_owned();
    file.write(&format!("{WITH_HTTP}mqtt: {{host: localhost}}\n"));
    service.reload(true);
    assert!(!service.outputs.has("mqtt"));
    assert_eq!(asked(&service)["bridge"]["session"], service.handles()[0].snapshot().session);
    drop(service);
}

/// Waits until these parts are stuck.
#[track_caller]
fn wait_for_stuck(service: &Service, parts: &[&str]) {
    let start = Instant::now();
    while service.stuck(Instant::now()) != parts {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", service.stuck(Instant::now()));
        thread::yield_now();
    }
}

#[test]
fn thread_that_panicked_stops_the_watchdog() {
    let file = File::new(&format!("{TWO}control: {{allow: backlight}}\n"));
    for (name, is_write, part) in
        [("bank-bank.json", true, "files"), ("control.off", false, "control bank")]
    {
        let storage = Arc::new(Failing::default());
        *storage.fatal[usize::from(is_write)].lock().unwrap() = Some(name.to_owned());
        let service = started_with(&file, &storage);
        wait_for_stuck(&service, &[part]);
        drop(service);
    }
    let service = started_with(&file, &Arc::default());
    wait_for(&service.handles()[0], all_read);
    assert_eq!(service.stuck(Instant::now()), Vec::<String>::new());
    drop(service);
}

#[test]
fn hooks_that_panicked_are_started_again() {
    let file = File::new(&format!("{TWO}alerts: {{hooks: [{{exec: /bin/true}}]}}\n"));
    let storage = Arc::new(Failing::default());
    let service = started_with(&file, &storage);
    let delivered = || storage.files.load("alert-hooks-bank.json").unwrap().unwrap();
    let before = delivered();
    *storage.fatal[1].lock().unwrap() = Some("alert-hooks-bank.json".to_owned());
    service.handles()[0].send(Request::TestAlert { by: "test".to_owned() }).unwrap();
    let start = Instant::now();
    // The number of a change is longer than the zero from the start.
    while delivered().len() == before.len() {
        assert!(start.elapsed() < Duration::from_secs(30), "not delivered");
        thread::yield_now();
    }
    assert!(storage.fatal[1].lock().unwrap().is_none());
    assert_eq!(service.stuck(Instant::now()), Vec::<String>::new());
    drop(service);
}

#[test]
fn outputs_and_socket_that_ended_are_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bridge.sock");
    let lease = format!("lease: {{socket: \"{}\"}}", socket.display());
    let file = File::new(&WITH_HTTP.replace("lease: off", &lease));
    let mut service = started_with(&file, &Arc::new(Failing::default()));
    let has_lease = service.lease.is_some();
    service.outputs.end("http");
    service.lease = None;
    let now = Instant::now();
    service.restart_parts(now);
    assert!(!service.outputs.has("http"));
    service.restart_parts(now + Duration::from_secs(1));
    assert!(service.outputs.has("http"));
    assert!(asked(&service)["bridge"]["session"].is_number());
    assert_eq!(service.lease.is_some(), has_lease);
    drop(service);
}

#[test]
fn refused_configuration_leaves_no_locks() {
    let one: Vec<_> = TWO.lines().filter(|line| !line.contains("name: b")).collect();
    let file = File::new(&one.join("\n"));
    let config = ConfigFile::new(file.path());
    let parts = Parts {
        config: config.read().unwrap(),
        file: Some(config),
        storage: Arc::new(Locked(MemoryStorage::default())),
        runs: Arc::new(NoRuns),
    };
    let mut service = Service::start(parts).unwrap();
    let other = "  - {name: c, serial: 96132206100412, address: \"sim:2\"}\n";
    file.write(&TWO.replace("  - {name: b", &format!("{other}  - {{name: b")));
    service.reload(true);
    assert_eq!((service.config.banks[0].units.len(), service.locks.len()), (1, 1));
    drop(service);
}

#[test]
fn history_goes_on_after_a_reload_and_is_written_at_the_end() {
    let file = File::new(TWO);
    let path = file.0.path().join("history.db");
    let text = format!("{TWO}history: {{path: {}}}\n", path.display());
    file.write(&text);
    let mut service = started(&file, &MemoryStorage::default());
    let count = || -> i64 {
        let connection = rusqlite::Connection::open(&path).unwrap();
        let sql = "SELECT sum(pv_power_count) FROM unit_hour";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    wait_for(&service.handles()[0], all_read);
    file.write(&format!("{text}site: cabin\n"));
    service.reload(true);
    let before = count();
    assert!(before >= 2, "{before}");
    wait_for(&service.handles()[0], all_read);
    drop(service);
    assert!(count() >= before + 2);
}

#[test]
fn history_that_cannot_be_written_is_a_finding_until_it_can() {
    let text = format!("{TWO}poll: {{fast: 1 s}}\nhistory: {{path: /nowhere/history.db}}");
    let file = File::new(&text);
    let mut service = started(&file, &MemoryStorage::default());
    let why = |snapshot: &Snapshot| {
        let mut findings = snapshot.findings.iter().flatten();
        findings.find(|finding| finding.rule == "history").map(|finding| finding.why.clone())
    };
    let handle = service.handles().remove(0);
    let snapshot = wait_for(&handle, |snapshot| all_read(snapshot) && why(snapshot).is_some());
    assert!(why(&snapshot).is_some_and(|why| why.starts_with("/nowhere/history.db: ")));
    // The state of the bank stays, so the finding has to be taken back.
    file.write(&text.replace("/nowhere", &file.0.path().display().to_string()));
    service.reload(true);
    wait_for(&handle, |snapshot| all_read(snapshot) && why(snapshot).is_none());
    drop(service);
}
