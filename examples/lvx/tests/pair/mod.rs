//! Two virtual units on ptys and a state folder, for tests that write settings.
#![allow(dead_code, reason = "each test uses only some of the items")]

use std::{
    fs,
    ops::{Deref, DerefMut},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use lvx_settings::Settings;
use pi18_transport::sim::{Bank, BankConfig, Served, SharedBank, Switches, serve_pty};

pub(crate) const LVX: &str = env!("CARGO_BIN_EXE_lvx");
pub(crate) const SERIALS: [&str; 2] = ["96132206100410", "96132206100411"];
pub(crate) const BOTH: &str = "96132206100410,96132206100411";

/// A temporary folder, removed at the end of the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lvx-set-{}-{number}", std::process::id()));
        // A state folder must not be writable by others, whatever the umask.
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        fs::create_dir(path.join("runs")).unwrap();
        Self(path)
    }

    /// Writes a file. Returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Returns the files with this suffix.
    pub(crate) fn ending_with(&self, end: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_str().unwrap().ends_with(end)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process that is killed at the end of the test.
pub(crate) struct Running(pub(crate) Child);

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two virtual units on ptys, served by this process so that received commands can be counted.
pub(crate) struct Pair {
    pub(crate) bank: SharedBank,
    pub(crate) served: Vec<Served>,
    pub(crate) folder: Folder,
    _ptys: PtyGuard,
}

/// Locked by every pair of this process: exclusively by a pair whose units are unplugged.
///
/// The kernel gives the number of a closed pty to the next pty that is opened. Without the lock, the
/// program under test would find a unit of another test behind the address of an unplugged unit.
static PTYS: RwLock<()> = RwLock::new(());

enum PtyGuard {
    Shared(RwLockReadGuard<'static, ()>),
    Exclusive(RwLockWriteGuard<'static, ()>),
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(PtyGuard::Shared(PTYS.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Returns a pair whose units can be unplugged. No other pair of this process exists meanwhile.
    pub(crate) fn unpluggable() -> Self {
        Self::with(PtyGuard::Exclusive(PTYS.write().unwrap_or_else(PoisonError::into_inner)))
    }

    fn with(ptys: PtyGuard) -> Self {
        let calm: Switches = "frozen=on&soc=100&sun=0&grid=off".parse().unwrap();
        let config = BankConfig { units: 2, switches: vec![calm.clone(), calm] };
        let bank = SharedBank::real_time(Bank::new(config).unwrap());
        let served = (0..2).map(|unit| serve_pty(&bank, unit).unwrap()).collect();
        Self { bank, served, folder: Folder::new(), _ptys: ptys }
    }

    pub(crate) fn addresses(&self) -> [String; 2] {
        [0, 1].map(|unit| format!("serial:{}", self.served[unit].path()))
    }

    pub(crate) fn command(&self, task: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(LVX);
        command.arg(task).args(arguments).env("LVX_STATE_DIR", &self.folder.0);
        command.env("LVX_RUNS_DIR", self.folder.0.join("runs")).env("HOME", &self.folder.0);
        for name in
            ["LVX_UNIT", "LVX_BATTERY", "XDG_STATE_HOME", "SUDO_UID", "DOAS_USER", "PKEXEC_UID"]
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs `lvx TASK FILE UNIT UNIT OPTIONS`.
    pub(crate) fn lvx(&self, task: &str, file: &str, options: &[&str]) -> Output {
        let [first, second] = self.addresses();
        let mut arguments = vec![file, &first, &second];
        arguments.extend(options);
        self.command(task, &arguments).output().unwrap()
    }

    /// Returns the number of received set commands.
    pub(crate) fn received(&self) -> u64 {
        self.bank.with(|bank| bank.set_counts(0).received + bank.set_counts(1).received)
    }

    pub(crate) fn settings(&self, unit: usize) -> Settings {
        let mut settings = Settings::default();
        for query in ["PIRI", "FLAG", "ACCT", "ACLT"] {
            let reply = self.bank.with(|bank| bank.peek(unit, query.parse().unwrap()));
            settings.take(&reply.unwrap(), None);
        }
        settings
    }

    /// Returns all output of a command with its exit status. Replaces names of ptys, folders and journals.
    pub(crate) fn seen(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let status = output.status.code().unwrap();
        let mut seen =
            format!("{}{}exit status {status}", text(&output.stdout), text(&output.stderr));
        for (address, name) in self.addresses().iter().zip(["unit:0", "unit:1"]) {
            seen = seen.replace(address, name);
        }
        // The user who runs the tests may have a state folder, which is searched as well.
        if let Ok(home) = std::env::var("HOME") {
            seen = seen.replace(&format!(", {home}/.local/state/lvx"), "");
        }
        let mut folder = self.folder.0.to_str().unwrap().to_owned();
        folder.push('/');
        seen = seen.replace(&folder, "").replace(self.folder.0.to_str().unwrap(), "FOLDER");
        // Names of journals contain the time.
        for journal in self.folder.ending_with(".journal") {
            let name = journal.file_stem().unwrap().to_str().unwrap();
            seen = seen.replace(name, "TIME");
        }
        seen
    }
}

/// Short times for tests that still suffice for a pty.
pub(crate) const FAST: [&str; 4] = ["--pause", "1ms", "--within", "300ms"];
