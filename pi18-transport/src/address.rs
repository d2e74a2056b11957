//! Device addresses: one text for any way to a unit.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use pi18_proto::{Dialect, SerialNumber};

use crate::{BAUD, Client, ClientConfig, Error, Link, Replay, Serial, Tcp};

/// Where a unit is, and how to ask it there.
///
/// | address | leads to |
/// |---|---|
/// | `/dev/hidraw0`, `/dev/lvx6048-1` | a device; its kind is found out |
/// | `hidraw:/dev/hidraw0` | a USB HID device (Linux) |
/// | `serial:/dev/ttyUSB0?baud=2400` | a serial port |
/// | `tcp:HOST:PORT` | a serial bridge |
/// | `sn:96132206100410` | the unit with that serial number, wherever it is plugged in (Linux, USB); it is followed |
/// | `sim:0` | a unit of the virtual bank of this process |
/// | `replay:FILE` | a capture |
///
/// Behind a `?`, with `&` between: `crc=off` leaves the checksum out of requests, as some units
/// want, `timeout=2s` and `tries=3` change how long and how often is asked, `pause=50ms` lets
/// time go by between hidraw reports, `baud=2400` sets the speed of a serial port. On `sim:` all
/// others are switches of the virtual bank, such as `sim:1?fault=83&lag=2s`.
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
    /// Opens it, ready to ask.
    ///
    /// # Errors
    /// If the device cannot be opened, is in use, or is none.
    pub fn open(&self) -> Result<Client, Error> {
        Ok(Client::with_config(self.link()?, self.config))
    }

    /// Opens the link alone.
    ///
    /// # Errors
    /// If the device cannot be opened, is in use, or is none.
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

    /// The address without its options.
    #[must_use]
    pub fn place(&self) -> &str {
        self.text.split_once('?').map_or(&self.text, |(place, _)| place)
    }

    /// How a client opened here asks.
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
            "units are found by serial number on Linux only; use serial: or tcp:",
        ))
    }

    #[cfg(target_os = "linux")]
    fn hidraw(&self, path: &std::path::Path) -> Result<Box<dyn Link + Send>, Error> {
        match kind_of(path, &self.text)? {
            NodeKind::Hidraw => Ok(Box::new(crate::Hidraw::open(path)?.with_pause(self.pause))),
            NodeKind::Serial => {
                Err(Error::address(&self.text, "it is a serial port, no hidraw device"))
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn hidraw(&self, _path: &std::path::Path) -> Result<Box<dyn Link + Send>, Error> {
        Err(Error::address(&self.text, "hidraw is there on Linux only; use serial: or tcp:"))
    }

    fn set(&mut self, option: &str) -> Result<(), Error> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let hidraw =
            matches!(self.target, Target::Hidraw(_) | Target::Path(_) | Target::SerialNumber(_));
        let serial = matches!(self.target, Target::Serial(_) | Target::Path(_));
        let config = &mut self.config;
        let (wanted, done) = match name {
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
            Error::address(&self.text, format!("expected {wanted}, found {option:?}"))
        })
    }
}

impl Client {
    /// Opens a device [address](Address), such as `sim:0`, `/dev/hidraw0` or
    /// `serial:/dev/ttyUSB0`.
    ///
    /// # Errors
    /// If the address makes no sense, or the device cannot be opened or is in use.
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
    Err(Error::address(&format!("sim:{unit}"), "this build has no virtual bank (feature `sim`)"))
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
            "it starts with none of /, hidraw:, serial:, tcp:, sn:, sim:, replay:; \
             for a device write its path, such as /dev/hidraw0",
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
        "tcp" => Err(Error::address(text, "write tcp:HOST:PORT, the port from 0 to 65535")),
        "sn" => match SerialNumber::new(rest).filter(SerialNumber::looks_genuine) {
            Some(serial) => Ok(Target::SerialNumber(serial)),
            None => Err(Error::serial_number(text)),
        },
        "sim" => Ok(Target::Sim(rest.to_owned())),
        "replay" => Ok(Target::Replay(rest.into())),
        _ => Err(unknown()),
    }
}

/// `2s`, `1.5s`, `300ms`.
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

/// What a device node is.
enum NodeKind {
    Hidraw,
    Serial,
}

/// Majors of pseudo-terminals, which sysfs does not show.
#[cfg(target_os = "linux")]
const PTYS: std::ops::RangeInclusive<u32> = 136..=143;

/// Tells a hidraw node from a serial port.
#[cfg(target_os = "linux")]
fn kind_of(path: &std::path::Path, text: &str) -> Result<NodeKind, Error> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let node =
        path.metadata().map_err(|source| crate::os::permission::explain(text, path, source))?;
    if !node.file_type().is_char_device() {
        return Err(Error::address(
            text,
            "it is no device; to play back a capture write replay:FILE",
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
        Err(Error::address(text, "it is neither a hidraw device nor a serial port"))
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
    fn tells_the_ways_apart() {
        assert_eq!(parse("/dev/lvx6048-1").target, Target::Path("/dev/lvx6048-1".into()));
        assert_eq!(parse("serial:/dev/ttyUSB0?baud=9600").baud, 9600);
        assert_eq!(parse("tcp:[::1]:8888").target, Target::Tcp("[::1]:8888".to_owned()));
        let serial = SerialNumber::new("96132206100410").unwrap();
        assert_eq!(parse("sn:96132206100410").target, Target::SerialNumber(serial));
        assert_eq!(parse("sim:1").target, Target::Sim("1".to_owned()));
    }

    #[test]
    fn keeps_switches_of_the_virtual_bank_and_takes_its_own_options() {
        let address = parse("sim:1?fault=83&timeout=5s&lag=2s&crc=off");
        assert_eq!(address.target, Target::Sim("1?fault=83&lag=2s".to_owned()));
        assert_eq!(address.config.timeout, Duration::from_secs(5));
        assert_eq!(address.config.dialect, Dialect::NoChecksum);
    }

    #[test]
    fn says_what_is_wrong_with_an_address() {
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
    fn a_path_that_is_no_device_is_no_address() {
        let refused = |text: &str| parse(text).link().map(|_| ()).unwrap_err();
        assert!(refused("/etc/passwd").is_address());
        assert!(refused("hidraw:/dev/zero").is_address());
        assert!(refused("/dev/null").is_address());
        assert!(refused("hidraw:/dev/ptmx").is_address());
        assert!(refused("/dev/no-such-device").to_string().contains("is it plugged in?"));
    }
}
