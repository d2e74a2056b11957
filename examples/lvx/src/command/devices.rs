//! `lvx devices`: lists USB adapters and the units behind them.

use std::{
    io::{self, Write},
    path::Path,
};

use pi18_proto::{Count, SerialNumber};
use pi18_transport::{Device, Nameplate};
use serde::Serialize;

use crate::{
    args::{Devices, Format},
    terminal::{Failure, Progress, Status, print_error},
    units::{discover, read_held},
};

pub(crate) fn run(args: &Devices, out: &mut impl Write) -> Result<Status, Failure> {
    let progress = Progress::start();
    progress.note("querying the identity of all units");
    let mut devices = discover();
    if let Some(ports) = &args.serial {
        let ports = if ports.is_empty() { pi18_transport::serial_ports() } else { ports.clone() };
        let mut found = pi18_transport::discover_serial(&ports);
        found.iter_mut().for_each(read_held);
        devices.extend(found);
    }
    drop(progress);
    match args.format {
        Format::Table => table(&devices, out)?,
        Format::Json => {
            let shown: Vec<JsonDevice> = devices.iter().map(object).collect();
            writeln!(out, "{}", serde_json::to_string(&shown).map_err(io::Error::from)?)?;
        }
    }
    let warnings = serial_warnings(&devices);
    for warning in &warnings {
        print_error(warning);
    }
    if devices.is_empty() {
        print_error(
            "no USB adapter of an inverter is plugged in; --serial queries serial ports, too",
        );
    }
    Ok(status(&devices, !warnings.is_empty()))
}

fn table(devices: &[Device], out: &mut impl Write) -> Result<(), Failure> {
    let mut rows = vec![
        ["DEVICE", "USB PORT", "SERIAL NUMBER", "MODEL", "FIRMWARE", "INSTANCE"].map(str::to_owned),
    ];
    rows.extend(devices.iter().filter_map(|device| {
        let unit = device.unit.as_ref().ok()?;
        let cell = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        Some([
            node(device),
            cell(device.port.clone()),
            unit.serial_number.to_string(),
            cell(unit.model.map(|model| model.to_string())),
            cell(unit.firmware.as_ref().map(|firmware| firmware.main.to_string())),
            cell(unit.instance.map(|instance| instance.to_string())),
        ])
    }));
    if rows.len() > 1 {
        let widths: [usize; 6] = std::array::from_fn(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        });
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
    }
    for device in devices {
        if let Err(why) = &device.unit {
            let port = device.port.as_ref().filter(|_| device.node.is_some());
            let port = port.map(|port| format!(" (USB port {port})")).unwrap_or_default();
            writeln!(out, "no unit{port}: {why:#}")?;
        }
    }
    Ok(())
}

fn node(device: &Device) -> String {
    device.node.as_ref().map_or_else(|| "-".to_owned(), |node| node.display().to_string())
}

/// A device as JSON.
#[derive(Serialize)]
struct JsonDevice<'a> {
    device: Option<&'a Path>,
    usb_port: Option<&'a str>,
    unit: Option<JsonUnit>,
    found: Option<&'static str>,
    error: Option<String>,
}

#[derive(Serialize)]
struct JsonUnit {
    serial_number: SerialNumber,
    model: Option<String>,
    firmware: Option<String>,
    instance: Option<Count>,
}

fn object(device: &Device) -> JsonDevice<'_> {
    let unit = device.unit.as_ref();
    let unit_json = |unit: &Nameplate| JsonUnit {
        serial_number: unit.serial_number,
        model: unit.model.map(|model| model.to_string()),
        firmware: unit.firmware.as_ref().map(|firmware| firmware.main.to_string()),
        instance: unit.instance,
    };
    JsonDevice {
        device: device.node.as_deref(),
        usb_port: device.port.as_deref(),
        unit: unit.ok().map(unit_json),
        found: unit.err().map(reason),
        error: unit.err().map(|error| format!("{error:#}")),
    }
}

/// Returns the JSON value of `found`: the reason why the unit is unknown.
fn reason(error: &pi18_transport::Error) -> &'static str {
    if error.is_taken() {
        "taken"
    } else if error.is_busy() {
        "busy"
    } else if error.is_permission() {
        "forbidden"
    } else if error.is_not_pi18() {
        "other"
    } else if error.is_timeout() {
        "silent"
    } else {
        "failed"
    }
}

/// Returns warnings about serial numbers that do not identify a unit.
fn serial_warnings(devices: &[Device]) -> Vec<String> {
    let units = || devices.iter().filter_map(|device| Some((device, device.unit.as_ref().ok()?)));
    units()
        .filter_map(|(device, unit)| {
            let (node, serial) = (node(device), unit.serial_number);
            let duplicates = units().filter(|(_, other)| other.serial_number == serial).count();
            if !serial.looks_genuine() {
                Some(format!(
                    "{node}: {serial} is not a valid serial number: use the device path as address"
                ))
            } else if duplicates > 1 {
                Some(format!(
                    "{node}: {serial} is also reported by another unit: use the device path as address"
                ))
            } else {
                None
            }
        })
        .collect()
}

fn status(devices: &[Device], has_warnings: bool) -> Status {
    let is_failure = |error: &pi18_transport::Error| !error.is_not_pi18() && !error.is_timeout();
    let none = !devices.iter().any(|device| device.unit.is_ok());
    if none || devices.iter().any(|device| device.unit.as_ref().is_err_and(is_failure)) {
        Status::Unread
    } else if has_warnings {
        Status::Findings
    } else {
        Status::Ok
    }
}
