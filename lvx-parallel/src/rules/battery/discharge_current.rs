//! `discharge-current`: units that discharge share the discharge current.
//!
//! Compares the units that share an output and discharge. A difference that PV power explains is reported
//! as information; see `current_sharing`.
//!
//! Limits: `discharge_current_spread`, 5 A, `current_share`, 10 %, and `pv_losses` (assumed, as for charging).

use super::current_sharing::Current;
use crate::{
    Finding, FindingKind, Severity, advice::LIVE_TERMINALS, context::Context, rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "discharge-current",
    "discharge currents of units that share an output and discharge differ (discharge_current_spread, current_share, pv_losses)",
    "as for charging (assumed)",
    &[&UNEQUAL, &SUN, &UNSEEN],
    check,
);

static UNEQUAL: FindingKind = FindingKind::new(
    Severity::Warning,
    "discharge currents differ by more than discharge_current_spread and current_share in both readings",
    "one unit carries more of the load than its share",
    STEPS,
);

static SUN: FindingKind = FindingKind::new(
    Severity::Info,
    "discharge currents differ, and PV power explains it (pv_losses)",
    "the units have different PV power, which explains the difference",
    &[],
);

static UNSEEN: FindingKind = FindingKind::new(
    Severity::Info,
    "discharge currents differ, and a unit has a PV string that is not read",
    "the power of a third PV string is not read; it may explain the difference",
    STEPS,
);

const STEPS: &[&str] = &[
    LIVE_TERMINALS,
    "check the current sharing cables between the units of one phase: each is plugged in, to its own pair of \
     units",
    "compare output cables and breakers: same length, same size, tight",
    "compare battery cables and contacts",
];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let current = Current {
        what: "discharge currents",
        value: |status| status.discharge_current,
        again: |status| status.discharge_current,
        max: context.thresholds().discharge_current_spread,
        unequal: &UNEQUAL,
        due_to_pv: &SUN,
        at_limit: &SUN,
        unseen: &UNSEEN,
    };
    current.check(&RULE, context, |_| true)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Watts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, measure},
    };

    fn with<const N: usize>(currents: [u16; N], mode: [&str; N]) -> Vec<(&'static str, Severity)> {
        let mode = mode.map(|mode| format!("sun=0&load=3000&output-mode={mode}"));
        let mut bank = bank_of(&mode.each_ref().map(String::as_str));
        for (unit, current) in currents.into_iter().enumerate() {
            measure(&mut bank.units, unit, |status| status.discharge_current = Amperes(current));
        }
        findings(&bank)
    }

    #[test]
    fn unequal_currents_are_reported() {
        assert_eq!(with([30, 37], ["1", "1"]), [("discharge-current", Severity::Warning)]);
        assert_eq!(with([30, 35], ["1", "1"]), []);
        assert_eq!(with([30, 0], ["1", "1"]), [("idle-unit", Severity::Warning)]);
    }

    #[test]
    fn currents_within_tenth_of_mean_are_shared() {
        assert_eq!(with([88, 72], ["1", "1"]), []);
        assert_eq!(with([89, 72], ["1", "1"]), [("discharge-current", Severity::Warning)]);
    }

    #[test]
    fn currents_are_compared_within_phase() {
        assert_eq!(with([30, 80], ["5", "6"]), []);
        // Units on one phase share its load.
        let found = with([30, 37, 80], ["5", "5", "6"]);
        assert_eq!(found, [("discharge-current", Severity::Warning)]);
        assert_eq!(with([30, 34, 80], ["5", "5", "6"]), []);
    }

    #[test]
    fn pv_power_explains_difference_within_losses() {
        let with = |less: u16| {
            let mut bank = bank_of(&["sun=0&load=4000", ""]);
            for (unit, current) in [(0, 70), (1, 70 - less)] {
                measure(&mut bank.units, unit, |status| {
                    status.discharge_current = Amperes(current);
                    status.charge_current = Amperes(0);
                    status.pv1_power = Watts(if unit == 1 { 3200 } else { 0 });
                });
            }
            findings(&bank)
        };
        // 3200 W at 51.6 V are 62 A, 55.8 A with a tenth lost.
        assert_eq!(with(53), [("discharge-current", Severity::Info)]);
        assert_eq!(with(40), [("discharge-current", Severity::Warning)]);
    }

    #[test]
    fn only_settings_of_discharge_suppress_current() {
        let with = |switch: &str| {
            let mut bank = bank_of(&["sun=0&load=3000", switch]);
            for (unit, current) in [(0, 30), (1, 40)] {
                measure(&mut bank.units, unit, |status| {
                    status.discharge_current = Amperes(current);
                });
            }
            bank
        };
        let is_found = |bank| findings(&bank).iter().any(|(rule, _)| *rule == "discharge-current");
        assert!(is_found(with("max-charge=50")));
        assert!(is_found(with("max-ac-charge=20")));
        assert!(!is_found(with("redischarge=53.0")));
        assert!(!is_found(with("charger-priority=1")));
        // The voltages of different models are not compared.
        let mut models = with("redischarge=53.0");
        models.units[1].rated.value_mut().unwrap().output_apparent_power.0 = 5000;
        assert!(is_found(models));
    }
}
