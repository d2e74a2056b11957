//! Each unit works: battery, hybrid or charge.

use pi18_proto::WorkingMode;

use crate::{Finding, Severity, UnitSnapshot};

/// Source: a commissioned pair of LVX6048.
const WORKING: [WorkingMode; 3] = [WorkingMode::BATTERY, WorkingMode::HYBRID, WorkingMode::CHARGE];

pub(super) fn check(units: &[UnitSnapshot]) -> Vec<Finding> {
    let idle = units.iter().filter(|unit| !WORKING.contains(&unit.mode));
    idle.map(|unit| Finding {
        rule: "mode",
        severity: if unit.mode == WorkingMode::FAULT { Severity::Error } else { Severity::Warning },
        what: format!("{} is in mode {:02}, {}", unit.name, unit.mode.0, unit.mode),
        why: "a unit at work is in mode 03 (battery), 05 (hybrid) or 06 (charge)".to_owned(),
        advice: "look at the display; if it stays so, switch the unit off and on".to_owned(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use pi18_proto::WorkingMode;

    use crate::{Severity, rules::testing::found};

    #[test]
    fn tells_the_modes_of_a_unit_that_does_not_work() {
        for (mode, severity) in [
            (4, Severity::Error),
            (0, Severity::Warning),
            (1, Severity::Warning),
            (7, Severity::Warning),
        ] {
            let findings = found(|units| units[0].mode = WorkingMode(mode));
            assert_eq!(findings, [("mode", severity)]);
        }
    }

    #[test]
    fn is_content_with_those_of_one_that_does() {
        for mode in [3, 5, 6] {
            assert_eq!(found(|units| units[0].mode = WorkingMode(mode)), []);
        }
    }
}
