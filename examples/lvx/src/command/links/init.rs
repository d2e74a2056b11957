//! `lvx links init`: names the units that are plugged in.

use std::{fs, io::Write, path::Path};

use pi18_proto::SerialNumber;
use pi18_transport::{Device, Nameplate};

use super::unit_names::UnitNames;
use crate::{
    terminal::{Failure, Status, print_error},
    units::discover,
};

pub(super) fn run(
    path: &Path,
    prefix: &str,
    is_dry_run: bool,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let (names, status) = name_units(&discover(), prefix)?;
    if names.is_empty() {
        print_error(
            "no unit with a valid serial number was found; `lvx devices` lists all devices",
        );
        return Ok(Status::Unread);
    }
    write!(out, "{names}")?;
    if is_dry_run {
        return Ok(status);
    }
    if status == Status::Unread {
        // An incomplete file would stay incomplete, because files are never overwritten.
        print_error("nothing was written, because a device could not be queried (see above)");
        return Ok(status);
    }
    write(path, &names.to_string())?;
    writeln!(
        out,
        "\nwritten to {}; edit the names if you like, then run: lvx links",
        path.display()
    )?;
    Ok(status)
}

/// Names the units with numbers from 1, the master first. Prints an error for each device without a name.
fn name_units(devices: &[Device], prefix: &str) -> Result<(UnitNames, Status), Failure> {
    let units = || devices.iter().filter_map(|device| device.unit.as_ref().ok());
    let mut status = Status::Ok;
    let mut valid: Vec<&Nameplate> = Vec::new();
    for device in devices {
        let unit = match &device.unit {
            Ok(unit) => unit,
            Err(error) if error.is_not_pi18() => continue,
            Err(error) => {
                print_error(&format!("{error:#}"));
                // A device that does not answer may be a UPS.
                if !error.is_timeout() {
                    status = Status::Unread;
                }
                continue;
            }
        };
        let serial = unit.serial_number;
        let is_duplicate = units().filter(|other| other.serial_number == serial).count() > 1;
        let node = device.node.as_deref().unwrap_or(Path::new("?")).display();
        let why = if !serial.looks_genuine() {
            "is not a valid serial number"
        } else if is_duplicate {
            "is also reported by another unit"
        } else {
            valid.push(unit);
            continue;
        };
        print_error(&format!("{node}: {serial} {why}; the unit is not named"));
        status = status.max(Status::Findings);
    }
    valid.sort_by_key(|unit| (unit.instance.map_or(u16::MAX, |it| it.0), unit.serial_number));
    let mut names = UnitNames::default();
    for (number, unit) in (1..).zip(valid) {
        let serial: SerialNumber = unit.serial_number;
        names
            .add(serial, &format!("{prefix}-{number}"))
            .map_err(|why| Failure::usage(format_args!("--prefix {prefix}: {why}")))?;
    }
    Ok((names, status))
}

/// Writes a new file; never overwrites an existing one.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failure = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "; add the lines above to it",
            std::io::ErrorKind::PermissionDenied => "; run as root (sudo), or use --units",
            _ => "",
        };
        Failure::usage(format_args!("{}: cannot be written: {error}{hint}", path.display()))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failure)?;
    }
    let mut file = fs::File::create_new(path).map_err(failure)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failure)
}
