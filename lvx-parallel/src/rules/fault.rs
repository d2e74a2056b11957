//! No unit has a fault or a warning.

use crate::{Finding, Severity, UnitSnapshot};

pub(super) fn check(units: &[UnitSnapshot]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for unit in units {
        let fault = unit.faults.fault;
        if fault.is_fault() {
            let name = fault.name().map_or(format!("unknown fault {:02}", fault.0), str::to_owned);
            findings.push(Finding {
                rule: "fault",
                severity: Severity::Error,
                what: format!("{} has fault {:02}: {name}", unit.name, fault.0),
                why: "a unit with a fault has stopped, and the others carry its load".to_owned(),
                advice: "mend the cause, then restart the unit".to_owned(),
            });
        }
        let mut raised = Vec::new();
        unit.faults.visit_raised(&mut |info| raised.push(info.label));
        if !raised.is_empty() {
            findings.push(Finding {
                rule: "warning",
                severity: Severity::Warning,
                what: format!("{} warns: {}", unit.name, raised.join(", ")),
                why: "a warning that stays becomes a fault".to_owned(),
                advice: "mend the cause".to_owned(),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use pi18_proto::{FaultCode, Warning};

    use crate::{Severity, rules::testing::found};

    #[test]
    fn tells_a_fault_named_or_not() {
        for code in [83, 99] {
            let findings = found(|units| units[1].faults.fault = FaultCode(code));
            assert_eq!(findings, [("fault", Severity::Error)]);
        }
    }

    #[test]
    fn tells_a_warning() {
        let findings = found(|units| units[0].faults.line_fail = Warning::RAISED);
        assert_eq!(findings, [("warning", Severity::Warning)]);
    }
}
