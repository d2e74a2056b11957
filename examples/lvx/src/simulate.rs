//! `lvx simulate`: a virtual bank that other programs can talk to.

use std::{
    fs, io,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::mpsc,
};

use pi18_transport::sim::{self, Bank, Config, Served, SharedBank, Switches};

use crate::{
    args,
    outcome::{Failure, Status},
};

pub(crate) fn run(args: &args::Simulate, out: &mut impl Write) -> Result<Status, Failure> {
    if args.list_switches {
        return list(out);
    }
    let units = usize::from(args.units);
    let bank = SharedBank::real(bank(args, units)?);
    let (interrupt, interrupted) = mpsc::channel();
    ctrlc::set_handler(move || {
        // A second interrupt finds nobody listening, and that is fine.
        let _ = interrupt.send(());
    })
    .map_err(|error| Failure::usage(format_args!("signals: {error}")))?;

    let mut served = Vec::new();
    let mut links = Links::default();
    for unit in 0..units {
        if args.pty || args.tcp.is_none() {
            served.push(pty(&bank, unit, args, &mut links, out)?);
        }
        if let Some(address) = &args.tcp {
            served.push(tcp(&bank, unit, address, out)?);
        }
    }
    writeln!(out, "serving until interrupted (Ctrl-C)")?;
    out.flush()?;
    // The other end is never dropped while the handler lives.
    let _ = interrupted.recv();
    drop(served);
    Ok(Status::Well)
}

fn bank(args: &args::Simulate, units: usize) -> Result<Bank, Failure> {
    let mut switches = vec![Switches::default(); units];
    for text in &args.switches {
        let (unit, switch) = match text.split_once(':') {
            Some((unit, switch)) if unit.bytes().all(|byte| byte.is_ascii_digit()) => {
                (unit.parse::<usize>().ok(), switch)
            }
            _ => (None, text.as_str()),
        };
        let chosen = match unit {
            None => switches.iter_mut().collect(),
            Some(unit) => switches.get_mut(unit).into_iter().collect::<Vec<_>>(),
        };
        if chosen.is_empty() {
            let last = units - 1;
            return Err(Failure::usage(format_args!(
                "--switch {text}: wanted a unit from 0 to {last}; `--units` makes more"
            )));
        }
        for switches in chosen {
            switches
                .set(switch)
                .map_err(|error| Failure::usage(format_args!("--switch {text}: {error}")))?;
        }
    }
    Bank::new(Config { units, switches }).map_err(Failure::usage)
}

fn pty(
    bank: &SharedBank,
    unit: usize,
    args: &args::Simulate,
    links: &mut Links,
    out: &mut impl Write,
) -> Result<Served, Failure> {
    let served = sim::serve_pty(bank, unit)?;
    let path = PathBuf::from(served.path());
    let shown = match &args.link_dir {
        None => path,
        Some(folder) => {
            links.add(&path, folder.join(format!("ttyUSB{unit}"))).map_err(|error| {
                Failure::usage(format_args!("--link-dir {}: {error}", folder.display()))
            })?
        }
    };
    writeln!(out, "unit {unit}: serial:{}", shown.display())?;
    Ok(served)
}

fn tcp(
    bank: &SharedBank,
    unit: usize,
    address: &str,
    out: &mut impl Write,
) -> Result<Served, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format_args!("--tcp {address}: wanted HOST:PORT to listen on: {error}"))
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(|| wrong(&"no port is given"))?;
    let port: u16 = port.parse().map_err(|error| wrong(&error))?;
    let offset = u16::try_from(unit).unwrap_or_default();
    let port = if port == 0 { 0 } else { port.saturating_add(offset) };
    let listener = TcpListener::bind(format!("{host}:{port}")).map_err(|error| wrong(&error))?;
    let bound = listener.local_addr().map_err(|error| wrong(&error))?;
    writeln!(out, "unit {unit}: tcp:{bound}")?;
    Ok(sim::serve_tcp(bank, unit, listener)?)
}

/// Links to ptys, taken away again at the end.
#[derive(Default)]
struct Links(Vec<PathBuf>);

impl Links {
    /// A link that is left over from before is replaced; anything else is not.
    fn add(&mut self, target: &Path, link: PathBuf) -> io::Result<PathBuf> {
        if link.is_symlink() {
            fs::remove_file(&link)?;
        }
        std::os::unix::fs::symlink(target, &link)?;
        self.0.push(link.clone());
        Ok(link)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for link in &self.0 {
            // It may be gone already.
            let _ = fs::remove_file(link);
        }
    }
}

fn list(out: &mut impl Write) -> Result<Status, Failure> {
    for switch in Switches::LIST {
        writeln!(out, "{}={}\n    {}", switch.name, switch.value, switch.summary)?;
    }
    Ok(Status::Well)
}
