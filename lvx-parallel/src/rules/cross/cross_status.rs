//! `cross-status`: reports of the units about each other agree with their reports about themselves.
//!
//! Compares mode, voltages and output power in `PGSn` with `GS`, `MOD` and `PGSn` of unit `n` itself. Units
//! that have old or wrong data about each other cannot share a load. A contradiction counts only if it
//! contradicts every other reading near in time, including those of third units; otherwise the value may
//! just have changed.
//!
//! Limits: `cross_battery_voltage`, `cross_voltage` and `cross_power` (assumed). Source: observed on
//! LVX6048s, `PGSn` agrees with `GS` read at the same time.

use std::{fmt::Display, time::Duration};

use pi18_proto::{Decivolts, ParallelStatus, Presence, Watts, WorkingMode};

use crate::{
    Finding, FindingKind, Reading, Severity, UnitSnapshot,
    advice::LIVE_TERMINALS,
    context::{Context, difference, observed},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "cross-status",
    "the PGSn of a unit about another one contradicts what that unit reports about itself (cross_battery_voltage, cross_voltage, cross_power)",
    "observed on LVX6048s: PGSn agrees with GS read at the same time; limits assumed",
    &[&CONTRADICTION],
    check,
);

static CONTRADICTION: FindingKind = FindingKind::new(
    Severity::Warning,
    "in PGSn of another unit, the mode of a unit differs, or its battery voltage (cross_battery_voltage), grid or \
     output voltage (cross_voltage) or output power (cross_power), from all other readings within max_skew",
    "units that have old or wrong data about each other cannot share a load",
    &[
        "check again: a value may have changed while the units were read",
        "check that all the units given belong to one bank",
        LIVE_TERMINALS,
        "check the parallel communication cables",
    ],
);

/// The state of a unit, reported by itself or by another unit.
#[derive(Clone, Copy)]
struct Claim {
    mode: Option<WorkingMode>,
    battery: Decivolts,
    grid: Decivolts,
    output: Decivolts,
    power: Watts,
    at: Duration,
}

/// Which AC values of a unit can be compared.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Comparable {
    /// No AC values: for units with three phases, it is not known whether `PGSn` and `GS` report the same
    /// phase.
    Nothing,
    /// Voltages only. Power changes quickly, so it is compared only if the unit's own readings were taken
    /// before and after the other unit's reading.
    Voltages,
    /// Voltages and power.
    VoltagesAndPower,
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut values = Vec::new();
    for reporting in &context.units {
        for number in 0..reporting.statuses.len() {
            let Some(other) = context.by_instance(number) else { continue };
            if other.name != reporting.name
                && let Some(text) = contradiction(context, reporting, other, number)
            {
                values.push(observed(reporting, text));
            }
        }
    }
    if values.is_empty() {
        return Vec::new();
    }
    let what = "reports of units about each other contradict their reports about themselves";
    vec![RULE.report(&CONTRADICTION, what, values)]
}

/// Returns how the report of one unit about another contradicts all other reports about that unit.
fn contradiction(
    context: &Context<'_>,
    reporting: &UnitSnapshot,
    other: &UnitSnapshot,
    number: usize,
) -> Option<String> {
    let claim = Claim::by_other(reporting, number)?;
    let max = context.thresholds().max_skew_time();
    let is_near = |each: &Claim| each.at.abs_diff(claim.at) <= max;
    let own: Vec<_> = [Claim::by_itself(other), Claim::by_other(other, number)]
        .into_iter()
        .flatten()
        .filter(is_near)
        .collect();
    let third = context
        .units
        .iter()
        .filter(|unit| unit.name != reporting.name && unit.name != other.name)
        .filter_map(|unit| Claim::by_other(unit, number))
        .filter(is_near);
    let is_bracketed =
        own.iter().any(|own| own.at <= claim.at) && own.iter().any(|own| own.at >= claim.at);
    let comparable = match (other.shows_first_phase_only(), is_bracketed) {
        (true, _) => Comparable::Nothing,
        (false, false) => Comparable::Voltages,
        (false, true) => Comparable::VoltagesAndPower,
    };
    let differs = |other: &Claim| differs(context, claim, *other, comparable);
    let first = own.first().and_then(differs)?;
    let mut all = own.iter().copied().chain(third);
    all.all(|each| differs(&each).is_some()).then(|| format!("about unit {number}: {first}"))
}

impl Claim {
    /// Returns what a unit reports about unit `number`.
    fn by_other(reporting: &UnitSnapshot, number: usize) -> Option<Self> {
        let Reading { value, at } = reporting.statuses.get(number)?.reading()?;
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

    /// Returns what a unit reports about itself in `GS` and `MOD`.
    fn by_itself(unit: &UnitSnapshot) -> Option<Self> {
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

/// Returns the first value that differs by more than its limit, as a text.
fn differs(
    context: &Context<'_>,
    claim: Claim,
    own: Claim,
    comparable: Comparable,
) -> Option<String> {
    let thresholds = context.thresholds();
    let max_battery = i64::from(thresholds.cross_battery_voltage.0);
    let max_voltage = i64::from(thresholds.cross_voltage.0);
    let max_power = i64::from(thresholds.cross_power.0)
        + i64::from(claim.power.max(own.power).0) / POWER_DIVISOR;
    let has_voltages = comparable != Comparable::Nothing;
    let has_power = comparable == Comparable::VoltagesAndPower;
    let text = |what: &str, claim: &dyn Display, own: &dyn Display| {
        Some(format!("{what} {claim}, but the unit itself reports {own}"))
    };
    if let Some(mode) = own.mode
        && let Some(claimed) = claim.mode
        && claimed != mode
    {
        text("mode", &claimed, &mode)
    } else if difference(claim.battery, own.battery) > max_battery {
        text("battery", &claim.battery, &own.battery)
    } else if has_voltages && difference(claim.grid, own.grid) > max_voltage {
        text("grid", &claim.grid, &own.grid)
    } else if has_voltages && difference(claim.output, own.output) > max_voltage {
        text("output", &claim.output, &own.output)
    } else if has_power && difference(claim.power, own.power) > max_power {
        text("output power", &claim.power, &own.power)
    } else {
        None
    }
}

/// The limit of power grows by a fifth of the greater value.
const POWER_DIVISOR: i64 = 5;

#[cfg(test)]
mod tests {
    use pi18_proto::{Decivolts, Model, ParallelStatus, WorkingMode};

    use crate::{
        Severity, check,
        rules::testing::{found, healthy},
    };

    /// Returns the findings after a change to the report of unit 0 about unit 1.
    fn with(change: impl Fn(&mut ParallelStatus)) -> Vec<(&'static str, Severity)> {
        found(|units| change(units[0].statuses[1].value_mut().unwrap()))
    }

    #[test]
    fn contradiction_beyond_threshold_is_reported() {
        let found = [("cross-status", Severity::Warning)];
        assert_eq!(with(|status| status.battery_voltage = Decivolts(561)), found);
        assert_eq!(with(|status| status.battery_voltage = Decivolts(560)), []);
        assert_eq!(with(|status| status.working_mode = WorkingMode::BATTERY), found);
        assert_eq!(with(|status| status.active_power.0 += 500), found);
        assert_eq!(with(|status| status.active_power.0 += 200), []);
        assert_eq!(with(|status| status.grid_voltage = Decivolts(0)), found);
    }

    #[test]
    fn value_changed_between_readings_is_ignored() {
        // The later reading of the unit itself has the same value.
        let found = found(|units| {
            for unit in units {
                unit.statuses[1].value_mut().unwrap().active_power.0 += 2000;
            }
        });
        assert_eq!(found, []);
    }

    #[test]
    fn finding_shows_both_values() {
        let mut bank = healthy();
        bank.units[0].statuses[1].value_mut().unwrap().working_mode = WorkingMode::STANDBY;
        assert!(
            check(&bank).findings[0]
                .to_string()
                .ends_with("sim:0 about unit 1: mode standby, but the unit itself reports hybrid"),
            "{}",
            check(&bank)
        );
    }

    #[test]
    fn three_phase_values_are_not_compared() {
        for model in [Model::V2_15KW_3P, Model::V3, Model::V3_TWIN] {
            let found = found(|units| {
                for unit in &mut *units {
                    unit.model.value_mut().unwrap().model = model;
                }
                let status = units[0].statuses[1].value_mut().unwrap();
                status.active_power.0 += 2000;
                status.output_voltage.0 += 1000;
            });
            assert_eq!(found, [("unread", Severity::Info)], "{model}");
        }
    }
}
