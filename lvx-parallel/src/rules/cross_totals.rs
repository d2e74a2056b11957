//! The totals that units tell are the sums of what the units say themselves.

use pi18_proto::{GeneralStatus, ParallelStatus, Presence};

use super::Rule;
use crate::{
    Answer, Finding, Severity,
    context::{Context, Measured},
};

pub(super) static RULE: Rule = Rule::new(
    "cross-totals",
    "totals in PGSn are not the sums over the units' GS (cross_power, cross_current)",
    "PI18 2017 and 2022, \"PGSn\": totals of the bank; thresholds assumed",
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // Whether totals of phases are the bank's, nobody has seen.
    if context.is_out_of_touch()
        || context.has_phases()
        || !context.is_whole()
        || context.live.len() != context.units.len()
    {
        return Vec::new();
    }
    let thresholds = context.thresholds();
    let power = Total {
        what: "output power",
        unit: "W",
        told: |status| status.total_active_power.0,
        own: |status| status.active_power.0,
        most: thresholds.cross_power.0,
    };
    let current = Total {
        what: "charge current",
        unit: "A",
        told: |status| status.total_charge_current.0.into(),
        own: |status| status.charge_current.0.into(),
        most: thresholds.cross_current.0.into(),
    };
    // The totals of power are of three phases where `GS` shows one; a current of the battery has none.
    let is_known = !context.units.iter().any(|unit| unit.shows_first_phase_only());
    let power = is_known.then_some(power);
    power.iter().chain([&current]).filter_map(|total| total.check(context)).collect()
}

struct Total {
    what: &'static str,
    unit: &'static str,
    told: fn(&ParallelStatus) -> u32,
    own: fn(&GeneralStatus) -> u32,
    most: u32,
}

impl Total {
    fn check(&self, context: &Context<'_>) -> Option<Finding> {
        let sum: u64 = context.live.iter().map(|live| u64::from((self.own)(&live.status))).sum();
        let told = self.told(context);
        let (least, greatest) = (told.iter().min()?, told.iter().max()?);
        let most = u64::from(self.most) + (*greatest).max(sum) / 5;
        // Totals were taken before and after: if they moved, so did what is summed.
        let stood_still = greatest - least <= most;
        let within = least.saturating_sub(most) <= sum && sum <= greatest.saturating_add(most);
        if within || !stood_still {
            return None;
        }
        let (what, unit) = (self.what, self.unit);
        let what = format!(
            "the total {what} is told as {greatest} {unit}, the units' sum is {sum} {unit}"
        );
        let shown =
            |live: &Measured<'_>| live.value(format_args!("{} {unit}", (self.own)(&live.status)));
        let why = "the bank counts a unit that was not given here, or misses one that was";
        Some(
            RULE.finding(Severity::Warning, what, context.live.iter().map(shown).collect(), why)
                .advise(&[
                    "check again: something may have changed just then",
                    "check that exactly the units of this bank were given",
                ]),
        )
    }

    /// Every total that was told near enough in time.
    fn told(&self, context: &Context<'_>) -> Vec<u64> {
        let most = context.thresholds().max_skew_time();
        let near = |at| context.live.iter().all(|live| live.at.abs_diff(at) <= most);
        let all = context.units.iter().flat_map(|unit| &unit.statuses);
        all.filter_map(Answer::reading)
            .filter(|reading| reading.value.presence == Presence::PRESENT && near(reading.at))
            .map(|reading| (self.told)(&reading.value).into())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Model, Watts};

    use crate::{Severity, rules::testing::found};

    /// What is found once every unit tells these totals.
    fn with(watts: u32, amperes: u16) -> Vec<(&'static str, Severity)> {
        found(|units| {
            for unit in units {
                for told in &mut unit.statuses {
                    let status = told.value_mut().unwrap();
                    status.total_active_power.0 += watts;
                    status.total_charge_current.0 += amperes;
                }
            }
        })
    }

    #[test]
    fn totals_that_are_not_the_sums_are_told() {
        assert_eq!(with(2000, 0), [("cross-totals", Severity::Warning)]);
        assert_eq!(with(0, 60), [("cross-totals", Severity::Warning)]);
        assert_eq!(with(100, 5), []);
    }

    #[test]
    fn totals_that_moved_are_not_judged() {
        let found = found(|units| {
            for (unit, watts) in units.iter_mut().zip([3000, 9000]) {
                for told in &mut unit.statuses {
                    told.value_mut().unwrap().total_active_power = Watts(watts);
                }
            }
        });
        assert_eq!(found, []);
    }

    #[test]
    fn of_three_phases_only_what_is_known_is_compared() {
        for model in [Model::V2_15KW_3P, Model::V3, Model::V3_TWIN] {
            let found = found(|units| {
                for unit in &mut *units {
                    unit.model.value_mut().unwrap().model = model;
                }
                for told in units.iter_mut().flat_map(|unit| &mut unit.statuses) {
                    told.value_mut().unwrap().total_active_power.0 += 5000;
                }
            });
            assert_eq!(found, [("unread", Severity::Info)], "{model}");
        }
    }
}
