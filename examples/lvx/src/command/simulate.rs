//! `lvx simulate`: serves a virtual bank to other programs.

mod hid;

use std::{
    fmt::{self, Display},
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
    sim::{self, Bank, BankConfig, PackSwitchInfo, Served, SharedBank, Switches},
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
    let (units, packs) = (usize::from(args.units), usize::from(args.packs));
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
    let places = (0..units).map(Place::Unit).chain((0..packs).map(Place::Pack));
    for (number, place) in places.enumerate() {
        // A pack has one line, which cannot be shared, and no USB port of its own.
        let is_on_pty = match place {
            Place::Unit(_) => args.pty || nothing_chosen,
            Place::Pack(_) => args.tcp.is_none(),
        };
        if is_on_pty {
            served.push(pty(&bank, place, number, links.as_mut(), &mut addresses)?);
        }
        if let Some(address) = &args.tcp {
            served.push(tcp(&bank, place, number, address, &mut addresses)?);
        }
        let Place::Unit(unit) = place else { continue };
        if args.uhid {
            served.push(hid::uhid(&bank, unit, &mut addresses)?);
        }
        if let Some(mount) = args.functionfs.get(unit) {
            served.push(hid::functionfs(&bank, unit, mount, &mut addresses)?);
        }
    }
    // Print the addresses only after all can be reached.
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
            // The bank has its packs later.
            Some((pack, _)) if pack.starts_with("pack") => continue,
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
    switch_packs(args, &mut bank)?;
    if !args.switches.iter().any(|text| text.contains("clock")) {
        set_clocks(&mut bank);
    }
    Ok(bank)
}

/// Makes the packs, and sets their switches.
fn switch_packs(args: &args::Simulate, bank: &mut Bank) -> Result<(), Failure> {
    let packs = usize::from(args.packs);
    if packs > 0 {
        bank.switch_pack(0, &format!("packs={packs}")).map_err(Failure::usage)?;
    }
    for text in &args.switches {
        let Some((pack, switch)) = text
            .split_once(':')
            .and_then(|(pack, switch)| Some((pack.strip_prefix("pack")?, switch)))
            .filter(|(pack, _)| !pack.contains('='))
        else {
            continue;
        };
        let wrong = |why: &dyn Display| Failure::usage(format_args!("--switch {text}: {why}"));
        if switch.starts_with("packs=") || packs == 0 {
            return Err(wrong(&"use --packs for the number of packs"));
        }
        let chosen = match pack {
            "" => 0..packs,
            number => {
                let number = number.parse().ok().filter(|number: &usize| *number < packs);
                let last = packs - 1;
                let error = format!("expected a pack from pack0 to pack{last}; --packs adds more");
                let number = number.ok_or_else(|| wrong(&error))?;
                number..number + 1
            }
        };
        for pack in chosen {
            bank.switch_pack(pack, switch).map_err(|error| wrong(&error))?;
        }
    }
    Ok(())
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

/// A unit or a battery pack, counted from 0.
#[derive(Clone, Copy)]
enum Place {
    Unit(usize),
    Pack(usize),
}

/// Writes `unit 0` or `pack 0`.
impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(unit) => write!(f, "unit {unit}"),
            Self::Pack(pack) => write!(f, "pack {pack}"),
        }
    }
}

/// Serves a unit or pack on a pty. `number` counts both.
fn pty(
    bank: &SharedBank,
    place: Place,
    number: usize,
    links: Option<&mut Links>,
    addresses: &mut Vec<String>,
) -> Result<Served, Failure> {
    let (served, kind) = match place {
        Place::Unit(unit) => (sim::serve_pty(bank, unit)?, "serial"),
        Place::Pack(pack) => (sim::serve_pack_pty(bank, pack)?, "pack:serial"),
    };
    let path = PathBuf::from(served.path());
    let shown = match links {
        None => path,
        Some(links) => links.add(&path, &format!("ttyUSB{number}"))?,
    };
    // The shorter form of a pack's address needs an absolute path.
    let kind = if shown.is_absolute() { kind.trim_end_matches(":serial") } else { kind };
    addresses.push(format!("{place}: {kind}:{}", shown.display()));
    Ok(served)
}

/// Serves a unit or pack on TCP. `number` counts both.
fn tcp(
    bank: &SharedBank,
    place: Place,
    number: usize,
    address: &str,
    addresses: &mut Vec<String>,
) -> Result<Served, Failure> {
    let wrong = |error: &dyn Display| Failure::usage(format_args!("--tcp {address}: {error}"));
    let (host, port) =
        address.rsplit_once(':').ok_or_else(|| wrong(&"expected HOST:PORT, found no port"))?;
    let port: u16 =
        port.parse().map_err(|error| wrong(&format!("expected a port number: {error}")))?;
    let offset = u16::try_from(number).unwrap_or_default();
    let port = match port {
        0 => 0,
        first => first.checked_add(offset).ok_or_else(|| {
            let port = u32::from(first) + u32::from(offset);
            wrong(&format!(
                "expected ports up to 65535, found {port} for {place}; use a lower port"
            ))
        })?,
    };
    let listener = TcpListener::bind(format!("{host}:{port}"))
        .map_err(|error| wrong(&format!("cannot listen on port {port}: {error}")))?;
    let bound = listener.local_addr().map_err(|error| wrong(&error))?;
    let (served, kind) = match place {
        Place::Unit(unit) => (sim::serve_tcp(bank, unit, listener)?, "tcp"),
        Place::Pack(pack) => (sim::serve_pack_tcp(bank, pack, listener)?, "pack:tcp"),
    };
    addresses.push(format!("{place}: {kind}:{bound}"));
    Ok(served)
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
    writeln!(out, "\nSwitches of battery packs (pack0:KEY=VALUE; sim:pack0?KEY=VALUE):")?;
    for switch in PackSwitchInfo::LIST {
        writeln!(out, "{}={}", switch.name, switch.value)?;
        write!(out, "{}", wrap("    ", switch.summary, args::MAX_WIDTH))?;
    }
    Ok(Status::Ok)
}
