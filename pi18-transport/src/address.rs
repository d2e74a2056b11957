//! Device addresses: the text that selects a unit, for every kind of link.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use pi18_proto::{Dialect, SerialNumber};

use crate::{
    BAUD, Client, ClientConfig, Error, Link, Replay, Serial, Tcp,
    os::node::{NodeKind, node_kind},
};

/// The address of a unit: the link that leads to it, and the configuration of a client over that link.
///
/// | Address | Link |
/// |---|---|
/// | `/dev/hidraw0`, `/dev/lvx6048-1` | a device node; its kind is detected |
/// | `hidraw:/dev/hidraw0` | a USB HID device (Linux) |
/// | `serial:/dev/ttyUSB0?baud=2400` | a serial port |
/// | `tcp:HOST:PORT` | a serial bridge |
/// | `sn:96132206100410` | the unit with this serial number, on any USB port, also after a replug (Linux) |
/// | `sim:0` | a unit of the virtual bank in this process |
/// | `replay:FILE` | a capture |
///
/// Options follow after a `?`, separated by `&`:
///
/// | Option | Effect |
/// |---|---|
/// | `crc=off` | sends requests without a checksum, which some units require |
/// | `timeout=2s` | sets how long one try waits for a reply, up to an hour |
/// | `tries=3` | sets how often a query is sent, 1 to 20 times |
/// | `baud=2400` | sets the speed of a serial port |
/// | `pause=50ms` | sets the pause between the reports of a request over hidraw |
///
/// On `sim:`, all other options are switches of the virtual bank, such as `sim:1?fault=83&lag=2s`.
///
/// ```
/// use std::time::Duration;
///
/// use pi18_proto::Mode;
/// use pi18_transport::Address;
///
/// let address: Address = "sim:1?timeout=5s".parse()?;
/// assert_eq!(address.config().timeout, Duration::from_secs(5));
/// assert_eq!(address.place(), "sim:1");
///
/// let mut unit = address.open()?;
/// println!("{}", unit.read::<Mode>()?.working_mode);
///
/// let error = "sim:1?tries=none".parse::<Address>().unwrap_err();
/// assert!(error.to_string().contains("expected a number of tries from 1 to 20"));
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    text: String,
    target: Target,
    config: ClientConfig,
    baud: u32,
    pause: Duration,
}

impl Address {
    /// Opens the link and returns a client over it.
    ///
    /// # Errors
    /// If the path is not a device, or the device cannot be opened or is in use.
    pub fn open(&self) -> Result<Client, Error> {
        Ok(Client::with_config(self.link()?, self.config))
    }

    /// Opens the link without a client.
    ///
    /// # Errors
    /// If the path is not a device, or the device cannot be opened or is in use.
    pub fn link(&self) -> Result<Box<dyn Link + Send>, Error> {
        Ok(match &self.target {
            Target::Path(path) => match node_kind(path, &self.text)? {
                NodeKind::Hidraw => self.hidraw(path)?,
                NodeKind::Serial => Box::new(Serial::open(path, self.baud)?),
            },
            Target::Hidraw(path) => self.hidraw(path)?,
            Target::Serial(path) => Box::new(Serial::open(path, self.baud)?),
            Target::Tcp(host_and_port) => Box::new(Tcp::connect(host_and_port)?),
            Target::SerialNumber(serial) => self.follower(*serial)?,
            Target::Sim(unit) => sim(unit)?,
            Target::Replay(path) => Box::new(Replay::open(path)?),
        })
    }

    /// Returns the address without its options.
    #[must_use]
    pub fn place(&self) -> &str {
        self.text.split_once('?').map_or(&self.text, |(place, _)| place)
    }

    /// Returns the configuration of the client that [`open`](Self::open) returns.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    #[cfg(target_os = "linux")]
    fn follower(&self, serial: SerialNumber) -> Result<Box<dyn Link + Send>, Error> {
        let follower = crate::Follower::open(serial, self.config)?;
        Ok(Box::new(follower.with_pause(self.pause)))
    }

    #[cfg(not(target_os = "linux"))]
    fn follower(&self, _serial: SerialNumber) -> Result<Box<dyn Link + Send>, Error> {
        let why = "finding a unit by serial number works on Linux only";
        Err(Error::address(&self.text, why).with_hint("use serial: or tcp:"))
    }

    #[cfg(target_os = "linux")]
    fn hidraw(&self, path: &std::path::Path) -> Result<Box<dyn Link + Send>, Error> {
        match node_kind(path, &self.text)? {
            NodeKind::Hidraw => Ok(Box::new(crate::Hidraw::open(path)?.with_pause(self.pause))),
            NodeKind::Serial => {
                Err(Error::address(&self.text, "expected a hidraw device, found a serial port"))
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn hidraw(&self, _path: &std::path::Path) -> Result<Box<dyn Link + Send>, Error> {
        let error = Error::address(&self.text, "hidraw is available on Linux only");
        Err(error.with_hint("use serial: or tcp:"))
    }
}

impl Client {
    /// Opens a device [address](Address), such as `sim:0`, `/dev/hidraw0` or `serial:/dev/ttyUSB0`.
    ///
    /// # Errors
    /// If the address is invalid, or the device cannot be opened or is in use.
    pub fn open(address: &str) -> Result<Self, Error> {
        address.parse::<Address>()?.open()
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (place, options) = text.split_once('?').unwrap_or((text, ""));
        let mut address = Self {
            text: text.to_owned(),
            target: Target::parse(text, place)?,
            config: ClientConfig::default(),
            baud: BAUD,
            pause: Duration::ZERO,
        };
        let mut switches = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let known = OPTIONS.iter().find(|known| known.name == name);
            let expected = match known.filter(|known| (known.applies_to)(&address.target)) {
                Some(known) if (known.set)(&mut address, value).is_some() => continue,
                Some(known) => known.expected,
                None if matches!(address.target, Target::Sim(_)) => {
                    switches.push(option);
                    continue;
                }
                None => "one of crc=, timeout=, tries=, and baud= (serial) or pause= (hidraw)",
            };
            return Err(Error::address(text, format!("expected {expected}, found {option:?}")));
        }
        let config = &mut address.config;
        config.deadline = config.deadline.max(config.timeout * 2 * config.tries);
        if let Target::Sim(unit) = &mut address.target
            && !switches.is_empty()
        {
            *unit = format!("{unit}?{}", switches.join("&"));
        }
        Ok(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The device to which an address leads.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Target {
    Path(PathBuf),
    Hidraw(PathBuf),
    Serial(PathBuf),
    Tcp(String),
    SerialNumber(SerialNumber),
    Sim(String),
    Replay(PathBuf),
}

impl Target {
    /// Parses an address without its options; `text` is the whole address, for errors.
    fn parse(text: &str, place: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::address(
                text,
                "expected a device path such as /dev/hidraw0, or hidraw:, serial:, tcp:, sn:, sim: or \
                 replay: at the start",
            )
        };
        if place.starts_with('/') || place.starts_with("./") {
            return Ok(Self::Path(place.into()));
        }
        let (kind, rest) = place.split_once(':').ok_or_else(unknown)?;
        if rest.is_empty() {
            let why = format!("expected something after {kind}:, found nothing");
            return Err(Error::address(text, why));
        }
        match kind {
            "hidraw" => Ok(Self::Hidraw(rest.into())),
            "serial" => Ok(Self::Serial(rest.into())),
            "tcp" if is_host_and_port(rest) => Ok(Self::Tcp(rest.to_owned())),
            "tcp" => {
                Err(Error::address(text, "expected tcp:HOST:PORT with a port from 0 to 65535"))
            }
            "sn" => match SerialNumber::new(rest).filter(SerialNumber::looks_genuine) {
                Some(serial) => Ok(Self::SerialNumber(serial)),
                None => Err(Error::serial_number(text)),
            },
            "sim" => Ok(Self::Sim(rest.to_owned())),
            "replay" => Ok(Self::Replay(rest.into())),
            _ => Err(unknown()),
        }
    }
}

/// An option of an address, such as `timeout=2s`.
struct AddressOption {
    /// Name before the `=`.
    name: &'static str,
    /// Description of the valid values, for errors.
    expected: &'static str,
    /// Whether the option can be used with a target.
    applies_to: fn(&Target) -> bool,
    /// Sets the option. Returns `None` if the value is invalid.
    set: fn(&mut Address, &str) -> Option<()>,
}

const OPTIONS: [AddressOption; 5] = [
    AddressOption {
        name: "crc",
        expected: "crc=on or crc=off",
        applies_to: |_| true,
        set: |address, value| dialect(value).map(|dialect| address.config.dialect = dialect),
    },
    AddressOption {
        name: "timeout",
        expected: "a time such as timeout=2s",
        applies_to: |_| true,
        set: |address, value| {
            let timeout = duration(value).filter(|time| !time.is_zero());
            timeout.map(|timeout| address.config.timeout = timeout)
        },
    },
    AddressOption {
        name: "tries",
        expected: "a number of tries from 1 to 20",
        applies_to: |_| true,
        set: |address, value| {
            let tries = number(value).filter(|tries| *tries <= 20);
            tries.map(|tries| address.config.tries = tries)
        },
    },
    AddressOption {
        name: "pause",
        expected: "a time such as pause=50ms",
        applies_to: |target| {
            matches!(target, Target::Hidraw(_) | Target::Path(_) | Target::SerialNumber(_))
        },
        set: |address, value| duration(value).map(|pause| address.pause = pause),
    },
    AddressOption {
        name: "baud",
        expected: "a speed such as baud=2400",
        applies_to: |target| matches!(target, Target::Serial(_) | Target::Path(_)),
        set: |address, value| number(value).map(|baud| address.baud = baud),
    },
];

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
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

#[cfg(feature = "sim")]
fn sim(unit: &str) -> Result<Box<dyn Link + Send>, Error> {
    Ok(Box::new(crate::sim::open(unit)?))
}

#[cfg(not(feature = "sim"))]
fn sim(unit: &str) -> Result<Box<dyn Link + Send>, Error> {
    Err(Error::address(
        &format!("sim:{unit}"),
        "this program was built without the virtual bank (feature `sim`)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[track_caller]
    fn refused(text: &str) -> String {
        text.parse::<Address>().unwrap_err().to_string()
    }

    #[test]
    fn each_kind_of_address_has_its_target() {
        assert_eq!(parse("/dev/lvx6048-1").target, Target::Path("/dev/lvx6048-1".into()));
        assert_eq!(parse("serial:/dev/ttyUSB0?baud=9600").baud, 9600);
        assert_eq!(parse("tcp:[::1]:8888").target, Target::Tcp("[::1]:8888".to_owned()));
        let serial = SerialNumber::new("96132206100410").unwrap();
        assert_eq!(parse("sn:96132206100410").target, Target::SerialNumber(serial));
        assert_eq!(parse("sim:1").target, Target::Sim("1".to_owned()));
    }

    #[test]
    fn options_are_separated_from_switches_of_the_virtual_bank() {
        let address = parse("sim:1?fault=83&timeout=5s&lag=2s&crc=off");
        assert_eq!(address.target, Target::Sim("1?fault=83&lag=2s".to_owned()));
        assert_eq!(address.config.timeout, Duration::from_secs(5));
        assert_eq!(address.config.dialect, Dialect::NoChecksum);
    }

    #[test]
    fn invalid_address_is_explained() {
        insta::assert_snapshot!(
            [
                "hidraw0",
                "",
                "tcp:bridge",
                "serial:",
                "usb:1",
                "serial:/dev/x?baud=fast",
                "tcp:h:1?pause=1s",
                "sim:0?timeout=0s",
                "sim:0?crc",
                "sn:55355535553555",
                "sn:/dev/hidraw0"
            ]
            .map(refused)
            .join("\n")
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn path_that_is_not_a_device_is_an_address_error() {
        let refused = |text: &str| parse(text).link().map(|_| ()).unwrap_err();
        assert!(refused("/etc/passwd").is_address());
        assert!(refused("hidraw:/dev/zero").is_address());
        assert!(refused("/dev/null").is_address());
        assert!(refused("hidraw:/dev/ptmx").is_address());
        assert!(refused("/dev/no-such-device").hint().unwrap().contains("is it plugged in?"));
    }
}
