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
}

impl Target {
    /// Parses an address without its options; `text` is the whole address, for errors.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::address(
                text,
                "expected a device path such as /dev/hidraw0, or hidraw:, serial:, tcp:, sn:, bridge:, \
                 sim: or replay: at the start",
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
            "bridge" if is_name(rest) => Ok(Self::Bridge(rest.to_owned())),
            "bridge" => Err(Error::address(
                text,
                "expected bridge: and the name or serial number of a unit",
            )),
            _ => Err(unknown()),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
