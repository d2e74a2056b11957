//! What was taken at different times is not compared, and that is said.

use super::Rule;
use crate::{
    Finding, Severity,
    context::{Context, each},
};

pub(super) static RULE: Rule = Rule::new(
    "skew",
    "readings were taken too far apart to be compared (max_skew)",
    "assumed: load and sun change within seconds",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let judged = |name: &str| context.live.iter().any(|live| live.unit.name == name);
    let measured = context.units.iter().filter(|unit| unit.status.value().is_some()).count();
    if context.live.len() == measured {
        return Vec::new();
    }
    let values = each(&context.units, |unit| {
        let at = unit.status.reading()?.at;
        let left_out = if judged(&unit.name) { "" } else { ", not compared" };
        Some(format!("at {}.{} s{left_out}", at.as_secs(), at.subsec_millis() / 100))
    });
    let most = context.thresholds().max_skew;
    let what = format!("some readings lie more than {most} apart and were not compared");
    let why = "voltages and currents of different moments say nothing about each other";
    vec![RULE.finding(Severity::Info, what, values, why).advise(&[
        "check again; if a unit is always slow, look at its cable, or allow more (max_skew)",
    ])]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pi18_proto::{Amperes, Decivolts};

    use crate::{
        Answer, Severity, UnitSnapshot, check,
        rules::testing::{found, healthy, measure},
    };

    fn late(unit: &mut UnitSnapshot, millis: u64) {
        if let Answer::Received(reading) = &mut unit.status {
            reading.at = Duration::from_millis(millis);
        }
    }

    #[test]
    fn what_is_too_far_apart_is_told_and_not_judged() {
        let found = |millis| {
            found(|units| {
                late(&mut units[1], millis);
                measure(units, 1, |status| {
                    status.battery_voltage = Decivolts(560);
                    status.charge_current = Amperes(20);
                });
            })
        };
        assert_eq!(found(5001), [("skew", Severity::Info)]);
        assert_eq!(found(5000).len(), 2);
    }

    #[test]
    fn what_is_too_old_is_told_and_not_judged() {
        let mut bank = healthy();
        // The other unit was asked two minutes later.
        let asked = crate::rules::testing::bank_of_at(Duration::from_mins(2));
        bank.units[1] = asked.units[1].clone();
        measure(&mut bank.units, 0, |status| status.battery_voltage = Decivolts(600));
        let report = check(&bank);
        // Its clock stands where it did, too.
        assert_eq!(report.findings.len(), 2, "{report}");
        assert_eq!(
            report.findings[0].to_string(),
            "some answers are missing: sim:0 MOD, GS, PGS0, PGS1 read too long before the others \
             (max_age)"
        );
    }

    #[test]
    fn the_verdict_says_that_not_all_was_judged() {
        let mut bank = healthy();
        late(&mut bank.units[1], 6000);
        let report = check(&bank);
        assert!(report.is_healthy());
        assert_eq!(
            report.verdict(),
            "healthy as far as it was judged: 2 units, no error, no warning"
        );
        assert_eq!(
            report.findings[0].to_string(),
            "some readings lie more than 5 s apart and were not compared: \
             sim:0 at 0.0 s, sim:1 at 6.0 s, not compared"
        );
    }
}
