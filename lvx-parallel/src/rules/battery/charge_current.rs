//! `charge-current`: units that charge share the charge current.
//!
//! Compares the units that share an output and charge. A difference that PV power explains is reported as
//! information; see `current_sharing`. Near its bulk or float voltage, each charger lowers its current on its
//! own, so that the currents are not compared there.
//!
//! Limits: `charge_current_spread`, 5 A, `current_share`, 10 %, `pv_losses`, and `taper_margin`, 0.3 V. Source:
//! two commissioned LVX6048s charging with 55 and 57 A were judged with a limit of about 5 A; others assumed.

use super::{current_sharing::Current, limits::is_near_full};
use crate::{
    Finding, FindingKind, Severity,
    advice::LIVE_TERMINALS,
    context::{Context, OutputGroup},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "charge-current",
    "charge currents of units that share an output and charge differ (charge_current_spread, current_share, pv_losses; not within taper_margin of bulk or float voltage)",
    "two commissioned LVX6048s charging with 55 and 57 A, judged with a limit of about 5 A; others assumed",
    &[&UNEQUAL, &SUN, &AT_LIMIT, &UNSEEN],
    check,
);

static UNEQUAL: FindingKind = FindingKind::new(
    Severity::Warning,
    "charge currents differ by more than charge_current_spread and current_share in both readings",
    "one unit carries more than its share and ages faster, or another unit cannot deliver its share",
    STEPS,
);

static SUN: FindingKind = FindingKind::new(
    Severity::Info,
    "charge currents differ, and PV power explains it (pv_losses)",
    "the units have different PV power, which explains the difference",
    &[],
);

static AT_LIMIT: FindingKind = FindingKind::new(
    Severity::Info,
    "charge currents differ, a unit is at its maximum charge current, and PV power explains it",
    "a unit has reached its maximum charge current, and the others have less PV power, which explains the \
     difference",
    &[],
);

static UNSEEN: FindingKind = FindingKind::new(
    Severity::Info,
    "charge currents differ, and a unit has a PV string that is not read",
    "the power of a third PV string is not read; it may explain the difference",
    STEPS,
);

const STEPS: &[&str] = &[
    "compare the PV power of the units: shade on a part of the roof explains a difference",
    "compare their temperatures: a hot unit charges less",
    LIVE_TERMINALS,
    "compare their battery cables and contacts, and check the string fuses and isolators",
];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let current = Current {
        what: "charge currents",
        value: |status| status.charge_current,
        again: |status| status.charge_current,
        max: context.thresholds().charge_current_spread,
        unequal: &UNEQUAL,
        due_to_pv: &SUN,
        at_limit: &AT_LIMIT,
        unseen: &UNSEEN,
    };
    let is_judged = |group: &OutputGroup<'_, '_>| {
        group.units.iter().all(|each| is_near_full(context, each) == Some(false))
    };
    current.check(&RULE, context, is_judged)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Count, Decivolts, Watts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, found, measure},
    };

    /// Returns the findings if one unit charges with 40 A and the other with `amperes`.
    fn with(amperes: u16, more_sun: u32) -> Vec<(&'static str, Severity)> {
        found(|units| {
            measure(units, 0, |status| status.charge_current = Amperes(40));
            measure(units, 1, |status| {
                status.charge_current = Amperes(amperes);
                status.pv1_power.0 += more_sun;
            });
        })
    }

    #[test]
    fn unequal_currents_are_reported() {
        assert_eq!(with(49, 0), [("charge-current", Severity::Warning)]);
        assert_eq!(with(48, 0), []);
        assert_eq!(with(0, 0), []);
    }

    #[test]
    fn currents_near_bulk_or_float_voltage_are_not_compared() {
        let with = |volts: u16| {
            found(|units| {
                for (unit, amperes) in [(0, 40), (1, 20)] {
                    measure(units, unit, |status| {
                        status.charge_current = Amperes(amperes);
                        status.battery_voltage = Decivolts(volts);
                    });
                }
            })
        };
        let unequal = [("charge-current", Severity::Warning)];
        for near in [537, 540, 543, 561, 564, 567] {
            assert_eq!(with(near), [], "{near}");
        }
        for far in [536, 544, 560] {
            assert_eq!(with(far), unequal, "{far}");
        }
    }

    #[test]
    fn currents_within_tenth_of_mean_are_shared() {
        let with = |one, other| {
            found(|units| {
                for (unit, amperes) in [(0, one), (1, other)] {
                    units[unit].rated.value_mut().unwrap().max_charge_current = Amperes(120);
                    measure(units, unit, |status| status.charge_current = Amperes(amperes));
                }
            })
        };
        assert_eq!(with(88, 72), []);
        assert_eq!(with(89, 72), [("charge-current", Severity::Warning)]);
    }

    #[test]
    fn unit_at_its_limit_explains_difference() {
        // 2000 W more at 54.6 V are 36 A, of which the limit of 60 A cuts off 16 A.
        let with = |amperes: [u16; 2], more_sun: u32| {
            let mut bank = bank_of(&["", ""]);
            for (unit, amperes) in amperes.into_iter().enumerate() {
                measure(&mut bank.units, unit, |status| {
                    status.charge_current = Amperes(amperes);
                    status.pv1_power = Watts(1500 + if unit == 0 { more_sun } else { 0 });
                });
            }
            bank
        };
        let bank = with([60, 40], 2000);
        assert_eq!(findings(&bank), [("charge-current", Severity::Info)]);
        let why = &crate::check(&bank).findings[0].why;
        assert!(why.contains("maximum charge current"), "{why}");
        assert_eq!(findings(&with([50, 30], 2000)), [("charge-current", Severity::Warning)]);
        assert_eq!(findings(&with([60, 40], 0)), [("charge-current", Severity::Warning)]);
    }

    #[test]
    fn more_pv_power_explains_more_current() {
        assert_eq!(with(60, 1000), [("charge-current", Severity::Info)]);
    }

    #[test]
    fn different_settings_suppress_current() {
        let found = findings(&bank_of(&["max-charge=20", ""]));
        assert_eq!(found, [("settings", Severity::Warning)]);
    }

    #[test]
    fn currents_are_compared_within_phase() {
        let with = |currents: [u16; 4]| {
            // A large battery, which the current of four units does not raise to the bulk voltage.
            let modes =
                ["output-mode=5&capacity=600", "output-mode=5", "output-mode=6", "output-mode=6"];
            let mut bank = bank_of(&modes);
            for (unit, current) in currents.into_iter().enumerate() {
                measure(&mut bank.units, unit, |status| status.charge_current = Amperes(current));
            }
            bank
        };
        assert_eq!(findings(&with([20, 22, 60, 62])), []);
        let bank = with([20, 22, 60, 76]);
        assert_eq!(findings(&bank), [("charge-current", Severity::Warning)]);
        assert_eq!(
            first_finding(&bank),
            "charge currents on phase 2 of 2 differ by 16 A, more than 13 A: sim:2 60 A, sim:3 76 A"
        );
    }

    #[test]
    fn pv_power_explains_difference_within_losses() {
        // 3200 W more at 54.6 V are 58.6 A, 52.7 A with a tenth lost.
        let with = |more: u16| {
            found(|units| {
                for (unit, current) in [(0, 10), (1, 10 + more)] {
                    measure(units, unit, |status| {
                        status.charge_current = Amperes(current);
                        status.pv1_power = Watts(if unit == 1 { 3700 } else { 500 });
                    });
                }
            })
        };
        for amperes in [48, 52, 63] {
            assert_eq!(with(amperes), [("charge-current", Severity::Info)], "{amperes}");
        }
        for amperes in [45, 68] {
            assert_eq!(with(amperes), [("charge-current", Severity::Warning)], "{amperes}");
        }
    }

    #[test]
    fn unseen_string_makes_difference_info() {
        let found = found(|units| {
            for unit in &mut *units {
                unit.rated.value_mut().unwrap().mppt_strings = Count(3);
            }
            measure(units, 0, |status| status.charge_current = Amperes(40));
            measure(units, 1, |status| status.charge_current = Amperes(50));
        });
        assert_eq!(found, [("charge-current", Severity::Info)]);
    }
}
