//! `lvx bridge init`: a commented configuration for the units that were found.

use std::{collections::BTreeSet, fmt::Write as _, fs, io::Write, path::Path};

use lvx_bridge::{Name, config::Config};
use pi18_proto::{Identity, SerialNumber};
use pi18_transport::Address;

use crate::{
    terminal::{Failure, Status, print_error},
    units::{discover, open_address},
};

/// A unit that was found. Without an address it is searched on USB.
struct Found {
    serial: SerialNumber,
    instance: u16,
    address: Option<String>,
}

pub(super) fn run(
    path: &Path,
    units: &[String],
    prefix: &str,
    is_dry_run: bool,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    format!("{prefix}-1")
        .parse::<Name>()
        .map_err(|error| Failure::usage(format_args!("--prefix {prefix}: {error}")))?;
    let (mut found, status) = if units.is_empty() { plugged_in() } else { given(units)? };
    if found.is_empty() {
        print_error(
            "no unit with a valid serial number was found; give the addresses of the units, or try: \
             lvx bridge init --dry-run sim:0 sim:1",
        );
        return Ok(Status::Unread);
    }
    found.sort_by_key(|unit| (unit.instance, unit.serial));
    let text = configuration(&found, prefix);
    // Nothing is written that the bridge would refuse.
    Config::parse("bridge.yaml", &text, &|_| Err(String::new()))?;
    write!(out, "{text}")?;
    if is_dry_run {
        return Ok(status);
    }
    if status == Status::Unread {
        print_error("nothing was written, because a device could not be queried (see above)");
        return Ok(status);
    }
    write_new(path, &text)?;
    writeln!(
        out,
        "\nwritten to {0}; edit it, then check it: lvx bridge check {0}",
        path.display()
    )?;
    Ok(status)
}

/// Returns the units that are plugged in.
fn plugged_in() -> (Vec<Found>, Status) {
    let (mut found, mut status) = (Vec::<Found>::new(), Status::Ok);
    for device in discover() {
        match device.unit {
            Ok(unit) => {
                let is_new = found.iter().all(|other| other.serial != unit.serial_number);
                if unit.serial_number.looks_genuine() && is_new {
                    found.push(Found {
                        serial: unit.serial_number,
                        instance: unit.instance.map_or(u16::MAX, |instance| instance.0),
                        address: None,
                    });
                } else {
                    let serial = unit.serial_number;
                    print_error(&format!(
                        "{serial} is not valid or also reported by another unit; it is left out"
                    ));
                    status = status.max(Status::Findings);
                }
            }
            Err(error) if error.is_not_pi18() => {}
            Err(error) => {
                print_error(&format!("{error:#}"));
                // A device that does not answer may be a UPS.
                if !error.is_timeout() {
                    status = Status::Unread;
                }
            }
        }
    }
    (found, status)
}

/// Returns the units at these addresses.
fn given(addresses: &[String]) -> Result<(Vec<Found>, Status), Failure> {
    let (mut found, mut status) = (Vec::new(), Status::Ok);
    let mut seen = BTreeSet::new();
    for (instance, text) in (0..).zip(addresses) {
        let address: Address = text.parse()?;
        let read = open_address(&address).and_then(|mut client| client.read::<Identity>());
        match read {
            Ok(unit) if !unit.serial_number.looks_genuine() || !seen.insert(unit.serial_number) => {
                let serial = unit.serial_number;
                print_error(&format!("{text}: {serial} is not valid or was given twice"));
                status = status.max(Status::Findings);
            }
            Ok(unit) => found.push(Found {
                serial: unit.serial_number,
                instance,
                address: Some(address.to_string()),
            }),
            Err(error) => {
                print_error(&format!("{error:#}"));
                status = Status::Unread;
            }
        }
    }
    Ok((found, status))
}

fn configuration(found: &[Found], prefix: &str) -> String {
    let mut units = String::new();
    for (number, unit) in (1..).zip(found) {
        let _ = write!(units, "  - name: {prefix}-{number}\n    serial: \"{}\"\n", unit.serial);
        if let Some(address) = &unit.address {
            let _ = writeln!(units, "    address: \"{address}\"");
        }
    }
    include_str!("bridge.yaml").replace("@units@\n", &units)
}

/// Writes a new file that only its owner can change; never overwrites an existing one.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failure = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "; it is not overwritten",
            std::io::ErrorKind::PermissionDenied => "; run as root (sudo), or use --config",
            _ => "",
        };
        Failure::usage(format_args!("{}: cannot be written: {error}{hint}", path.display()))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failure)?;
    }
    let mut options = fs::OpenOptions::new();
    let options =
        std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o644);
    let mut file = options.open(path).map_err(failure)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failure)
}
