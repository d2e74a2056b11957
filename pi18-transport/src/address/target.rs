//! The device to which an address leads.

use std::path::PathBuf;

use pi18_proto::SerialNumber;

use crate::Error;

/// The device to which an address leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    Path(PathBuf),
    Hidraw(PathBuf),
    Serial(PathBuf),
    Tcp(String),
    SerialNumber(SerialNumber),
    Sim(String),
    Replay(PathBuf),
    /// Name or serial number of a unit of a bridge.
    Bridge(String),
    /// The port of a battery pack: a serial port, a serial bridge, or a virtual pack.
    Pack(Box<Self>),
}

impl Target {
    /// Returns the name of the unit or pack of the virtual bank, with its switches; `None` for other targets.
    pub(super) fn virtual_name(&mut self) -> Option<&mut String> {
        match self {
            Self::Sim(name) => Some(name),
            Self::Pack(port) => port.virtual_name(),
            _ => None,
        }
    }

    /// Parses an address without its options; `text` is the whole address, for errors.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::address(
                text,
                "expected a device path such as /dev/hidraw0, or hidraw:, serial:, tcp:, sn:, bridge:, \
                 sim:, replay: or pack: at the start",
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
            "sim" if rest.starts_with("pack") => {
                Ok(Self::Pack(Box::new(Self::Sim(rest.to_owned()))))
            }
            "sim" => Ok(Self::Sim(rest.to_owned())),
            "replay" => Ok(Self::Replay(rest.into())),
            "bridge" if is_name(rest) => Ok(Self::Bridge(rest.to_owned())),
            "bridge" => Err(Error::address(
                text,
                "expected bridge: and the name or serial number of a unit",
            )),
            "pack" => pack(text, rest).map(|port| Self::Pack(Box::new(port))),
            _ => Err(unknown()),
        }
    }
}

/// Parses the port of a pack.
fn pack(text: &str, port: &str) -> Result<Target, Error> {
    let target = match port.strip_prefix("serial:") {
        Some(path) if !path.is_empty() => return Ok(Target::Serial(path.into())),
        _ if port.starts_with('/') || port.starts_with("./") => {
            return Ok(Target::Serial(port.into()));
        }
        _ => port.strip_prefix("tcp:").filter(|rest| is_host_and_port(rest)),
    };
    target.map(|rest| Target::Tcp(rest.to_owned())).ok_or_else(|| {
        let why =
            "expected pack: and a serial port such as /dev/serial/by-path/…, or tcp:HOST:PORT";
        Error::address(text, why)
    })
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
