//! `cross-totals`: the totals that units report are the sums of the units' measurements.
//!
//! Compares total output power and total charge current in `PGSn` with the sums over `GS`. A difference
//! means that the bank counts a unit that was not given, or does not count one that was. Totals that changed
//! while the bank was read are not judged. Banks that were not read completely, or that feed several phases,
//! are not judged either.
//!
//! Limits: `cross_power` and `cross_current`, each plus a fifth of the greater value (assumed).
//! Source: PI18 2017 and 2022, "PGSn": totals of the bank.

use std::time::Duration;

use pi18_proto::{GeneralStatus, ParallelStatus, Presence};

use crate::{
    Answer, Finding, FindingKind, Severity,
    context::{Context, Measured},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "cross-totals",
    "totals in PGSn are not the sums over the units' GS (cross_power, cross_current)",
    "PI18 2017 and 2022, \"PGSn\": totals of the bank; limits assumed",
    &[&WRONG],
    check,
);

static WRONG: FindingKind = FindingKind::new(
    Severity::Warning,
    "the total output power (cross_power) or charge current (cross_current) in PGSn is not the sum over all units, \
     read within max_skew",
    "the bank counts a unit that was not given, or does not count one that was",
    &[
        "check again: a value may have changed while the units were read",
        "check that exactly the units of this bank were given",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // In a bank with phases, it is not known whether totals are for the bank or for one phase.
    if context.has_phases() || !context.is_whole() || context.measured.len() != context.units.len()
    {
        return Vec::new();
    }
    let thresholds = context.thresholds();
    let power = Total {
        what: "output power",
        unit: "W",
        reported: |status| status.total_active_power.0,
        own: |status| status.active_power.0,
        max: thresholds.cross_power.0,
    };
    let current = Total {
        what: "charge current",
        unit: "A",
        reported: |status| status.total_charge_current.0.into(),
        own: |status| status.charge_current.0.into(),
        max: thresholds.cross_current.0.into(),
    };
    // If `GS` reports only one of three phases, the sum of its power is not the total. A battery current
    // has no phases.
    let is_complete = !context.units.iter().any(|unit| unit.shows_first_phase_only());
    let power = is_complete.then_some(power);
    power.iter().chain([&current]).filter_map(|total| total.check(context)).collect()
}

/// A value that units measure, and whose total they report.
struct Total {
    /// Name of the value.
    what: &'static str,
    /// Symbol of its unit.
    unit: &'static str,
    /// Total in `PGSn`.
    reported: fn(&ParallelStatus) -> u32,
    /// Value of one unit in `GS`.
    own: fn(&GeneralStatus) -> u32,
    /// Largest difference, to which a fifth of the greater value is added.
    max: u32,
}

impl Total {
    fn check(&self, context: &Context<'_>) -> Option<Finding> {
        let sum: u64 =
            context.measured.iter().map(|each| u64::from((self.own)(&each.status))).sum();
        let reported = self.reported(context);
        let (least, greatest) = (reported.iter().min()?, reported.iter().max()?);
        let max = u64::from(self.max) + (*greatest).max(sum) / 5;
        // Totals are read before and after `GS`: if they changed, the sum changed as well.
        let is_steady = greatest - least <= max;
        let is_sum = least.saturating_sub(max) <= sum && sum <= greatest.saturating_add(max);
        if is_sum || !is_steady {
            return None;
        }
        let (what, unit) = (self.what, self.unit);
        let what = format!(
            "units report a total {what} of {greatest} {unit}, but measure {sum} {unit} together"
        );
        let shown =
            |each: &Measured<'_>| each.value(format_args!("{} {unit}", (self.own)(&each.status)));
        let values = context.measured.iter().map(shown).collect();
        Some(RULE.report(&WRONG, what, values))
    }

    /// Returns every total that was read near enough in time to the measurements.
    fn reported(&self, context: &Context<'_>) -> Vec<u64> {
        let max = context.thresholds().max_skew_time();
        let is_near =
            |at: Duration| context.measured.iter().all(|each| each.at.abs_diff(at) <= max);
        let all = context.units.iter().flat_map(|unit| &unit.statuses);
        all.filter_map(Answer::reading)
            .filter(|reading| reading.value.presence == Presence::PRESENT && is_near(reading.at))
            .map(|reading| (self.reported)(&reading.value).into())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Model, Watts};

    use crate::{Severity, rules::testing::found};

    /// Returns the findings if every unit reports totals that are greater by these values.
    fn with(watts: u32, amperes: u16) -> Vec<(&'static str, Severity)> {
        found(|units| {
            for unit in units {
                for answer in &mut unit.statuses {
                    let status = answer.value_mut().unwrap();
                    status.total_active_power.0 += watts;
                    status.total_charge_current.0 += amperes;
                }
            }
        })
    }

    #[test]
    fn totals_beyond_threshold_are_reported() {
        assert_eq!(with(2000, 0), [("cross-totals", Severity::Warning)]);
        assert_eq!(with(0, 60), [("cross-totals", Severity::Warning)]);
        assert_eq!(with(100, 5), []);
    }

    #[test]
    fn changing_totals_are_not_judged() {
        let found = found(|units| {
            for (unit, watts) in units.iter_mut().zip([3000, 9000]) {
                for answer in &mut unit.statuses {
                    answer.value_mut().unwrap().total_active_power = Watts(watts);
                }
            }
        });
        assert_eq!(found, []);
    }

    #[test]
    fn three_phase_power_is_not_compared() {
        for model in [Model::V2_15KW_3P, Model::V3, Model::V3_TWIN] {
            let found = found(|units| {
                for unit in &mut *units {
                    unit.model.value_mut().unwrap().model = model;
                }
                for answer in units.iter_mut().flat_map(|unit| &mut unit.statuses) {
                    answer.value_mut().unwrap().total_active_power.0 += 5000;
                }
            });
            assert_eq!(found, [("unread", Severity::Info)], "{model}");
        }
    }
}
