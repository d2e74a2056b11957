//! Switches of a pack.

use std::time::Duration;

use crate::sim::switches::SwitchError;

/// The switches of one pack.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PackSwitches {
    pub(super) address: u8,
    pub(super) baud: u32,
    /// Error of the counter, 0.1 is ten points too many.
    pub(super) drift: f64,
    /// State of charge, 0 to 1.
    pub(super) soc: Option<f64>,
    /// Ah.
    pub(super) capacity: Option<f64>,
    /// Ohms.
    pub(super) resistance: Option<f64>,
    /// Voltage of each cell above the mean, V.
    pub(super) offsets: [f64; 16],
    pub(super) breaker_off: bool,
    pub(super) warn: u16,
    pub(super) protect: u16,
    /// Chance of a damaged reply.
    pub(super) crc: f64,
    /// Chance that a request is not answered.
    pub(super) silent: f64,
    pub(super) late: Duration,
    pub(super) echo: bool,
    /// Whether the cable to the pack is cut.
    pub(super) cut: bool,
    /// Time after the adapter was opened for which it loses all bytes.
    pub(super) opening: Duration,
    /// Values that are shown instead of those of the model.
    pub(super) temperature: Option<f64>,
    pub(super) board: Option<f64>,
    pub(super) volts: Option<f64>,
    pub(super) current: Option<f64>,
    pub(super) cells: Option<[u16; 16]>,
    pub(super) remaining: Option<f64>,
    pub(super) limit: u16,
    pub(super) cycles: f64,
}

impl Default for PackSwitches {
    fn default() -> Self {
        Self {
            address: 64,
            baud: 9600,
            drift: 0.0,
            soc: None,
            capacity: None,
            resistance: None,
            offsets: [0.0; 16],
            breaker_off: false,
            warn: 0,
            protect: 0,
            crc: 0.0,
            silent: 0.0,
            late: Duration::ZERO,
            echo: false,
            cut: false,
            opening: Duration::ZERO,
            temperature: None,
            board: None,
            volts: None,
            current: None,
            cells: None,
            remaining: None,
            limit: 100,
            cycles: 0.0,
        }
    }
}

/// A switch of a virtual pack: its name, the form of its value, and its effect.
///
/// ```
/// use pi18_transport::sim::PackSwitchInfo;
///
/// let drift = PackSwitchInfo::LIST.iter().find(|info| info.name == "drift").unwrap();
/// assert_eq!(format!("{}={}", drift.name, drift.value), "drift=points such as -20");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PackSwitchInfo {
    /// Name, the text before `=`.
    pub name: &'static str,
    /// Form of the value: the possible values, their range, or an example.
    pub value: &'static str,
    /// Effect and default, in one line.
    pub summary: &'static str,
    /// Whether the switch applies to all packs.
    pub bank_wide: bool,
    take: fn(&mut PackSwitches, &str) -> Option<()>,
}

/// Returns a row of a switch of one pack.
const fn own(
    name: &'static str,
    value: &'static str,
    summary: &'static str,
    take: fn(&mut PackSwitches, &str) -> Option<()>,
) -> PackSwitchInfo {
    PackSwitchInfo { name, value, summary, bank_wide: false, take }
}

/// Returns a row of a switch of all packs, which the bank reads.
const fn shared(name: &'static str, value: &'static str, summary: &'static str) -> PackSwitchInfo {
    PackSwitchInfo { name, value, summary, bank_wide: true, take: |_, _| None }
}

impl PackSwitchInfo {
    /// All switches.
    pub const LIST: &'static [Self] = &[
        shared("packs", "1 to 16", "Number of packs (default 3)"),
        shared(
            "chain",
            "on|off",
            "Cables chain the packs, so that only the first answers (default off)",
        ),
        shared(
            "summary",
            "on|off",
            "The first pack answers with the summary of a chain (default off)",
        ),
        own("address", "1 to 247", "Address on the bus (default 64)", |switches, text| {
            switches.address = text.parse().ok().filter(|address| (1..=247).contains(address))?;
            Some(())
        }),
        own(
            "baud",
            "a speed such as 9600",
            "Speed of the line (default 9600)",
            |switches, text| {
                switches.baud = text.parse().ok().filter(|baud| *baud > 0)?;
                Some(())
            },
        ),
        own(
            "drift",
            "points such as -20",
            "Error of the counter of the state of charge (default 0)",
            |switches, text| {
                switches.drift = number(text, -100.0, 100.0)? / 100.0;
                Some(())
            },
        ),
        own(
            "soc",
            "0 to 100",
            "True state of charge, % (default that of the battery)",
            |switches, text| {
                switches.soc = Some(number(text, 0.0, 100.0)? / 100.0);
                Some(())
            },
        ),
        own("capacity", "Ah such as 100", "Capacity (default an equal share)", |switches, text| {
            switches.capacity = Some(number(text, 1.0, 6000.0)?);
            Some(())
        }),
        own(
            "resistance",
            "milliohms such as 30",
            "Resistance (default 30 at 100 Ah)",
            |switches, text| {
                switches.resistance = Some(number(text, 0.1, 100_000.0)? / 1000.0);
                Some(())
            },
        ),
        own(
            "cell",
            "cell and millivolts such as 3:-50",
            "Voltage of a cell from the mean (default 0)",
            |switches, text| {
                let (cell, offset) = text.split_once(':')?;
                let cell = cell.parse::<usize>().ok()?.checked_sub(1)?;
                *switches.offsets.get_mut(cell)? = number(offset, -3000.0, 3000.0)? / 1000.0;
                Some(())
            },
        ),
        own("breaker", "on|off", "Breaker of the pack (default on)", |switches, text| {
            switches.breaker_off = !on_off(text)?;
            Some(())
        }),
        own("warn", "bits such as 0x0002", "Warnings (default 0x0000)", |switches, text| {
            switches.warn = bits(text)?;
            Some(())
        }),
        own(
            "protect",
            "bits such as 0x0002",
            "Protections, which disconnect the pack (default 0x0000)",
            |switches, text| {
                switches.protect = bits(text)?;
                Some(())
            },
        ),
        own(
            "crc",
            "a chance from 0 to 1",
            "Chance that a reply is damaged (default 0)",
            |switches, text| {
                switches.crc = number(text, 0.0, 1.0)?;
                Some(())
            },
        ),
        own(
            "silent",
            "a chance from 0 to 1",
            "Chance that a request is not answered (default 0)",
            |switches, text| {
                switches.silent = number(text, 0.0, 1.0)?;
                Some(())
            },
        ),
        own(
            "late",
            "a time such as 2s",
            "Time by which replies are late (default 0s)",
            |switches, text| {
                switches.late = time(text)?;
                Some(())
            },
        ),
        own("echo", "on|off", "The adapter sends requests back (default off)", |switches, text| {
            switches.echo = on_off(text)?;
            Some(())
        }),
        own("cut", "on|off", "The cable is unplugged (default off)", |switches, text| {
            switches.cut = on_off(text)?;
            Some(())
        }),
        own(
            "opening",
            "a time such as 40s",
            "Time for which the adapter is not ready after it was opened (default 0s)",
            |switches, text| {
                switches.opening = time(text)?;
                Some(())
            },
        ),
        own(
            "temperature",
            "degrees such as 20",
            "Temperature of the cells (default from air and current)",
            |switches, text| {
                switches.temperature = Some(number(text, -56.0, 127.0)?);
                Some(())
            },
        ),
        own(
            "board",
            "degrees such as 21",
            "Temperature of the circuit board (default one more)",
            |switches, text| {
                switches.board = Some(number(text, -56.0, 127.0)?);
                Some(())
            },
        ),
        own(
            "volts",
            "volts such as 53.76",
            "Shown voltage (default that of the battery)",
            |switches, text| {
                switches.volts = Some(number(text, 0.0, 655.0)?);
                Some(())
            },
        ),
        own(
            "current",
            "amperes such as -4.36",
            "Shown current (default the share of the pack)",
            |switches, text| {
                switches.current = Some(number(text, -327.0, 327.0)?);
                Some(())
            },
        ),
        own(
            "cells",
            "16 voltages such as 3.36",
            "Shown voltages of the cells, separated by commas; one for all (default from the voltage)",
            |switches, text| {
                let cells: Option<Vec<u16>> = text.split(',').map(millivolts).collect();
                switches.cells = Some(match *cells? {
                    [one] => [one; 16],
                    ref all => <[u16; 16]>::try_from(all).ok()?,
                });
                Some(())
            },
        ),
        own(
            "remaining",
            "Ah such as 90",
            "Shown remaining charge (default from the counter)",
            |switches, text| {
                switches.remaining = Some(number(text, 0.0, 65_535.0)?);
                Some(())
            },
        ),
        own(
            "limit",
            "amperes such as 50",
            "Shown maximum charge current (default 100)",
            |switches, text| {
                switches.limit = text.parse().ok()?;
                Some(())
            },
        ),
        own(
            "cycles",
            "a number such as 1",
            "Charge cycles at the start (default 0)",
            |switches, text| {
                switches.cycles = number(text, 0.0, 65_535.0)?.floor();
                Some(())
            },
        ),
    ];
}

impl PackSwitches {
    /// Sets one switch.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        let info = PackSwitchInfo::LIST.iter().find(|info| info.name == name);
        let near = || {
            let names = PackSwitchInfo::LIST.iter().map(|info| info.name);
            let near = names.min_by_key(|known| strsim::damerau_levenshtein(known, name));
            near.filter(|known| strsim::damerau_levenshtein(known, name) <= 2)
        };
        let info = info.ok_or_else(|| SwitchError::unknown(name, near()))?;
        (info.take)(self, value).ok_or_else(|| SwitchError::value(name, info.value, value))
    }
}

fn number(text: &str, min: f64, max: f64) -> Option<f64> {
    text.parse().ok().filter(|value| (min..=max).contains(value))
}

fn on_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn bits(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Reads a voltage with at most three decimals, in thousandths.
fn millivolts(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_right = digits(whole) && digits(part) && part.len() <= 3;
    format!("{whole}{part:0<3}").parse().ok().filter(|_| is_right)
}

fn time(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let time = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()?;
    Some(time).filter(|time| time.as_secs() <= 3600)
}
