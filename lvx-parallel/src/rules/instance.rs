//! The units count themselves 0, 1, 2, …: none twice, none missing, all of them given.

use crate::{Finding, Severity, UnitSnapshot, rules::each};

pub(super) fn check(units: &[UnitSnapshot]) -> Vec<Finding> {
    let told = |severity, what: String, advice: &str| {
        Finding {
        rule: "instance",
        severity,
        what,
        why: "each unit of a bank has its own number, and number 0 is the master that the others follow"
            .to_owned(),
        advice: advice.to_owned(),
    }
    };
    let mut instances: Vec<u16> =
        units.iter().map(|unit| unit.status.parallel_instance.0).collect();
    instances.sort_unstable();
    let all = || each(units, |unit| unit.status.parallel_instance);
    let wiring = "check the parallel communication cables, then restart all units";

    let mut findings = Vec::new();
    if instances.windows(2).any(|pair| pair.first() == pair.last()) {
        findings.push(told(
            Severity::Error,
            format!("an instance is there twice: {}", all()),
            wiring,
        ));
    }
    let known = units.iter().map(|unit| unit.bank_size).max().unwrap_or(0);
    if known > units.len() {
        let what = format!("{} of the bank's {known} units were read", units.len());
        let advice = "give all units of the bank, and see to those that could not be read";
        findings.push(told(Severity::Warning, what, advice));
    } else if instances.first().is_some_and(|&first| first != 0) {
        findings.push(told(Severity::Error, format!("no unit is the master: {}", all()), wiring));
    } else if instances.windows(2).any(|pair| matches!(pair, [a, b] if b - a > 1)) {
        findings.push(told(Severity::Error, format!("an instance is missing: {}", all()), wiring));
    }
    findings
}

#[cfg(test)]
mod tests {
    use pi18_proto::Count;

    use crate::{
        Severity, check,
        rules::testing::{found, healthy},
    };

    #[test]
    fn tells_an_instance_that_is_there_twice_missing_or_no_master() {
        for instances in [[0, 0], [0, 2], [1, 2]] {
            let findings = found(|units| {
                for (unit, instance) in units.iter_mut().zip(instances) {
                    unit.status.parallel_instance = Count(instance);
                }
            });
            assert_eq!(findings, [("instance", Severity::Error)], "{instances:?}");
        }
    }

    #[test]
    fn tells_that_a_unit_was_not_given() {
        let report = check(healthy().into_iter().take(1).collect());
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].what, "1 of the bank's 2 units were read");
    }
}
