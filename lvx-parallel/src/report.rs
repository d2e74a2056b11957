//! All units beside each other, what was found, and a verdict.

use std::fmt;

use serde::Serialize;

use crate::{Finding, Severity, UnitSnapshot, rules};

/// What [`check`] says of a bank.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether there are units and nothing worse than an info was found.
    pub healthy: bool,
    /// The units, as they were given.
    pub units: Vec<UnitSnapshot>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

/// Holds the units of one bank against each other and against what a healthy bank looks like.
#[must_use]
pub fn check(units: Vec<UnitSnapshot>) -> Report {
    let mut findings: Vec<_> = rules::ALL.iter().flat_map(|rule| rule(&units)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let calm = findings.iter().all(|finding| finding.severity == Severity::Info);
    let healthy = calm && !units.is_empty();
    Report { healthy, units, findings }
}

impl Report {
    /// Whether there are units and nothing worse than an info was found.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.healthy
    }

    /// One line that says it all.
    #[must_use]
    pub fn verdict(&self) -> String {
        let units = self.units.len();
        let count = |severity| self.findings.iter().filter(|f| f.severity == severity).count();
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        if units == 0 {
            return "nothing is known: no unit was read".to_owned();
        }
        if self.healthy {
            return format!("healthy: {}, no error, no warning", plural(units, "unit"));
        }
        format!(
            "not healthy: {}, {}, {}",
            plural(units, "unit"),
            plural(count(Severity::Error), "error"),
            plural(count(Severity::Warning), "warning")
        )
    }

    fn rows(&self) -> Vec<(&'static str, Vec<String>)> {
        let row = |value: &dyn Fn(&UnitSnapshot) -> String| self.units.iter().map(value).collect();
        vec![
            ("", row(&|unit| unit.name.clone())),
            ("serial number", row(&|unit| unit.serial_number.to_string())),
            ("instance", row(&|unit| unit.status.parallel_instance.to_string())),
            ("main firmware", row(&|unit| unit.firmware.main.to_string())),
            ("slave firmware", row(&|unit| unit.firmware.slave1.to_string())),
            ("mode", row(&|unit| format!("{:02} {}", unit.mode.0, unit.mode))),
            ("fault", row(&|unit| format!("{:02} {}", unit.faults.fault.0, unit.faults.fault))),
            ("battery voltage", row(&|unit| unit.status.battery_voltage.to_string())),
            ("charge current", row(&|unit| unit.status.charge_current.to_string())),
            ("discharge current", row(&|unit| unit.status.discharge_current.to_string())),
            ("battery capacity", row(&|unit| unit.status.battery_capacity.to_string())),
            ("output power", row(&|unit| unit.status.active_power.to_string())),
            (
                "PV power",
                row(&|unit| {
                    let [first, second] = [unit.status.pv1_power, unit.status.pv2_power];
                    pi18_proto::Watts(first.0.saturating_add(second.0)).to_string()
                }),
            ),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let widths: Vec<usize> = (0..self.units.len())
            .map(|i| {
                rows.iter().filter_map(move |(_, row)| row.get(i)).map(|cell| cell.chars().count())
            })
            .map(|lengths| lengths.max().unwrap_or(0))
            .collect();
        for (label, row) in &rows {
            let cells: Vec<_> =
                row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
            writeln!(f, "{}", format!("{label:<18}{}", cells.join("  ")).trim_end())?;
        }
        writeln!(f)?;
        for finding in &self.findings {
            writeln!(f, "{}: {} [{}]", finding.severity, finding.what, finding.rule)?;
            writeln!(f, "    {}", finding.why)?;
            writeln!(f, "    {}", finding.advice)?;
        }
        if !self.findings.is_empty() {
            writeln!(f)?;
        }
        writeln!(f, "{}", self.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_unit_nothing_is_healthy() {
        let report = check(Vec::new());
        assert!(!report.is_healthy());
        assert_eq!(report.verdict(), "nothing is known: no unit was read");
    }
}
