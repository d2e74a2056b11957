//! `circulating-current`: the current of the outputs goes to the loads, not from unit to unit.
//!
//! If outputs in parallel differ in voltage, phase or timing, a current flows between the units. It is apparent
//! power without active power, on all of them. Compares apparent with active power of the units on one output. A
//! single unit is not judged, because a motor at idle has a low power factor too; in a bank, the motor would
//! have to be as large as the limit on every unit.
//!
//! Limits: `circulating_power`, 1000 VA on every unit, and `power_factor_low`, 50 % (assumed: the power factor
//! of a motor at idle is lower, but houses have none of this size).

use crate::{
    Finding, FindingKind, Severity,
    advice::LIVE_TERMINALS,
    context::{Context, Measured},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "circulating-current",
    "all units on one output have much apparent power and little active power (circulating_power, power_factor_low)",
    "assumed: no load of a house has such a power factor at this size",
    &[&CIRCULATING],
    check,
);

static CIRCULATING: FindingKind = FindingKind::new(
    Severity::Warning,
    "every unit on one output has an apparent power above circulating_power and a power factor below \
     power_factor_low, in both readings",
    "a current may flow from unit to unit instead of to the loads; it heats the units and their cables, and the \
     bank may stop with fault 72",
    &[
        "check again while large motors and transformers are off: their current looks the same",
        "compare output voltage, frequency and output mode of all units",
        LIVE_TERMINALS,
        "check that the current sharing cables connect only units of one phase, as the manual of this model \
         draws them: a wrong connection destroys units",
        "check that the outputs of one phase are connected with cables of the same length and size",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds();
    let is_reactive = |apparent: u32, active: u32| {
        apparent > thresholds.circulating_power.0
            && u64::from(active) * 100
                < u64::from(apparent) * u64::from(thresholds.power_factor_low.0)
    };
    let circulates = |each: &&Measured<'_>| {
        each.lasts(
            |s| is_reactive(s.apparent_power.0, s.active_power.0),
            |s| is_reactive(s.apparent_power.0, s.active_power.0),
        )
    };
    let feeding: Vec<_> = context.feeding().map(|each| &each.unit.name).collect();
    let groups = context.output_groups().into_iter();
    let groups = groups.map(|group| group.only(|each| feeding.contains(&&each.unit.name)));
    let found = groups.filter(|group| group.units.len() > 1 && group.units.iter().all(circulates));
    let finding = |group: crate::context::OutputGroup<'_, '_>| {
        let values = group.units.iter().map(|each| {
            let status = &each.status;
            each.value(format_args!(
                "{} {} {}",
                status.apparent_power, status.active_power, status.output_voltage
            ))
        });
        let max = thresholds.power_factor_low;
        let what = format!("the power factor of all units{} is below {max}", group.place());
        RULE.report(&CIRCULATING, what, values.collect())
    };
    found.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use pi18_proto::{VoltAmperes, Watts};

    use crate::{
        BankSnapshot, Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    const FOUND: [(&str, Severity); 1] = [("circulating-current", Severity::Warning)];

    fn with_power(switches: &[&str], powers: &[(u32, u32)]) -> BankSnapshot {
        let switches: Vec<_> =
            switches.iter().map(|each| format!("mode=03&sun=30&load=600&{each}")).collect();
        let mut bank = bank_of(&switches.iter().map(String::as_str).collect::<Vec<_>>());
        for (unit, (apparent, active)) in powers.iter().enumerate() {
            measure(&mut bank.units, unit, |status| {
                status.apparent_power = VoltAmperes(*apparent);
                status.active_power = Watts(*active);
            });
        }
        bank
    }

    #[test]
    fn apparent_power_without_active_power_on_all_units_is_reported() {
        let bank = with_power(&["", ""], &[(1500, 300), (1400, 310)]);
        assert_eq!(findings(&bank), FOUND);
        assert_eq!(
            first_finding(&bank),
            "the power factor of all units is below 50 %: sim:0 1500 VA 300 W 120.0 V, sim:1 1400 VA 310 W \
             120.0 V"
        );
        assert_eq!(findings(&with_power(&["", ""], &[(1500, 300), (1000, 310)])), []);
        assert_eq!(findings(&with_power(&["", ""], &[(1500, 300), (1400, 700)])), []);
    }

    #[test]
    fn single_unit_with_motor_is_healthy() {
        assert_eq!(findings(&with_power(&[""], &[(1500, 300)])), []);
        // One unit on each phase: no current can flow between them.
        let phases = ["output-mode=5", "output-mode=6"];
        assert_eq!(findings(&with_power(&phases, &[(1500, 300), (1500, 300)])), []);
    }

    #[test]
    fn units_of_one_phase_are_judged_together() {
        let phases = ["output-mode=5", "output-mode=6", "output-mode=6"];
        let bank = with_power(&phases, &[(300, 290), (1500, 300), (1500, 320)]);
        assert_eq!(findings(&bank), FOUND);
        assert!(
            first_finding(&bank).contains("all units on phase 2 of 2"),
            "{}",
            first_finding(&bank)
        );
    }

    #[test]
    fn power_factor_in_one_reading_is_ignored() {
        let mut bank = with_power(&["", ""], &[(300, 290), (300, 290)]);
        for unit in &mut bank.units {
            unit.status.value_mut().unwrap().apparent_power = VoltAmperes(1500);
        }
        assert_eq!(findings(&bank), []);
    }
}
