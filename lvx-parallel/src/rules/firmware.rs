//! All units run the same firmware on their main processor.

use crate::{Finding, Severity, UnitSnapshot, rules::each};

pub(super) fn check(units: &[UnitSnapshot]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if differ(units, |unit| unit.firmware.main) {
        findings.push(Finding {
            rule: "main-firmware",
            severity: Severity::Error,
            what: format!("main firmware differs: {}", each(units, |unit| unit.firmware.main)),
            why: "units of one bank with different main firmware stop with fault 71".to_owned(),
            advice: "have the units brought to the same main firmware".to_owned(),
        });
    }
    if differ(units, |unit| (unit.firmware.slave1, unit.firmware.slave2)) {
        findings.push(Finding {
            rule: "slave-firmware",
            severity: Severity::Info,
            what: format!("slave firmware differs: {}", each(units, |unit| unit.firmware.slave1)),
            why: "a difference there was seen to work (06126 beside 06021)".to_owned(),
            advice: "nothing to do".to_owned(),
        });
    }
    findings
}

fn differ<T: PartialEq>(units: &[UnitSnapshot], part: impl Fn(&UnitSnapshot) -> T) -> bool {
    units.iter().zip(units.iter().skip(1)).any(|(a, b)| part(a) != part(b))
}

#[cfg(test)]
mod tests {
    use pi18_proto::Version;

    use crate::{
        Severity, check,
        rules::testing::{found, healthy},
    };

    #[test]
    fn tells_a_difference_on_the_main_processor() {
        let findings = found(|units| units[1].firmware.main = Version::new("06440").unwrap());
        assert_eq!(findings, [("main-firmware", Severity::Error)]);
    }

    #[test]
    fn mentions_a_difference_on_the_slave_processor() {
        let report = check(healthy());
        assert_eq!(
            report.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(),
            ["slave-firmware"]
        );
    }
}
