//! Each unit is given once, and has a serial number that can be one.

use crate::{Finding, Severity, UnitSnapshot};

pub(super) fn check(units: &[UnitSnapshot]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, unit) in units.iter().enumerate() {
        let serial = &unit.serial_number;
        if !serial.looks_genuine() {
            findings.push(Finding {
                rule: "serial-number",
                severity: Severity::Warning,
                what: format!("{} gives {serial:?} as its serial number", unit.name),
                why: "this does not look like a serial number, so the unit cannot be told from another; \
                      some units lose theirs in a restore of defaults"
                    .to_owned(),
                advice: "tell the unit by its cable until the maker has restored its serial number".to_owned(),
            });
        }
        if let Some(other) = units.iter().take(i).find(|other| other.serial_number == *serial) {
            findings.push(Finding {
                rule: "same-unit-twice",
                severity: Severity::Error,
                what: format!(
                    "{} and {} have the same serial number {serial}",
                    other.name, unit.name
                ),
                why: "one unit compared with itself proves nothing about the other".to_owned(),
                advice: "give each unit once; if they are two units, look at their type plates"
                    .to_owned(),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use pi18_proto::SerialNumber;

    use crate::{Severity, rules::testing::found};

    #[test]
    fn tells_one_unit_given_twice() {
        let findings = found(|units| units[1].serial_number = units[0].serial_number);
        assert_eq!(findings, [("same-unit-twice", Severity::Error)]);
    }

    #[test]
    fn tells_a_serial_number_that_is_none() {
        let serial = SerialNumber::new("55355535553555").unwrap();
        let findings = found(|units| units[1].serial_number = serial);
        assert_eq!(findings, [("serial-number", Severity::Warning)]);
    }
}
