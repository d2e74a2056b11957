//! `mode-conflict`: the working modes of the units fit together.
//!
//! Units of a bank change modes together: all feed the loads with the grid, all feed them without it, or none
//! feeds them. Units with a fault, units that measure no battery, units that are switched off, and units that
//! are just changing their mode are left out. Modes are compared if they were read within `max_skew`.
//!
//! In little light, one unit may be in battery mode and another one in hybrid mode: the PV inputs start and stop
//! minutes apart. This is information if every such unit has less PV power than `pv_power_producing`, and one
//! has a PV voltage of at least 60 V. At night or with substantial PV power, no PV input starts or stops, and the conflict is a
//! warning.
//!
//! Source: PI18 2017 and 2022, "MOD"; assumed: units of a bank change modes together, and start PV by
//! themselves.

use pi18_proto::WorkingMode;

use crate::{
    Finding, FindingKind, Severity, UnitSnapshot,
    advice::LIVE_TERMINALS,
    context::{Context, has_pv_voltage, observed, window},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "mode-conflict",
    "working modes contradict each other",
    "PI18 2017 and 2022, \"MOD\"; assumed: units of a bank change modes together",
    &[&CONFLICT, &LITTLE_LIGHT],
    check,
);

static CONFLICT: FindingKind = FindingKind::new(
    Severity::Warning,
    "some units feed the loads with the grid, others without it or not at all",
    "units of a bank disconnect from the grid, and switch their outputs, together; a unit in another mode works \
     against the others or carries all the load",
    &[
        "check again in a minute: the units may be changing modes",
        "compare the AC input voltages and the settings",
        LIVE_TERMINALS,
        "check the parallel communication cables",
    ],
);

static LITTLE_LIGHT: FindingKind = FindingKind::new(
    Severity::Info,
    "some units are in battery mode and others in hybrid mode, in little light: each has a PV power below \
     pv_power_producing, and one has a PV voltage of at least 60 V",
    "at dawn and at dusk, the PV inputs of the units start and stop minutes apart",
    &[],
);

/// Groups of working modes. Units in modes of different groups conflict.
#[derive(Clone, Copy, Eq, PartialEq)]
enum ModeGroup {
    /// The unit feeds the loads together with the grid.
    OnGrid,
    /// The unit feeds the loads without the grid.
    OffGrid,
    /// The unit feeds no load.
    Off,
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let all: Vec<_> =
        context.units.iter().filter_map(|unit| Some((*unit, group(context, unit)?))).collect();
    let time = |(unit, _): &(&UnitSnapshot, ModeGroup)| {
        unit.mode.reading().map(|reading| reading.at).unwrap_or_default()
    };
    let together = window(&all, time, context.thresholds().max_skew_time());
    let first = together.first().map(|(_, group)| *group);
    if together.iter().all(|(_, group)| Some(*group) == first) {
        return Vec::new();
    }
    let values = together
        .iter()
        .filter_map(|(unit, _)| {
            let mode = unit.working_mode()?;
            Some(observed(unit, format_args!("{:02} {mode}", mode.0)))
        })
        .collect();
    let units: Vec<_> = together.iter().map(|(unit, _)| *unit).collect();
    if has_little_light(context, &units) {
        return vec![RULE.report(&LITTLE_LIGHT, "working modes differ in little light", values)];
    }
    vec![RULE.report(&CONFLICT, "working modes contradict each other", values)]
}

/// Returns whether all units are in battery or hybrid mode, and the light is little enough for their PV inputs
/// to start or stop.
fn has_little_light(context: &Context<'_>, units: &[&UnitSnapshot]) -> bool {
    let may_start = |unit: &&UnitSnapshot| {
        let mode = unit.working_mode();
        mode == Some(WorkingMode::BATTERY) || mode == Some(WorkingMode::HYBRID)
    };
    let producing = context.thresholds().pv_power_producing.0;
    let statuses: Vec<_> = units.iter().filter_map(|unit| unit.status.value()).collect();
    units.iter().all(may_start)
        && statuses.len() == units.len()
        && statuses
            .iter()
            .all(|status| status.pv1_power.0.saturating_add(status.pv2_power.0) < producing)
        && statuses.iter().any(has_pv_voltage)
}

/// Returns the group of the mode of a unit; `None` if the unit is left out.
fn group(context: &Context<'_>, unit: &UnitSnapshot) -> Option<ModeGroup> {
    let is_without_battery =
        unit.lacks_battery().is_some() && is_suppressed(context, Effect::UnitWithoutBattery);
    if context.fault_of(unit).is_some() || is_without_battery || context.is_switched_off(unit) {
        return None;
    }
    let mode = unit.working_mode()?;
    // A unit that reports another mode in its own `PGSn` is just changing its mode.
    if unit.own_status().is_some_and(|own| own.working_mode != mode) {
        return None;
    }
    match mode {
        WorkingMode::BYPASS | WorkingMode::HYBRID => Some(ModeGroup::OnGrid),
        WorkingMode::BATTERY => Some(ModeGroup::OffGrid),
        WorkingMode::STANDBY | WorkingMode::CHARGE => Some(ModeGroup::Off),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Decivolts, Watts};

    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding, measure},
    };

    #[test]
    fn modes_of_different_groups_conflict() {
        for modes in [["mode=03", "mode=05"], ["mode=06", "mode=05"], ["mode=03", "mode=06"]] {
            let bank = bank_of(
                &modes.map(|mode| format!("{mode}&sun=30&load=200")).each_ref().map(String::as_str),
            );
            assert_eq!(findings(&bank), [("mode-conflict", Severity::Warning)], "{modes:?}");
        }
        let bank = bank_of(&["mode=03&sun=30&load=200", "mode=05"]);
        assert_eq!(
            first_finding(&bank),
            "working modes contradict each other: sim:0 03 battery, sim:1 05 hybrid"
        );
    }

    /// Returns the findings of a unit in battery mode and one in hybrid mode.
    fn battery_and_hybrid(switches: &str, pv: [u32; 2]) -> Vec<(&'static str, Severity)> {
        let mut bank = bank_of(&[&format!("{switches}&mode=03"), "mode=05"]);
        for (unit, watts) in pv.into_iter().enumerate() {
            measure(&mut bank.units, unit, |status| {
                status.pv1_power = Watts(watts / 2);
                status.pv2_power = Watts(watts - watts / 2);
            });
        }
        findings(&bank)
    }

    #[test]
    fn units_that_start_one_after_another_in_little_light_are_information() {
        let (info, warning) =
            ([("mode-conflict", Severity::Info)], [("mode-conflict", Severity::Warning)]);
        for pv in [[0, 40], [30, 210], [250, 0], [499, 499]] {
            assert_eq!(battery_and_hybrid("sun=2&load=800", pv), info, "{pv:?}");
        }
        assert_eq!(battery_and_hybrid("sun=2&load=800", [0, 500]), warning);
        assert_eq!(battery_and_hybrid("sun=0&load=800", [0, 0]), warning, "at night");
    }

    #[test]
    fn few_volts_at_night_are_no_light() {
        let with = |volts| {
            let mut bank = bank_of(&["sun=0&load=800&mode=03", "mode=05"]);
            measure(&mut bank.units, 1, |status| status.pv1_voltage = Decivolts(volts));
            findings(&bank)
        };
        assert_eq!(with(599), [("mode-conflict", Severity::Warning)]);
        assert_eq!(with(600), [("mode-conflict", Severity::Info)]);
    }

    #[test]
    fn unit_that_feeds_no_load_conflicts_in_little_light() {
        let bank = bank_of(&["sun=1&load=400&mode=06", "mode=05"]);
        assert_eq!(findings(&bank), [("mode-conflict", Severity::Warning)]);
    }

    #[test]
    fn modes_of_one_group_and_units_with_faults_do_not_conflict() {
        assert_eq!(findings(&bank_of(&["mode=02&sun=0", "mode=05"])), [("mode", Severity::Info)]);
        assert_eq!(findings(&bank_of(&["", "fault=07"])), [("fault", Severity::Error)]);
    }
}
