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
}

impl Default for Options {
    fn default() -> Self {
        Self { config: ClientConfig::default(), baud: BAUD, pause: Duration::ZERO, socket: None }
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
    /// Returns the option as text, or `None` if it has its default value.
    pub(super) text: fn(&Options) -> Option<String>,
}

pub(super) const OPTIONS: [AddressOption; 7] = [
    AddressOption {
        name: "crc",
        expected: "crc=on or crc=off",
        applies_to: |_| true,
        set: |options, value| dialect(value).map(|dialect| options.config.dialect = dialect),
        text: |options| {
            (options.config.dialect == Dialect::NoChecksum).then(|| "crc=off".to_owned())
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
        text: |options| {
            let timeout = options.config.timeout;
            let is_default = timeout == ClientConfig::default().timeout;
            (!is_default).then(|| format!("timeout={}", time_text(timeout)))
        },
    },
    AddressOption {
        name: "tries",
        expected: "a number of tries from 1 to 20",
        applies_to: |_| true,
        set: |options, value| {
            let tries = number(value).filter(|tries| *tries <= 20);
            tries.map(|tries| options.config.tries = tries)
        },
        text: |options| {
            let tries = options.config.tries;
            (tries != ClientConfig::default().tries).then(|| format!("tries={tries}"))
        },
    },
    AddressOption {
        name: "serial",
        expected: "a serial number such as serial=96132206100410, and no placeholder",
        applies_to: |_| true,
        set: |options, value| {
            let serial = SerialNumber::new(value).filter(SerialNumber::looks_genuine);
            serial.map(|serial| options.config.expected_serial = Some(serial))
        },
        text: |options| options.config.expected_serial.map(|serial| format!("serial={serial}")),
    },
    AddressOption {
        name: "pause",
        expected: "a time such as pause=50ms",
        applies_to: |target| {
            matches!(target, Target::Hidraw(_) | Target::Path(_) | Target::SerialNumber(_))
        },
        set: |options, value| duration(value).map(|pause| options.pause = pause),
        text: |options| {
            (!options.pause.is_zero()).then(|| format!("pause={}", time_text(options.pause)))
        },
    },
    AddressOption {
        name: "baud",
        expected: "a speed such as baud=2400",
        applies_to: |target| matches!(target, Target::Serial(_) | Target::Path(_)),
        set: |options, value| number(value).map(|baud| options.baud = baud),
        text: |options| (options.baud != BAUD).then(|| format!("baud={}", options.baud)),
    },
    AddressOption {
        name: "socket",
        expected: "the absolute path of a socket such as socket=/run/lvx/bridge.sock",
        applies_to: |target| matches!(target, Target::Bridge(_)),
        set: |options, value| {
            let path = Some(PathBuf::from(value)).filter(|path| path.is_absolute());
            path.map(|path| options.socket = Some(path))
        },
        text: |options| {
            options.socket.as_ref().map(|socket| format!("socket={}", socket.display()))
        },
    },
];

/// Returns the names of the options that apply to a target, for errors.
pub(super) fn names_for(target: &Target) -> String {
    let applicable = OPTIONS.iter().filter(|option| (option.applies_to)(target));
    applicable.map(|option| format!("{}=", option.name)).collect::<Vec<_>>().join(", ")
}

/// Returns whether a name that is no switch of the virtual bank resembles the name of an option.
#[cfg(feature = "sim")]
pub(super) fn is_misspelled(name: &str) -> bool {
    let is_switch = crate::sim::Switches::LIST.iter().any(|switch| switch.name == name);
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
