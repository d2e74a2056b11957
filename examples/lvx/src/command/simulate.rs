//! `lvx simulate`: serves a virtual bank to other programs.

mod hid;

use std::{
    fmt::Display,
    fs::{self, File},
    io,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Instant,
};

use lvx_settings::{HostClock, Settings};
use pi18_proto::Query;
use pi18_transport::{
    sim::{self, Bank, BankConfig, Served, SharedBank, Switches},
    wrap,
};

use crate::{
    args,
    terminal::{Failure, Status},
};

pub(crate) fn run(args: &args::Simulate, out: &mut impl Write) -> Result<Status, Failure> {
    if args.list_switches {
        return list(out);
    }
    let units = usize::from(args.units);
    let bank = SharedBank::real_time(bank(args, units)?);
    let (interrupt, interrupted) = mpsc::channel();
    crate::terminal::catch_signals(move || {
        // Fails after the first signal, when the receiver has been dropped.
        let _ = interrupt.send(());
    })?;

    hid::check(args, units)?;
    let mut served = Vec::new();
    let mut links = args.link_dir.as_deref().map(Links::new);
    let mut addresses = Vec::new();
    let nothing_chosen = args.tcp.is_none() && !args.uhid && args.functionfs.is_empty();
    for unit in 0..units {
        if args.pty || nothing_chosen {
            served.push(pty(&bank, unit, links.as_mut(), &mut addresses)?);
        }
        if let Some(address) = &args.tcp {
            served.push(tcp(&bank, unit, address, &mut addresses)?);
        }
        if args.uhid {
            served.push(hid::uhid(&bank, unit, &mut addresses)?);
        }
        if let Some(mount) = args.functionfs.get(unit) {
            served.push(hid::functionfs(&bank, unit, mount, &mut addresses)?);
        }
    }
    // Print the addresses only after all units can be reached.
    writeln!(out, "{}\nserving until interrupted (Ctrl-C)", addresses.join("\n"))?;
    out.flush()?;
    // The signal handler keeps the sender until the program ends.
    let _ = interrupted.recv();
    drop(served);
    Ok(Status::Ok)
}

fn bank(args: &args::Simulate, units: usize) -> Result<Bank, Failure> {
    let mut switches = vec![Switches::default(); units];
    for text in &args.switches {
        let wrong = |why: &dyn Display| Failure::usage(format_args!("--switch {text}: {why}"));
        // A time also contains colons, but after the `=`.
        let (unit, switch) = match text.split_once(':').filter(|(unit, _)| !unit.contains('=')) {
            Some((unit, switch)) => (Some(unit), switch),
            None => (None, text.as_str()),
        };
        if switch.starts_with("units=") {
            return Err(wrong(&"use --units for the number of units"));
        }
        let chosen = match unit {
            None => &mut switches[..],
            Some(unit) => {
                let unit = unit.parse().ok().and_then(|unit: usize| switches.get_mut(unit));
                let last = units - 1;
                let error = format!("expected a unit from 0 to {last}; --units adds more");
                std::slice::from_mut(unit.ok_or_else(|| wrong(&error))?)
            }
        };
        for switches in chosen {
            switches.set(switch).map_err(|error| wrong(&error))?;
        }
    }
    let mut bank = Bank::new(BankConfig { units, switches }).map_err(Failure::usage)?;
    if !args.switches.iter().any(|text| text.contains("clock")) {
        set_clocks(&mut bank);
    }
    Ok(bank)
}

/// Sets the clocks of the units to the time of this computer, as an owner does. Sun and house keep the date of the
/// bank.
fn set_clocks(bank: &mut Bank) {
    let now = HostClock::system().time(Instant::now());
    for unit in 0..bank.units() {
        let mut settings = Settings::default();
        if let Some(reply) = bank.peek(unit, Query::Clock) {
            settings.take(&reply, now);
        }
        // Without a clock to set, the unit keeps the bank's.
        if let Some(ahead) = settings.clock {
            let _ = bank.switch(unit, &format!("clock-offset={}s", -ahead.seconds));
        }
    }
}

fn pty(
    bank: &SharedBank,
    unit: usize,
    links: Option<&mut Links>,
    addresses: &mut Vec<String>,
) -> Result<Served, Failure> {
    let served = sim::serve_pty(bank, unit)?;
    let path = PathBuf::from(served.path());
    let shown = match links {
        None => path,
        Some(links) => links.add(&path, &format!("ttyUSB{unit}"))?,
    };
    addresses.push(format!("unit {unit}: serial:{}", shown.display()));
    Ok(served)
}

fn tcp(
    bank: &SharedBank,
    unit: usize,
    address: &str,
    addresses: &mut Vec<String>,
) -> Result<Served, Failure> {
    let wrong = |error: &dyn Display| Failure::usage(format_args!("--tcp {address}: {error}"));
    let (host, port) =
        address.rsplit_once(':').ok_or_else(|| wrong(&"expected HOST:PORT, found no port"))?;
    let port: u16 =
        port.parse().map_err(|error| wrong(&format!("expected a port number: {error}")))?;
    let offset = u16::try_from(unit).unwrap_or_default();
    let port = match port {
        0 => 0,
        first => first.checked_add(offset).ok_or_else(|| {
            let port = u32::from(first) + u32::from(offset);
            wrong(&format!(
                "expected ports up to 65535, found {port} for unit {unit}; use a lower port"
            ))
        })?,
    };
    let listener = TcpListener::bind(format!("{host}:{port}"))
        .map_err(|error| wrong(&format!("cannot listen on port {port}: {error}")))?;
    let bound = listener.local_addr().map_err(|error| wrong(&error))?;
    addresses.push(format!("unit {unit}: tcp:{bound}"));
    Ok(sim::serve_tcp(bank, unit, listener)?)
}

/// Links to ptys, removed when this is dropped.
struct Links {
    folder: PathBuf,
    /// Links and the ptys they lead to.
    made: Vec<(PathBuf, PathBuf)>,
    /// Lock of the folder; `None` if another simulator has links in it.
    lock: Option<File>,
}

impl Links {
    fn new(folder: &Path) -> Self {
        let lock = File::open(folder).ok().filter(|open| open.try_lock().is_ok());
        Self { folder: folder.to_owned(), made: Vec::new(), lock }
    }

    fn add(&mut self, target: &Path, name: &str) -> Result<PathBuf, Failure> {
        let link = self.folder.join(name);
        self.link(target, &link).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    "; remove it, stop the other `lvx simulate`, or use another folder"
                }
                _ => "",
            };
            Failure::usage(format_args!("--link-dir: {}: {error}{hint}", link.display()))
        })?;
        self.made.push((link.clone(), target.to_owned()));
        Ok(link)
    }

    fn link(&self, target: &Path, link: &Path) -> io::Result<()> {
        if fs::read_link(link).is_ok_and(|old| self.is_dead(&old, target)) {
            fs::remove_file(link)?;
        }
        std::os::unix::fs::symlink(target, link)
    }

    /// Returns whether a link to `old` was left by a simulator that was killed. The number of its pty may
    /// be in use again, by this or another process.
    fn is_dead(&self, old: &Path, new: &Path) -> bool {
        let kind = |pty: &Path| {
            let path = pty.to_string_lossy();
            path.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
        };
        kind(old) == kind(new) && (self.lock.is_some() || !old.exists())
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for (link, target) in &self.made {
            if fs::read_link(link).is_ok_and(|leads_to| leads_to == *target) {
                // Another process may have removed it.
                let _ = fs::remove_file(link);
            }
        }
    }
}

fn list(out: &mut impl Write) -> Result<Status, Failure> {
    for switch in Switches::LIST {
        writeln!(out, "{}={}", switch.name, switch.value)?;
        write!(out, "{}", wrap("    ", switch.summary, args::MAX_WIDTH))?;
    }
    Ok(Status::Ok)
}
