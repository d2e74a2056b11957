//! `lvx devices`: lists USB adapters and the units behind them, and battery packs behind serial ports.

mod packs;

use std::{
    io::{self, Write},
    path::Path,
};

use lvx_parallel::pack::Label;
use pi18_proto::{Count, SerialNumber};
use pi18_transport::{Address, Device, Nameplate, printable};
use serde::Serialize;

use self::packs::FoundPack;
use crate::{
    args::{Devices, Format},
    terminal::{Failure, Progress, Status, print_error},
    units::{discover, read_held},
};

pub(crate) fn run(args: &Devices, out: &mut impl Write) -> Result<Status, Failure> {
    let progress = Progress::start();
    progress.note("querying the identity of all units");
    let mut devices = discover();
    let mut packs = Vec::new();
    if let Some(ports) = &args.serial {
        let ports = if ports.is_empty() { pi18_transport::serial_ports() } else { ports.clone() };
        let mut found = pi18_transport::discover_serial(&ports);
        found.iter_mut().for_each(read_held);
        packs = packs::find(&found);
        // USB adapters have no packs.
        let usb = devices.iter().map(|_| None);
        packs = usb.chain(packs).collect();
        devices.extend(found);
    }
    drop(progress);
    packs.resize_with(devices.len(), || None);
    let found: Vec<_> = devices.iter().zip(&packs).map(|(at, pack)| (at, pack.as_ref())).collect();
    match args.format {
        Format::Table => {
            table(&found, out)?;
            table_of_packs(&found, out)?;
        }
        Format::Json => {
            let shown: Vec<JsonDevice> = found.iter().map(object).collect();
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
    Ok(status(&found, !warnings.is_empty()))
}

/// A device, and the battery pack behind it.
type Found<'a> = (&'a Device, Option<&'a FoundPack>);

fn table(devices: &[Found<'_>], out: &mut impl Write) -> Result<(), Failure> {
    let mut rows = vec![
        ["DEVICE", "USB PORT", "SERIAL NUMBER", "MODEL", "FIRMWARE", "INSTANCE"].map(str::to_owned),
    ];
    rows.extend(devices.iter().filter_map(|(device, _)| {
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
    write_rows(&rows, out)?;
    for (device, pack) in devices {
        if let (Err(why), None) = (&device.unit, pack) {
            let port = device.port.as_ref().filter(|_| device.node.is_some());
            let port = port.map(|port| format!(" (USB port {port})")).unwrap_or_default();
            writeln!(out, "no unit{port}: {why:#}")?;
        }
    }
    Ok(())
}

fn table_of_packs(devices: &[Found<'_>], out: &mut impl Write) -> Result<(), Failure> {
    let packs = || devices.iter().filter_map(|(_, pack)| *pack);
    let mut rows = vec![["PACK", "MODEL", "FIRMWARE", "VOLTAGE", "CHARGE"].map(str::to_owned)];
    rows.extend(packs().filter_map(|pack| {
        let live = pack.live.as_ref().ok()?;
        let text = |text: fn(&Label) -> &str| {
            let text = pack.label.as_ref().map(text).filter(|text| !text.is_empty());
            printable(text.unwrap_or("-")).into_owned()
        };
        Some([
            printable(&pack.address.to_string()).into_owned(),
            text(|label| &label.model),
            text(|label| &label.firmware),
            live.voltage.to_string(),
            live.state_of_charge.to_string(),
        ])
    }));
    write_rows(&rows, out)?;
    for pack in packs() {
        if let Err(why) = &pack.live {
            writeln!(out, "no pack at {}: {why:#}", pack.address)?;
        }
    }
    Ok(())
}

/// Writes rows below each other, unless there is only the head.
fn write_rows<const N: usize>(rows: &[[String; N]], out: &mut impl Write) -> io::Result<()> {
    if rows.len() < 2 {
        return Ok(());
    }
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    });
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<JsonPack<'a>>,
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

/// A battery pack; without measurements if something answered that is not one pack.
#[derive(Serialize)]
struct JsonPack<'a> {
    address: &'a Address,
    model: Option<&'a str>,
    firmware: Option<&'a str>,
    voltage: Option<f64>,
    state_of_charge: Option<u16>,
}

fn object<'a>((device, pack): &Found<'a>) -> JsonDevice<'a> {
    let unit = device.unit.as_ref();
    let pack_json = |pack: &'a FoundPack| JsonPack {
        address: &pack.address,
        model: pack.label.as_ref().map(|label| label.model.as_str()),
        firmware: pack.label.as_ref().map(|label| label.firmware.as_str()),
        voltage: pack.live.as_ref().ok().map(|live| live.voltage.in_unit()),
        state_of_charge: pack.live.as_ref().ok().map(|live| live.state_of_charge.0),
    };
    let error = match pack {
        None => unit.err(),
        Some(pack) => pack.live.as_ref().err(),
    };
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
        pack: pack.map(pack_json),
        found: match pack {
            None => unit.err().map(reason),
            Some(pack) => Some(if pack.live.is_ok() { "pack" } else { "other" }),
        },
        error: error.map(|error| format!("{error:#}")),
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

fn status(devices: &[Found<'_>], has_warnings: bool) -> Status {
    let is_failure = |error: &pi18_transport::Error| !error.is_not_pi18() && !error.is_timeout();
    let is_pack = |pack: &FoundPack| pack.live.is_ok();
    let none =
        !devices.iter().any(|(device, pack)| device.unit.is_ok() || pack.is_some_and(is_pack));
    if none || devices.iter().any(|(device, _)| device.unit.as_ref().is_err_and(is_failure)) {
        Status::Unread
    } else if has_warnings {
        Status::Findings
    } else {
        Status::Ok
    }
}
