//! `units.yaml`: the names of units by serial number, and of battery packs by their ports.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, ErrorKind::InvalidData},
    path::Path,
};

use pi18_proto::SerialNumber;
use pi18_transport::read_file;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

use crate::{terminal::Failure, units::BY_PATH};

/// Names of units by serial number and of battery packs by port, all unique.
#[derive(Debug, Default, PartialEq)]
pub(super) struct UnitNames {
    units: BTreeMap<SerialNumber, String>,
    /// Names in `/dev/serial/by-path`.
    packs: BTreeMap<String, String>,
}

impl UnitNames {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_file(path, MAX_BYTES).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| io::Error::new(InvalidData, error))
        });
        let text = text.map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::NotFound => {
                    "; `lvx links init` creates it for the units that are plugged in"
                }
                _ => "",
            };
            Failure::usage(format_args!("{}: cannot be read: {error}{hint}", path.display()))
        })?;
        Self::parse(&text)
            .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))
    }

    pub(super) fn parse(text: &str) -> Result<Self, NamesError> {
        let file: File = serde_saphyr::from_str(text)?;
        let mut names = Self::default();
        for (serial, name) in file.units.0 {
            let at = serial.referenced;
            let known = SerialNumber::new(&serial.value).filter(SerialNumber::looks_genuine);
            let Some(known) = known else {
                let why = format!(
                    "expected a serial number of 8 to 20 digits that is not a repeated pattern, \
                     found {:?}",
                    serial.value
                );
                return Err(NamesError::new(at, why));
            };
            names.add(known, &name.value).map_err(|why| NamesError::new(at, why))?;
        }
        for (port, name) in file.packs.0 {
            let at = port.referenced;
            names.add_pack(&port.value, &name.value).map_err(|why| NamesError::new(at, why))?;
        }
        Ok(names)
    }

    pub(super) fn add(&mut self, serial: SerialNumber, name: &str) -> Result<(), String> {
        check(name)?;
        self.check_unused(name)?;
        if let Some(known) = self.name(&serial) {
            return Err(format!("{serial} already has the name {known}"));
        }
        self.units.insert(serial, name.to_owned());
        Ok(())
    }

    fn add_pack(&mut self, port: &str, name: &str) -> Result<(), String> {
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '+');
        if port.is_empty() || port.starts_with('.') || !port.chars().all(is_plain) {
            return Err(format!(
                "expected a name in {BY_PATH} such as pci-0000:00:14.0-usb-0:1.3:1.0-port0, found {port:?}"
            ));
        }
        check(name)?;
        self.check_unused(name)?;
        if let Some(known) = self.packs.get(port) {
            return Err(format!("{port} already has the name {known}"));
        }
        self.packs.insert(port.to_owned(), name.to_owned());
        Ok(())
    }

    fn check_unused(&self, name: &str) -> Result<(), String> {
        let units = self.iter().map(|(serial, known)| (serial.to_string(), known));
        let mut all = units.chain(self.packs().map(|(port, known)| (port.to_owned(), known)));
        match all.find(|(_, known)| *known == name) {
            Some((other, _)) => Err(format!("the name {name} is already used for {other}")),
            None => Ok(()),
        }
    }

    /// Returns the ports of the packs with their names.
    pub(super) fn packs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packs.iter().map(|(port, name)| (&**port, &**name))
    }

    pub(super) fn name(&self, serial: &SerialNumber) -> Option<&str> {
        self.units.get(serial).map(String::as_str)
    }

    /// Returns the names in the order of serial numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SerialNumber, &str)> {
        self.units.iter().map(|(serial, name)| (*serial, &**name))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

/// Formats the file as `lvx links init` writes it.
impl fmt::Display for UnitNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Names of inverters by serial number: `lvx links` creates /dev/NAME for each."
        )?;
        writeln!(f, "units:{}", if self.units.is_empty() { " {}" } else { "" })?;
        self.iter().try_for_each(|(serial, name)| writeln!(f, "  \"{serial}\": {name}"))?;
        if !self.packs.is_empty() {
            writeln!(f, "packs:")?;
        }
        self.packs().try_for_each(|(port, name)| writeln!(f, "  \"{port}\": {name}"))
    }
}

/// Checks that a name is a valid file name and cannot collide with device nodes of the kernel.
fn check(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_reserved = ["hidraw", "tty", "usb", "bus"].iter().any(|prefix| name.starts_with(prefix));
    if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(is_plain) {
        Err(format!("expected a name of letters, digits, - _ . such as lvx6048-1, found {name:?}"))
    } else if name.len() > MAX_NAME {
        Err(format!("expected a name of at most {MAX_NAME} characters, found {}", name.len()))
    } else if is_reserved {
        Err(format!(
            "{name} is reserved for device nodes of the kernel; use a name such as lvx6048-1"
        ))
    } else {
        Ok(())
    }
}

/// Maximum length of a name.
const MAX_NAME: usize = 64;

/// Maximum size of the file, in bytes. A bank has at most ten units.
const MAX_BYTES: usize = 1 << 20;

/// An error in the file, with its position.
#[derive(Debug)]
pub(super) struct NamesError {
    place: String,
    why: String,
}

impl NamesError {
    fn new(at: Location, why: String) -> Self {
        Self { place: format!("line {} column {}", at.line(), at.column()), why }
    }
}

impl From<serde_saphyr::Error> for NamesError {
    fn from(error: serde_saphyr::Error) -> Self {
        let place = match error.location() {
            Some(at) => format!("line {} column {}", at.line(), at.column()),
            None => "the text".to_owned(),
        };
        // The messages of the library are written for programmers.
        let why = match error.without_snippet() {
            serde_saphyr::Error::DuplicateMappingKey { key, .. } => {
                let key = key.as_deref().unwrap_or("a key");
                format!("expected each key once, found {key} twice")
            }
            _ => {
                "expected `units:`, then lines of a serial number and a name, perhaps also `packs:`"
                    .to_owned()
            }
        };
        Self { place, why }
    }
}

impl fmt::Display for NamesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    units: Pairs,
    #[serde(default)]
    packs: Pairs,
}

/// Names by serial number or port with their positions, including duplicates.
#[derive(Default)]
struct Pairs(Vec<(Spanned<String>, Spanned<String>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("serial numbers or ports, and names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let text = "units:\n  96132206100410: lvx6048-1\n  '0096132206100411': cellar.2\n";
        let names = UnitNames::parse(text).unwrap();
        let serial = SerialNumber::new("0096132206100411").unwrap();
        assert_eq!(names.name(&serial), Some("cellar.2"));
        assert_eq!(UnitNames::parse(&names.to_string()).unwrap(), names);
        assert_eq!(UnitNames::parse("units: {}").unwrap(), UnitNames::default());
        let text = "units: {}\npacks:\n  pci-0000:00:14.0-usb-0:1.3:1.0-port0: pack-1\n";
        let names = UnitNames::parse(text).unwrap();
        assert!(names.packs().eq([("pci-0000:00:14.0-usb-0:1.3:1.0-port0", "pack-1")]));
        assert_eq!(UnitNames::parse(&names.to_string()).unwrap(), names);
    }

    #[test]
    fn invalid_files_name_the_position() {
        let texts = [
            "",
            "units:",
            "unit:\n  96132206100410: a",
            "units:\n  96132206100410: [a]",
            "units:\n  55355535553555: a",
            "units:\n  lvx6048-1: 96132206100410",
            "units:\n  96132206100410: a\n  96132206100410: b",
            "units:\n  96132206100410: a\n  96132206100411: a",
            "units:\n  96132206100410: ../etc/passwd",
            "units:\n  96132206100410: hidraw0",
            "units:\n  96132206100410: ''",
            "units: {96132206100410: a",
            "units: {}\npacks:\n  ../ttyUSB0: a",
            "units:\n  96132206100410: a\npacks:\n  usb-0: a",
            "units: {}\npacks:\n  usb-0: tty7",
        ];
        let errors = texts.map(|text| match UnitNames::parse(text) {
            Ok(names) => panic!("{text:?} was read as {names:?}"),
            Err(error) => error.to_string(),
        });
        insta::assert_snapshot!(errors.join("\n"));
    }
}
