//! Device addresses: one line of text for every kind of link.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use pi18_proto::{Dialect, SerialNumber};

use crate::{BAUD, Client, ClientConfig, Error, Link, Replay, Serial, Tcp};

/// The address of a unit: which link leads to it, and how a client asks over that link.
///
/// | Address | Link |
/// |---|---|
/// | `/dev/hidraw0`, `/dev/lvx6048-1` | a device node; its kind is detected |
/// | `hidraw:/dev/hidraw0` | a USB HID device (Linux) |
/// | `serial:/dev/ttyUSB0?baud=2400` | a serial port |
/// | `tcp:HOST:PORT` | a serial bridge |
/// | `sn:96132206100410` | the unit with this serial number, on any USB adapter (Linux); the link follows it |
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
            Target::Path(path) => match kind_of(path, &self.text)? {
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

    /// Returns how a client that is [opened](Self::open) here asks.
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
        Err(Error::address(
            &self.text,
            "finding a unit by serial number works on Linux only; use serial: or tcp:",
        ))
    }

    #[cfg(target_os = "linux")]
    fn hidraw(&self, path: &std::path::Path) -> Result<Box<dyn Link + Send>, Error> {
        match kind_of(path, &self.text)? {
            NodeKind::Hidraw => Ok(Box::new(crate::Hidraw::open(path)?.with_pause(self.pause))),
            NodeKind::Serial => {
                Err(Error::address(&self.text, "expected a hidraw device, found a serial port"))
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn hidraw(&self, _path: &std::path::Path) -> Result<Box<dyn Link + Send>, Error> {
        Err(Error::address(&self.text, "hidraw is available on Linux only; use serial: or tcp:"))
    }

    fn set(&mut self, option: &str) -> Result<(), Error> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let hidraw =
            matches!(self.target, Target::Hidraw(_) | Target::Path(_) | Target::SerialNumber(_));
        let serial = matches!(self.target, Target::Serial(_) | Target::Path(_));
        let config = &mut self.config;
        let (expected, done) = match name {
            "crc" => ("crc=on or crc=off", dialect(value).map(|known| config.dialect = known)),
            "timeout" => (
                "a time such as timeout=2s",
                duration(value).filter(|time| !time.is_zero()).map(|time| config.timeout = time),
            ),
            "tries" => (
                "a number of tries from 1 to 20",
                number(value).filter(|tries| *tries <= 20).map(|tries| config.tries = tries),
            ),
            "pause" if hidraw => {
                ("a time such as pause=50ms", duration(value).map(|pause| self.pause = pause))
            }
            "baud" if serial => {
                ("a speed such as baud=2400", number(value).map(|baud| self.baud = baud))
            }
            _ => ("one of crc=, timeout=, tries=, and baud= (serial) or pause= (hidraw)", None),
        };
        done.ok_or_else(|| {
            Error::address(&self.text, format!("expected {expected}, found {option:?}"))
        })
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

fn dialect(text: &str) -> Option<Dialect> {
    match text {
        "on" => Some(Dialect::Checksum),
        "off" => Some(Dialect::NoChecksum),
        _ => None,
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (place, options) = text.split_once('?').unwrap_or((text, ""));
        let options: Vec<&str> = options.split('&').filter(|option| !option.is_empty()).collect();
        let target = target(text, place)?;
        let mut address = Self {
            text: text.to_owned(),
            target,
            config: ClientConfig::default(),
            baud: BAUD,
            pause: Duration::ZERO,
        };
        let mut switches = Vec::new();
        for option in options {
            let ours = ["crc=", "timeout=", "tries="].iter().any(|ours| option.starts_with(ours));
            match &address.target {
                Target::Sim(_) if !ours => switches.push(option),
                _ => address.set(option)?,
            }
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

fn target(text: &str, place: &str) -> Result<Target, Error> {
    let unknown = || {
        Error::address(
            text,
            "expected a device path such as /dev/hidraw0, or hidraw:, serial:, tcp:, sn:, sim: or \
             replay: at the start",
        )
    };
    if place.starts_with('/') || place.starts_with("./") {
        return Ok(Target::Path(place.into()));
    }
    let (kind, rest) = place.split_once(':').ok_or_else(unknown)?;
    if rest.is_empty() {
        return Err(Error::address(
            text,
            format!("expected something after {kind}:, found nothing"),
        ));
    }
    match kind {
        "hidraw" => Ok(Target::Hidraw(rest.into())),
        "serial" => Ok(Target::Serial(rest.into())),
        "tcp"
            if rest
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) =>
        {
            Ok(Target::Tcp(rest.to_owned()))
        }
        "tcp" => Err(Error::address(text, "expected tcp:HOST:PORT with a port from 0 to 65535")),
        "sn" => match SerialNumber::new(rest).filter(SerialNumber::looks_genuine) {
            Some(serial) => Ok(Target::SerialNumber(serial)),
            None => Err(Error::serial_number(text)),
        },
        "sim" => Ok(Target::Sim(rest.to_owned())),
        "replay" => Ok(Target::Replay(rest.into())),
        _ => Err(unknown()),
    }
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

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The kind of a device node.
enum NodeKind {
    Hidraw,
    Serial,
}

/// Major device numbers of pseudo-terminals, which sysfs does not list.
#[cfg(target_os = "linux")]
const PTYS: std::ops::RangeInclusive<u32> = 136..=143;

/// Detects the kind of a device node.
#[cfg(target_os = "linux")]
fn kind_of(path: &std::path::Path, text: &str) -> Result<NodeKind, Error> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let node =
        path.metadata().map_err(|source| crate::os::permission::open_error(text, path, source))?;
    if !node.file_type().is_char_device() {
        return Err(Error::address(
            text,
            "expected a device, found a file; for a capture, use replay:FILE",
        ));
    }
    let (major, minor) = (rustix::fs::major(node.rdev()), rustix::fs::minor(node.rdev()));
    let device = std::fs::canonicalize(format!("/sys/dev/char/{major}:{minor}"));
    let below = |folder: &str| {
        let device = device.as_deref().unwrap_or(std::path::Path::new(""));
        device.components().any(|part| part.as_os_str() == folder)
    };
    if below("hidraw") {
        Ok(NodeKind::Hidraw)
    } else if below("tty") || PTYS.contains(&major) {
        Ok(NodeKind::Serial)
    } else {
        Err(Error::address(text, "expected a hidraw device or a serial port, found another device"))
    }
}

#[cfg(not(target_os = "linux"))]
fn kind_of(_path: &std::path::Path, _text: &str) -> Result<NodeKind, Error> {
    Ok(NodeKind::Serial)
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
        assert!(refused("/dev/no-such-device").to_string().contains("is it plugged in?"));
    }
}
