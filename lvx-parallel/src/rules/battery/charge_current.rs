//! `charge-current`: units that charge share the charge current.
//!
//! Compares the units that share an output and charge. A difference that PV power explains is reported as
//! information; see `current_sharing`.
//!
//! Limits: `charge_current_spread`, 5 A, and `pv_losses`. Source: two commissioned LVX6048s charging with
//! 55 and 57 A were judged with a limit of about 5 A; losses assumed.

use super::current_sharing::Current;
use crate::{Finding, context::Context, rules::BuiltIn};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "charge-current",
    "charge currents of units that share an output and charge differ (charge_current_spread, pv_losses)",
    "two commissioned LVX6048s charging with 55 and 57 A, judged with a limit of about 5 A; losses assumed",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let current = Current {
        what: "charge currents",
        value: |status| status.charge_current,
        again: |status| status.charge_current,
        max: context.thresholds().charge_current_spread,
        why: "one unit carries more than its share and ages faster, or another unit cannot deliver its share",
        advice: &[
            "compare the PV power of the units: shade, a blown string fuse, a string that is off",
            "compare their battery cables and contacts",
            "compare their temperatures: a hot unit charges less",
        ],
    };
    current.check(&RULE, context)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Count, Watts};

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
        assert_eq!(with(46, 0), [("charge-current", Severity::Warning)]);
        assert_eq!(with(45, 0), []);
        assert_eq!(with(0, 0), []);
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
            let modes = ["output-mode=5", "output-mode=5", "output-mode=6", "output-mode=6"];
            let mut bank = bank_of(&modes);
            for (unit, current) in currents.into_iter().enumerate() {
                measure(&mut bank.units, unit, |status| status.charge_current = Amperes(current));
            }
            bank
        };
        assert_eq!(findings(&with([20, 22, 60, 62])), []);
        let bank = with([20, 22, 60, 70]);
        assert_eq!(findings(&bank), [("charge-current", Severity::Warning)]);
        assert_eq!(
            first_finding(&bank),
            "charge currents on phase 2 of 2 differ by 10 A, more than 5 A: sim:2 60 A, sim:3 70 A"
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
        for amperes in [45, 65] {
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
