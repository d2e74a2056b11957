//! Device addresses: the text that selects a unit, for every kind of link.

mod open;
mod options;
mod target;

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use crate::{Client, ClientConfig, Error, Link};
use options::{OPTIONS, Options, is_misspelled, names_for, texts};

pub(crate) use target::Target;

/// The address of a unit: the link that leads to it, and the configuration of a client over that link.
///
/// | Address | Link |
/// |---|---|
/// | `/dev/hidraw0`, `/dev/lvx6048-1` | a device node; its kind is detected |
/// | `hidraw:/dev/hidraw0` | a USB HID device (Linux) |
/// | `serial:/dev/ttyUSB0?baud=2400` | a serial port |
/// | `tcp:HOST:PORT` | a serial bridge |
/// | `sn:96132206100410` | the unit with this serial number, on any USB port, also after a replug (Linux) |
/// | `sim:0`, `sim:pack0` | a unit or a battery pack of the virtual bank in this process |
/// | `bridge:left` | a unit that a bridge on this computer holds (Linux) |
/// | `replay:FILE` | a capture |
/// | `pack:/dev/serial/by-path/…`, `pack:tcp:HOST:PORT` | the port of a battery pack, which is no unit ([`pack_link`](Self::pack_link)) |
///
/// Options follow after a `?`, separated by `&`:
///
/// | Option | Effect |
/// |---|---|
/// | `crc=off` | sends requests without a checksum, which some units require |
/// | `timeout=2s` | sets how long one try waits for a reply, up to an hour |
/// | `tries=3` | sets how often a query is sent, 1 to 20 times |
/// | `serial=96132206100410` | sends requests only to the unit with this serial number |
/// | `baud=2400` | sets the speed of a serial port; the default of a pack is 9600 |
/// | `address=64` | sets the address of a battery pack on its bus, 1 to 247 |
/// | `socket=/run/lvx/bridge.sock` | sets the socket of a bridge |
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
///
/// `Display` writes the canonical text: without options that have their default value, and with the others
/// in the order of the table. Two addresses are equal if their canonical texts are. With the feature
/// `serde`, an address is serialized as this text.
///
/// ```
/// use pi18_transport::Address;
///
/// let address: Address = "serial:/dev/ttyUSB0?tries=1&timeout=1500ms&baud=2400".parse()?;
/// assert_eq!(address.to_string(), "serial:/dev/ttyUSB0?timeout=1.5s&tries=1");
/// assert_eq!(address, address.to_string().parse()?);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Address {
    /// The canonical text, from which everything else follows.
    text: String,
    target: Target,
    options: Options,
}

impl Address {
    /// Opens the link and returns a client over it.
    ///
    /// # Errors
    /// If the path is not a device, the device cannot be opened or is in use, or this program was built
    /// without the feature for this kind of link.
    pub fn open(&self) -> Result<Client, Error> {
        Ok(Client::with_config(self.link()?, self.options.config))
    }

    /// Opens the link without a client.
    ///
    /// # Errors
    /// If the path is not a device, the device cannot be opened or is in use, this program was built without the
    /// feature for this kind of link, or the address is that of a battery pack.
    pub fn link(&self) -> Result<Box<dyn Link + Send>, Error> {
        if self.pack_address().is_some() {
            return Err(Error::address(&self.text, "expected a unit, found a battery pack"));
        }
        open::open(&self.target, &self.options, &self.text)
    }

    /// Opens the link to a battery pack, without a client. The port is locked like that of a unit.
    ///
    /// Packs answer Modbus, not PI18, so no other method opens them.
    ///
    /// ```
    /// use pi18_transport::Address;
    ///
    /// let pack: Address = "pack:/dev/serial/by-path/none?baud=115200&address=1".parse()?;
    /// assert_eq!(pack.pack_address(), Some(1));
    /// assert!(pack.pack_link().unwrap_err().is_not_found());
    /// assert!(pack.open().unwrap_err().is_address());
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the port cannot be opened or is in use, this program was built without the feature for this kind of
    /// link, or the address is that of a unit.
    pub fn pack_link(&self) -> Result<Box<dyn Link + Send>, Error> {
        match &self.target {
            Target::Pack(port) => open::open(port, &self.options, &self.text),
            _ => Err(Error::address(&self.text, "expected a battery pack, found a unit")),
        }
    }

    /// Returns the address of a battery pack on its bus, 1 to 247; `None` if the address is that of a unit.
    #[must_use]
    pub fn pack_address(&self) -> Option<u8> {
        matches!(self.target, Target::Pack(_)).then_some(self.options.pack)
    }

    /// Returns the device to which the address leads.
    #[cfg(feature = "tokio")]
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the address without its options.
    #[must_use]
    pub fn place(&self) -> &str {
        self.text.split_once('?').map_or(&self.text, |(place, _)| place)
    }

    /// Returns the configuration of the client that [`open`](Self::open) returns.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.options.config
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
        let mut target = Target::parse(text, place)?;
        let mut values = Options::of(&target);
        let mut switches = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let known = OPTIONS.iter().find(|known| known.name == name);
            let expected = match known.filter(|known| (known.applies_to)(&target)) {
                Some(known) if (known.set)(&mut values, value).is_some() => continue,
                Some(known) => known.expected.to_owned(),
                None if target.virtual_name().is_some() && !is_misspelled(name) => {
                    switches.push(option);
                    continue;
                }
                None => format!("one of {}", names_for(&target)),
            };
            return Err(Error::address(text, format!("expected {expected}, found {option:?}")));
        }
        let config = &mut values.config;
        config.deadline = config.deadline.max(config.timeout * 2 * config.tries);
        if let Some(name) = target.virtual_name()
            && !switches.is_empty()
        {
            *name = format!("{name}?{}", switches.join("&"));
        }
        let mut options = texts(&target, &values);
        options.extend(switches.into_iter().map(str::to_owned));
        let text = match &options[..] {
            [] => place.to_owned(),
            options => format!("{place}?{}", options.join("&")),
        };
        Ok(Self { text, target, options: values })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pi18_proto::{Dialect, SerialNumber};

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
        assert_eq!(parse("serial:/dev/ttyUSB0?baud=9600").options.baud, 9600);
        assert_eq!(parse("tcp:[::1]:8888").target, Target::Tcp("[::1]:8888".to_owned()));
        let serial = SerialNumber::new("96132206100410").unwrap();
        assert_eq!(parse("sn:96132206100410").target, Target::SerialNumber(serial));
        assert_eq!(parse("sim:1").target, Target::Sim("1".to_owned()));
    }

    #[test]
    fn pack_has_its_own_defaults_and_is_no_unit() {
        let pack = parse("pack:/dev/serial/by-path/x?baud=9600&address=64&timeout=500ms&tries=3");
        assert_eq!(pack.to_string(), "pack:/dev/serial/by-path/x");
        assert_eq!(pack, parse("pack:/dev/serial/by-path/x"));
        assert_eq!((pack.pack_address(), pack.options.baud), (Some(64), 9600));
        assert_eq!(pack.config().timeout, Duration::from_millis(500));
        let other = parse("pack:tcp:h:1?address=16&timeout=2s");
        assert_eq!(other.to_string(), "pack:tcp:h:1?timeout=2s&address=16");
        assert_eq!(other.pack_address(), Some(16));
        assert_eq!(parse("pack:serial:x?baud=2400").to_string(), "pack:serial:x?baud=2400");
        assert_eq!(parse("tcp:h:1").pack_address(), None);
        let simulated = parse("sim:pack0?tries=1&drift=-20&baud=2400");
        assert_eq!(simulated.to_string(), "sim:pack0?tries=1&drift=-20&baud=2400");
        assert_eq!(simulated.pack_address(), Some(64));
        let refused = |link: Result<Box<dyn Link + Send>, Error>| link.map(|_| ()).unwrap_err();
        assert_eq!(
            refused(pack.link()).to_string(),
            "address \"pack:/dev/serial/by-path/x\": expected a unit, found a battery pack"
        );
        assert!(refused(parse("sim:0").pack_link()).to_string().ends_with("found a unit"));
    }

    #[test]
    fn options_are_separated_from_switches_of_the_virtual_bank() {
        let address = parse("sim:1?fault=83&timeout=5s&lag=2s&crc=off");
        assert_eq!(address.target, Target::Sim("1?fault=83&lag=2s".to_owned()));
        assert_eq!(address.config().timeout, Duration::from_secs(5));
        assert_eq!(address.config().dialect, Dialect::NoChecksum);
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
                "sim:0?serail=96132206100410",
                "sn:55355535553555",
                "sn:/dev/hidraw0",
                "pack:ttyUSB0",
                "pack:tcp:bridge",
                "pack:/dev/x?address=0",
                "pack:/dev/x?crc=off",
                "pack:tcp:h:1?baud=9600",
                "serial:/dev/x?address=1"
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

    #[test]
    fn canonical_text_is_parsed_to_an_equal_address() {
        let canonical = |text: &str| {
            let address = parse(text);
            assert_eq!(parse(&address.to_string()), address);
            address.to_string()
        };
        assert_eq!(canonical("sim:0?crc=on&tries=3&timeout=2000ms&"), "sim:0");
        assert_eq!(canonical("sim:1?lag=2s&crc=off&fault=83"), "sim:1?crc=off&lag=2s&fault=83");
        assert_eq!(
            canonical("serial:x?baud=9600&timeout=0.25s"),
            "serial:x?timeout=250ms&baud=9600"
        );
        assert_eq!(canonical("/dev/x?pause=1.5ms&timeout=90s"), "/dev/x?timeout=90s&pause=0.0015s");
        assert_ne!(parse("tcp:h:1?timeout=1s"), parse("tcp:h:1"));
    }

    #[cfg(feature = "capture")]
    #[test]
    fn address_is_serialized_as_its_text() {
        let address = parse("tcp:h:1?tries=1");
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(json, "\"tcp:h:1?tries=1\"");
        assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
        let error = serde_json::from_str::<Address>("\"usb:1\"").unwrap_err();
        assert!(
            error.to_string().starts_with("address \"usb:1\": expected a device path"),
            "{error}"
        );
    }
}
