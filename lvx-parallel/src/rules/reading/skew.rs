//! `skew`: all measurements were read at about the same time.
//!
//! Load and PV power change within seconds, so only readings that are at most `max_skew` apart are
//! compared. This rule reports the units whose readings were not compared.
//!
//! Limit: `max_skew`, 5 s, ten exchanges at 2400 baud (assumed: load and PV power change within seconds).

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "skew",
    "readings were taken too far apart in time to be compared (max_skew)",
    "assumed: load and PV power change within seconds",
    &[&APART],
    check,
);

static APART: FindingKind = FindingKind::new(
    Severity::Info,
    "readings of GS are more than max_skew apart",
    "voltages and currents that were read at different times cannot be compared",
    &[
        "check again; if a unit is always slow, check its data cable to the computer, or raise max_skew",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let is_compared = |name: &str| context.measured.iter().any(|each| each.unit.name == name);
    let is_read =
        |unit: &&&UnitSnapshot| unit.status.value().is_some() && !context.is_switched_off(unit);
    if context.measured.len() == context.units.iter().filter(is_read).count() {
        return Vec::new();
    }
    let values = each(&context.units, |unit| {
        let at = unit.status.reading()?.at;
        let note = if is_compared(&unit.name) { "" } else { ", not compared" };
        Some(format!("at {}.{} s{note}", at.as_secs(), at.subsec_millis() / 100))
    });
    let max = context.thresholds().max_skew;
    let what = format!("some readings are more than {max} apart and were not compared");
    vec![RULE.report(&APART, what, values)]
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
    fn readings_too_far_apart_are_reported_not_compared() {
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
    fn readings_too_old_are_reported_not_judged() {
        let mut bank = healthy();
        // The other unit was read two minutes later.
        let later = crate::rules::testing::bank_of_at(Duration::from_mins(2));
        bank.units[1] = later.units[1].clone();
        measure(&mut bank.units, 0, |status| status.battery_voltage = Decivolts(600));
        let report = check(&bank);
        assert_eq!(report.findings.len(), 1, "{report}");
        assert_eq!(
            report.findings[0].to_string(),
            "some answers are missing: sim:0 MOD, GS, PGS0, PGS1 read too long before the others \
             (max_age)"
        );
    }

    #[test]
    fn verdict_with_skew_is_limited() {
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
            "some readings are more than 5 s apart and were not compared: \
             sim:0 at 0.0 s, sim:1 at 6.0 s, not compared"
        );
    }
}
