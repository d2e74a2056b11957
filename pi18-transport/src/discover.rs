//! Finding a unit by its serial number: the only name that stays with it.
//!
//! The adapters have no serial number of their own, share vendor and product with UPSs, and change
//! their node's number with every move of a cable. So each candidate is asked.

use std::path::{Path, PathBuf};

use pi18_proto::{Identity, SerialNumber};

use crate::{Address, Error, Link, error::Kind};

/// The hidraw nodes of adapters like those of these inverters (`0665:5161`).
///
/// The list comes from sysfs; nothing is opened.
#[must_use]
pub fn candidates() -> Vec<PathBuf> {
    candidates_in(Path::new("/sys/class/hidraw"))
}

/// What the parent's uevent says of such an adapter.
const HID_ID: &str = "HID_ID=0003:00000665:00005161";

fn candidates_in(class: &Path) -> Vec<PathBuf> {
    let nodes = std::fs::read_dir(class).into_iter().flatten().flatten();
    let mut found: Vec<_> = nodes
        .filter(|node| {
            let uevent = std::fs::read_to_string(node.path().join("device/uevent"));
            uevent.is_ok_and(|text| text.lines().any(|line| line == HID_ID))
        })
        .map(|node| Path::new("/dev").join(node.file_name()))
        .collect();
    found.sort();
    found
}

/// Opens the unit with that serial number.
pub(crate) fn link(serial: &str, address: &Address) -> Result<Box<dyn Link + Send>, Error> {
    find(serial, candidates().into_iter().map(|path| address.at(path)))
}

fn find(
    serial: &str,
    candidates: impl Iterator<Item = Address>,
) -> Result<Box<dyn Link + Send>, Error> {
    let not_found = |found: String| Error::new(format!("sn:{serial}"), Kind::NotFound { found });
    if !SerialNumber::new(serial).is_some_and(|serial| serial.looks_genuine()) {
        return Err(not_found(
            "a text that is none: 8 to 20 digits, not one group over and over".to_owned(),
        ));
    }
    let (mut units, mut told) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let answer = candidate.open().and_then(|mut client| {
            let identity = client.read::<Identity>()?;
            Ok((client, identity.serial_number))
        });
        match answer {
            Ok((client, found)) => {
                told.push(format!("{} is {found}", candidate.place()));
                units.extend((found.as_str() == serial).then_some(client));
            }
            Err(error) => told.push(error.to_string()),
        }
    }
    match (units.pop(), units.is_empty(), told.is_empty()) {
        (Some(unit), true, _) => Ok(unit.into_link()),
        (None, _, true) => Err(not_found("no USB adapter of such an inverter".to_owned())),
        // None of them, or several: which is which cannot be told.
        _ => Err(not_found(told.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn addresses<const N: usize>(texts: [&str; N]) -> impl Iterator<Item = Address> {
        texts.map(|text| text.parse().unwrap()).into_iter()
    }

    #[cfg(feature = "sim")]
    #[test]
    fn finds_the_one_unit_of_that_serial_number() {
        let found = find("96132206100411", addresses(["/dev/no-such-node", "sim:0", "sim:1"]));
        assert_eq!(found.unwrap().name(), "sim:1");
        let refused = |serial, texts| find(serial, addresses(texts)).err().unwrap().to_string();
        let twice = refused("96132206100411", ["sim:1", "sim:1"]);
        assert!(
            twice.ends_with("found sim:1 is 96132206100411; sim:1 is 96132206100411"),
            "{twice}"
        );
        let none = refused("96132206100419", ["sim:0", "sim:1"]);
        assert!(none.ends_with("found sim:0 is 96132206100410; sim:1 is 96132206100411"), "{none}");
        assert!(refused("55355535553555", ["sim:0", "sim:1"]).contains("one group over and over"));
    }

    #[test]
    fn knows_the_adapters_by_what_sysfs_says() {
        let class = std::env::temp_dir().join(format!("pi18-hidraw-{}", std::process::id()));
        for (node, id) in [("hidraw0", HID_ID), ("hidraw1", "HID_ID=0003:0000046D:0000C52B")] {
            fs::create_dir_all(class.join(node).join("device")).unwrap();
            let uevent = format!("DRIVER=hid-generic\n{id}\nHID_NAME=INNO TECH USB to Serial\n");
            fs::write(class.join(node).join("device/uevent"), uevent).unwrap();
        }
        assert_eq!(candidates_in(&class), [Path::new("/dev/hidraw0")]);
        fs::remove_dir_all(class).unwrap();
    }
}
