//! `units.yaml`: which name the unit of a serial number has.

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

use crate::terminal::Failure;

/// Names by serial number. Neither a serial number nor a name is there twice.
#[derive(Debug, Default, PartialEq)]
pub(super) struct UnitNames(BTreeMap<SerialNumber, String>);

impl UnitNames {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_file(path, MAX_BYTES).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| io::Error::new(InvalidData, error))
        });
        let text = text.map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::NotFound => "; `lvx links init` writes it from what is plugged in",
                _ => "",
            };
            Failure::usage(format_args!("{}: cannot be read: {error}{hint}", path.display()))
        })?;
        Self::parse(&text)
            .map_err(|wrong| Failure::usage(format_args!("{}: {wrong}", path.display())))
    }

    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let file: File = serde_saphyr::from_str(text)?;
        let mut names = Self::default();
        for (serial, name) in file.units.0 {
            let at = serial.referenced;
            let known = SerialNumber::new(&serial.value).filter(SerialNumber::looks_genuine);
            let Some(known) = known else {
                let why = format!(
                    "expected a serial number of 8 to 20 digits that is not one group over and over, \
                     found {:?}",
                    serial.value
                );
                return Err(Wrong::new(at, why));
            };
            names.add(known, &name.value).map_err(|why| Wrong::new(at, why))?;
        }
        Ok(names)
    }

    pub(super) fn add(&mut self, serial: SerialNumber, name: &str) -> Result<(), String> {
        check(name)?;
        if let Some((other, _)) = self.iter().find(|(_, known)| *known == name) {
            return Err(format!("{name} is the name of {other} already"));
        }
        if let Some(known) = self.name(&serial) {
            return Err(format!("{serial} is called {known} already"));
        }
        self.0.insert(serial, name.to_owned());
        Ok(())
    }

    pub(super) fn name(&self, serial: &SerialNumber) -> Option<&str> {
        self.0.get(serial).map(String::as_str)
    }

    /// By serial number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SerialNumber, &str)> {
        self.0.iter().map(|(serial, name)| (*serial, &**name))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As the file is written by `lvx links init`.
impl fmt::Display for UnitNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Names of inverters by serial number: `lvx links` makes /dev/NAME for each."
        )?;
        writeln!(f, "units:")?;
        self.iter().try_for_each(|(serial, name)| writeln!(f, "  \"{serial}\": {name}"))
    }
}

/// A name has to do as that of a file beside the kernel's own.
fn check(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let kernels = ["hidraw", "tty", "usb", "bus"].iter().any(|own| name.starts_with(own));
    if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        Err(format!("expected a name of letters, digits, - _ . such as lvx6048-1, found {name:?}"))
    } else if name.len() > LONGEST {
        Err(format!("expected a name of at most {LONGEST} characters, found {}", name.len()))
    } else if kernels {
        Err(format!("{name} could be a name that the kernel gives; choose one such as lvx6048-1"))
    } else {
        Ok(())
    }
}

const LONGEST: usize = 64;

/// Most bytes of the file: a bank has ten units.
const MAX_BYTES: usize = 1 << 20;

/// Where the file is wrong, and why.
#[derive(Debug)]
pub(super) struct Wrong {
    place: String,
    why: String,
}

impl Wrong {
    fn new(at: Location, why: String) -> Self {
        Self { place: format!("line {} column {}", at.line(), at.column()), why }
    }
}

impl From<serde_saphyr::Error> for Wrong {
    fn from(error: serde_saphyr::Error) -> Self {
        let place = match error.location() {
            Some(at) => format!("line {} column {}", at.line(), at.column()),
            None => "the text".to_owned(),
        };
        // The library's own words are for programmers.
        let why = match error.without_snippet() {
            serde_saphyr::Error::DuplicateMappingKey { key, .. } => {
                let key = key.as_deref().unwrap_or("one");
                format!("expected each key once, found {key} again")
            }
            _ => "expected `units:` and below it a serial number and a name a line".to_owned(),
        };
        Self { place, why }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    units: Pairs,
}

/// With their places, and those that are there twice.
struct Pairs(Vec<(Spanned<String>, Spanned<String>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("serial numbers and names")
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
    fn reads_what_it_writes() {
        let text = "units:\n  96132206100410: lvx6048-1\n  '0096132206100411': cellar.2\n";
        let names = UnitNames::parse(text).unwrap();
        let serial = SerialNumber::new("0096132206100411").unwrap();
        assert_eq!(names.name(&serial), Some("cellar.2"));
        assert_eq!(UnitNames::parse(&names.to_string()).unwrap(), names);
        assert_eq!(UnitNames::parse("units: {}").unwrap(), UnitNames::default());
    }

    #[test]
    fn says_where_a_file_is_wrong() {
        let said = [
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
        ];
        let said = said.map(|text| match UnitNames::parse(text) {
            Ok(names) => panic!("{text:?} is {names:?}"),
            Err(wrong) => wrong.to_string(),
        });
        insta::assert_snapshot!(said.join("\n"));
    }
}
