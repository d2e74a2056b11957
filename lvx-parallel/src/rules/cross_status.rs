//! What units say of each other's state.

use std::time::Duration;

use pi18_proto::{Decivolts, ParallelStatus, Presence, Watts, WorkingMode};

use super::Rule;
use crate::{
    Finding, Reading, Severity, UnitSnapshot,
    context::{Context, apart, observed},
};

pub(super) static RULE: Rule = Rule::new(
    "cross-status",
    "a unit's PGSn contradicts what that unit says itself (cross_battery_voltage, cross_voltage, cross_power)",
    "observed on LVX6048s: PGSn agrees with GS taken at the same time; thresholds assumed",
    check,
);

/// What is said of a unit, whoever says it.
#[derive(Clone, Copy)]
struct Claim {
    mode: Option<WorkingMode>,
    battery: Decivolts,
    grid: Decivolts,
    output: Decivolts,
    power: Watts,
    at: Duration,
}

/// What of a unit's AC can be judged.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Ac {
    No,
    Voltages,
    VoltagesAndPower,
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.is_out_of_touch() {
        return Vec::new();
    }
    let mut values = Vec::new();
    for asked in &context.units {
        for number in 0..asked.statuses.len() {
            let Some(other) = context.by_instance(number) else { continue };
            if other.name != asked.name
                && let Some(text) = contradiction(context, asked, other, number)
            {
                values.push(observed(asked, text));
            }
        }
    }
    if values.is_empty() {
        return Vec::new();
    }
    let what = "what units say of each other contradicts what they say of themselves";
    let why = "units that know old or wrong things of each other cannot share a load";
    vec![RULE.finding(Severity::Warning, what, values, why).advise(&[
        "check again: something may have changed just then",
        "check the parallel communication cables",
        "check that all the units given belong to one bank",
    ])]
}

/// It counts only if everything that the unit says of itself contradicts, and whatever others say of
/// it: then it is not that something changed in between.
fn contradiction(
    context: &Context<'_>,
    asked: &UnitSnapshot,
    other: &UnitSnapshot,
    number: usize,
) -> Option<String> {
    let heard = Claim::of_other(asked, number)?;
    let most = context.thresholds().max_skew_time();
    let near = |said: &Claim| said.at.abs_diff(heard.at) <= most;
    let own: Vec<_> = [Claim::of_itself(other), Claim::of_other(other, number)]
        .into_iter()
        .flatten()
        .filter(near)
        .collect();
    let bystanders =
        context.units.iter().filter(|unit| unit.name != asked.name && unit.name != other.name);
    let heard_by_them = bystanders.filter_map(|unit| Claim::of_other(unit, number)).filter(near);
    let is_bracketed =
        own.iter().any(|own| own.at <= heard.at) && own.iter().any(|own| own.at >= heard.at);
    let ac = match (other.shows_first_phase_only(), is_bracketed) {
        (true, _) => Ac::No,
        (false, false) => Ac::Voltages,
        (false, true) => Ac::VoltagesAndPower,
    };
    let differs = |own: &Claim| differs(context, heard, *own, ac);
    let first = own.first().and_then(differs)?;
    let all =
        own.iter().chain(&heard_by_them.collect::<Vec<_>>()).all(|own| differs(own).is_some());
    all.then(|| format!("says of unit {number}: {first}"))
}

impl Claim {
    fn of_other(asked: &UnitSnapshot, number: usize) -> Option<Self> {
        let Reading { value, at } = asked.statuses.get(number)?.reading()?;
        let ParallelStatus { presence, working_mode, battery_voltage, .. } = value;
        (presence == Presence::PRESENT).then_some(Self {
            mode: Some(working_mode),
            battery: battery_voltage,
            grid: value.grid_voltage,
            output: value.output_voltage,
            power: value.active_power,
            at,
        })
    }

    fn of_itself(unit: &UnitSnapshot) -> Option<Self> {
        let Reading { value, at } = unit.status.reading()?;
        Some(Self {
            mode: unit.working_mode(),
            battery: value.battery_voltage,
            grid: value.grid_voltage,
            output: value.output_voltage,
            power: value.active_power,
            at,
        })
    }
}

/// Power changes at any moment: it is judged only between two words of the unit itself. Of a unit with
/// three phases no AC is: whether `PGSn` is about the same phase as `GS`, nobody has seen.
fn differs(context: &Context<'_>, heard: Claim, own: Claim, ac: Ac) -> Option<String> {
    let thresholds = context.thresholds();
    let most = i64::from(thresholds.cross_voltage.0);
    let power = i64::from(thresholds.cross_power.0)
        + i64::from(heard.power.max(own.power).0) / SHARE_OF_POWER;
    let text = |what: &str, heard: &dyn std::fmt::Display, own: &dyn std::fmt::Display| {
        Some(format!("{what} {heard}, its own word is {own}"))
    };
    match own.mode {
        Some(mode) if heard.mode.is_some_and(|heard| heard != mode) => {
            return text("mode", &heard.mode.unwrap_or(mode), &mode);
        }
        _ => {}
    }
    if apart(heard.battery, own.battery) > i64::from(thresholds.cross_battery_voltage.0) {
        text("battery", &heard.battery, &own.battery)
    } else if ac != Ac::No && apart(heard.grid, own.grid) > most {
        text("grid", &heard.grid, &own.grid)
    } else if ac != Ac::No && apart(heard.output, own.output) > most {
        text("output", &heard.output, &own.output)
    } else if ac == Ac::VoltagesAndPower && apart(heard.power, own.power) > power {
        text("output power", &heard.power, &own.power)
    } else {
        None
    }
}

/// A fifth.
const SHARE_OF_POWER: i64 = 5;

#[cfg(test)]
mod tests {
    use pi18_proto::{Decivolts, Model, ParallelStatus, WorkingMode};

    use crate::{
        Severity, check,
        rules::testing::{found, healthy},
    };

    /// What is found once unit 0 says this of unit 1.
    fn with(change: impl Fn(&mut ParallelStatus)) -> Vec<(&'static str, Severity)> {
        found(|units| change(units[0].statuses[1].value_mut().unwrap()))
    }

    #[test]
    fn what_contradicts_a_unit_itself_is_told() {
        let found = [("cross-status", Severity::Warning)];
        assert_eq!(with(|status| status.battery_voltage = Decivolts(557)), found);
        assert_eq!(with(|status| status.battery_voltage = Decivolts(556)), []);
        assert_eq!(with(|status| status.working_mode = WorkingMode::BATTERY), found);
        assert_eq!(with(|status| status.active_power.0 += 500), found);
        assert_eq!(with(|status| status.active_power.0 += 200), []);
        assert_eq!(with(|status| status.grid_voltage = Decivolts(0)), found);
    }

    #[test]
    fn what_changed_between_two_readings_is_not() {
        // The unit's own later word is the same.
        let found = found(|units| {
            for unit in units {
                unit.statuses[1].value_mut().unwrap().active_power.0 += 2000;
            }
        });
        assert_eq!(found, []);
    }

    #[test]
    fn the_words_are_told() {
        let mut bank = healthy();
        bank.units[0].statuses[1].value_mut().unwrap().working_mode = WorkingMode::STANDBY;
        assert!(
            check(&bank).findings[0]
                .to_string()
                .ends_with("sim:0 says of unit 1: mode standby, its own word is hybrid"),
            "{}",
            check(&bank)
        );
    }

    #[test]
    fn of_three_phases_only_what_is_known_is_compared() {
        for model in [Model::V2_15KW_3P, Model::V3, Model::V3_TWIN] {
            let found = found(|units| {
                for unit in &mut *units {
                    unit.model.value_mut().unwrap().model = model;
                }
                let told = units[0].statuses[1].value_mut().unwrap();
                told.active_power.0 += 2000;
                told.output_voltage.0 += 1000;
            });
            assert_eq!(found, [("unread", Severity::Info)], "{model}");
        }
    }
}
