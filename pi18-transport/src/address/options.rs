//! The options of addresses, such as `timeout=2s`.

use std::{path::PathBuf, time::Duration};

use pi18_proto::{Dialect, SerialNumber};

use super::target::Target;
use crate::{BAUD, ClientConfig};

/// The values of all options of an address.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// The configuration of the client.
    pub(super) config: ClientConfig,
    /// The speed of a serial port.
    pub(super) baud: u32,
    /// The pause between the reports of one request over hidraw.
    pub(super) pause: Duration,
    /// The socket of a bridge; `None` for the default one.
    pub(super) socket: Option<PathBuf>,
    /// The address of a pack on its bus.
    pub(super) pack: u8,
}

impl Options {
    /// Returns the options of an address without any.
    pub(super) fn of(target: &Target) -> Self {
        let mut options = Self {
            config: ClientConfig::default(),
            baud: BAUD,
            pause: Duration::ZERO,
            socket: None,
            pack: PACK_ADDRESS,
        };
        if matches!(target, Target::Pack(_)) {
            options.baud = PACK_BAUD;
            options.config.timeout = PACK_TIMEOUT;
            options.config.tries = PACK_TRIES;
        }
        options
    }
}

/// An option of an address, such as `timeout=2s`.
pub(super) struct AddressOption {
    /// Name before the `=`.
    pub(super) name: &'static str,
    /// Description of the valid values, for errors.
    pub(super) expected: &'static str,
    /// Whether the option can be used with a target.
    pub(super) applies_to: fn(&Target) -> bool,
    /// Sets the option. Returns `None` if the value is invalid.
    pub(super) set: fn(&mut Options, &str) -> Option<()>,
    /// Returns the value of the option as text; `None` if it has none.
    pub(super) value: fn(&Options) -> Option<String>,
}

pub(super) const OPTIONS: [AddressOption; 8] = [
    AddressOption {
        name: "crc",
        expected: "crc=on or crc=off",
        applies_to: is_unit,
        set: |options, value| dialect(value).map(|dialect| options.config.dialect = dialect),
        value: |options| {
            let has_checksum = options.config.dialect == Dialect::Checksum;
            Some(if has_checksum { "on" } else { "off" }.to_owned())
        },
    },
    AddressOption {
        name: "timeout",
        expected: "a time such as timeout=2s",
        applies_to: |_| true,
        set: |options, value| {
            let timeout = duration(value).filter(|time| !time.is_zero());
            timeout.map(|timeout| options.config.timeout = timeout)
        },
        value: |options| Some(time_text(options.config.timeout)),
    },
    AddressOption {
        name: "tries",
        expected: "a number of tries from 1 to 20",
        applies_to: |_| true,
        set: |options, value| {
            let tries = number(value).filter(|tries| *tries <= 20);
            tries.map(|tries| options.config.tries = tries)
        },
        value: |options| Some(options.config.tries.to_string()),
    },
    AddressOption {
        name: "serial",
        expected: "a serial number such as serial=96132206100410, and no placeholder",
        applies_to: is_unit,
        set: |options, value| {
            let serial = SerialNumber::new(value).filter(SerialNumber::looks_genuine);
            serial.map(|serial| options.config.expected_serial = Some(serial))
        },
        value: |options| options.config.expected_serial.map(|serial| serial.to_string()),
    },
    AddressOption {
        name: "pause",
        expected: "a time such as pause=50ms",
        applies_to: |target| {
            matches!(target, Target::Hidraw(_) | Target::Path(_) | Target::SerialNumber(_))
        },
        set: |options, value| duration(value).map(|pause| options.pause = pause),
        value: |options| Some(time_text(options.pause)),
    },
    AddressOption {
        name: "baud",
        expected: "a speed such as baud=2400",
        applies_to: |target| match target {
            Target::Pack(port) => matches!(**port, Target::Serial(_)),
            target => matches!(target, Target::Serial(_) | Target::Path(_)),
        },
        set: |options, value| number(value).map(|baud| options.baud = baud),
        value: |options| Some(options.baud.to_string()),
    },
    AddressOption {
        name: "address",
        expected: "the address of a pack such as address=64, 1 to 247",
        applies_to: |target| matches!(target, Target::Pack(_)),
        set: |options, value| {
            let address = value.parse().ok().filter(|address| (1..=247).contains(address));
            address.map(|address| options.pack = address)
        },
        value: |options| Some(options.pack.to_string()),
    },
    AddressOption {
        name: "socket",
        expected: "the absolute path of a socket such as socket=/run/lvx/bridge.sock",
        applies_to: |target| matches!(target, Target::Bridge(_)),
        set: |options, value| {
            let path = Some(PathBuf::from(value)).filter(|path| path.is_absolute());
            path.map(|path| options.socket = Some(path))
        },
        value: |options| options.socket.as_ref().map(|socket| socket.display().to_string()),
    },
];

/// Returns whether a target is a unit.
fn is_unit(target: &Target) -> bool {
    !matches!(target, Target::Pack(_))
}

/// Returns the texts of the options that do not have the default of the target.
pub(super) fn texts(target: &Target, options: &Options) -> Vec<String> {
    let defaults = Options::of(target);
    let text = |option: &AddressOption| {
        let value = (option.value)(options)?;
        let is_default = Some(&value) == (option.value)(&defaults).as_ref();
        (!is_default).then(|| format!("{}={value}", option.name))
    };
    OPTIONS.iter().filter_map(text).collect()
}

/// Returns the names of the options that apply to a target, for errors.
pub(super) fn names_for(target: &Target) -> String {
    let applicable = OPTIONS.iter().filter(|option| (option.applies_to)(target));
    applicable.map(|option| format!("{}=", option.name)).collect::<Vec<_>>().join(", ")
}

/// Returns whether a name that is no switch of the virtual bank resembles the name of an option.
#[cfg(feature = "sim")]
pub(super) fn is_misspelled(name: &str) -> bool {
    let is_switch = crate::sim::Switches::LIST.iter().any(|switch| switch.name == name)
        || crate::sim::PackSwitchInfo::LIST.iter().any(|switch| switch.name == name);
    // Names of three letters resemble too many others.
    let mut long = OPTIONS.iter().map(|option| option.name).filter(|known| known.len() > 3);
    !is_switch && long.any(|known| strsim::damerau_levenshtein(known, name) <= 2)
}

#[cfg(not(feature = "sim"))]
pub(super) fn is_misspelled(_name: &str) -> bool {
    false
}

fn dialect(text: &str) -> Option<Dialect> {
    match text {
        "on" => Some(Dialect::Checksum),
        "off" => Some(Dialect::NoChecksum),
        _ => None,
    }
}

/// Parses a number of at least 1.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

/// Parses a time such as `2s`, `1.5s` or `300ms`, up to an hour.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let number = number.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(number * unit).ok().filter(|time| time.as_secs() <= 3600)
}

/// Returns a time as text that [`duration`] parses to the same time, such as `2s`, `1.5s` or `300ms`.
fn time_text(time: Duration) -> String {
    let (millis, rest) = (time.as_millis(), time.subsec_nanos() % 1_000_000);
    if millis < 1000 && rest == 0 {
        return format!("{millis}ms");
    }
    format!("{}s", time.as_secs_f64())
}

/// The speed of the port of a pack, in baud.
///
/// Source: EG4-LL MODBUS V01.06; one pack was observed at 115200.
const PACK_BAUD: u32 = 9600;

/// The address of an EG4 LifePower4 v2 without a chain.
const PACK_ADDRESS: u8 = 64;

/// How long one try waits for the reply of a pack. A reply of 83 bytes takes 86 ms at 9600 baud, and begins 10 to
/// 58 ms after the request.
const PACK_TIMEOUT: Duration = Duration::from_millis(500);

const PACK_TRIES: u32 = 3;
