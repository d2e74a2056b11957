//! `lvx links init`: the names, from what is plugged in.

use std::{fs, io::Write, path::Path};

use pi18_proto::SerialNumber;
use pi18_transport::{Device, Nameplate};

use super::map::UnitNames;
use crate::terminal::{Failure, Status, print_error};

pub(super) fn run(
    path: &Path,
    prefix: &str,
    dry: bool,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let (names, status) = name(&pi18_transport::discover(), prefix)?;
    if names.is_empty() {
        print_error("no unit was found to give a name to; `lvx devices` says what is there");
        return Ok(Status::Unread);
    }
    write!(out, "{names}")?;
    if dry {
        return Ok(status);
    }
    if status == Status::Unread {
        // It would stay as it is: a file is never written over.
        print_error("nothing was written: first see to the device that could not be asked");
        return Ok(status);
    }
    write(path, &names.to_string())?;
    writeln!(
        out,
        "\nwritten to {}; change the names as you like, then: lvx links",
        path.display()
    )?;
    Ok(status)
}

/// Numbers from 1, the master first. What can have no name is told.
fn name(devices: &[Device], prefix: &str) -> Result<(UnitNames, Status), Failure> {
    let units = || devices.iter().filter_map(|device| device.unit.as_ref().ok());
    let mut status = Status::Ok;
    let mut sound: Vec<&Nameplate> = Vec::new();
    for device in devices {
        let unit = match &device.unit {
            Ok(unit) => unit,
            Err(error) if error.is_not_pi18() => continue,
            Err(error) => {
                print_error(&error.to_string());
                // One that does not answer may be a UPS.
                if !error.is_timeout() {
                    status = Status::Unread;
                }
                continue;
            }
        };
        let serial = unit.serial_number;
        let doubled = units().filter(|other| other.serial_number == serial).count() > 1;
        let node = device.node.as_deref().unwrap_or(Path::new("?")).display();
        let why = if !serial.looks_genuine() {
            "is no unit's own serial number"
        } else if doubled {
            "is told by another unit, too"
        } else {
            sound.push(unit);
            continue;
        };
        print_error(&format!("{node}: {serial} {why}; it gets no name"));
        status = status.max(Status::Findings);
    }
    sound.sort_by_key(|unit| (unit.instance.map_or(u16::MAX, |it| it.0), unit.serial_number));
    let mut names = UnitNames::default();
    for (number, unit) in (1..).zip(sound) {
        let serial: SerialNumber = unit.serial_number;
        names
            .add(serial, &format!("{prefix}-{number}"))
            .map_err(|why| Failure::usage(format_args!("--prefix {prefix}: {why}")))?;
    }
    Ok((names, status))
}

/// Never over one that is there.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "; it stays as it is: put the lines above into it",
            std::io::ErrorKind::PermissionDenied => "; run it as root (sudo), or choose --units",
            _ => "",
        };
        Failure::usage(format_args!("{}: cannot be written: {error}{hint}", path.display()))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    let mut file = fs::File::create_new(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)
}
