//! `mode-conflict`: the working modes of the units fit together.
//!
//! Units of a bank change modes together: all feed the loads with the grid, all feed them without it, or none
//! feeds them. Units with a fault, units that measure no battery, and units that are just changing their mode
//! are left out. Modes are compared if they were read within `max_skew`.
//!
//! Source: PI18 2017 and 2022, "MOD"; assumed: units of a bank change modes together.

use pi18_proto::{Presence, WorkingMode};

use crate::{
    Finding, Severity, UnitSnapshot,
    context::{Context, observed, window},
    rules::{
        BuiltIn,
        suppression::{Effect, is_suppressed},
    },
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "mode-conflict",
    "working modes contradict each other",
    "PI18 2017 and 2022, \"MOD\"; assumed: units of a bank change modes together",
    &[],
    check,
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
    let why = "units of a bank disconnect from the grid, and switch their outputs, together; a unit in \
               another mode works against the others or carries all the load";
    vec![
        RULE.finding(Severity::Warning, "working modes contradict each other", values, why).advise(
            &[
                "check again in a minute: the units may be changing modes",
                "compare the AC input voltages and the settings",
                "check the parallel communication cables",
            ],
        ),
    ]
}

/// Returns the group of the mode of a unit; `None` if the unit is left out.
fn group(context: &Context<'_>, unit: &UnitSnapshot) -> Option<ModeGroup> {
    let is_without_battery =
        unit.lacks_battery().is_some() && is_suppressed(context, Effect::UnitWithoutBattery);
    if context.fault_of(unit).is_some() || is_without_battery {
        return None;
    }
    let mode = unit.working_mode()?;
    // A unit that reports another mode in its own `PGSn` is just changing its mode.
    let own = unit.instance().and_then(|own| unit.statuses.get(usize::from(own.0))?.value());
    if own.is_some_and(|own| own.presence == Presence::PRESENT && own.working_mode != mode) {
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
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, first_finding},
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

    #[test]
    fn modes_of_one_group_and_units_with_faults_do_not_conflict() {
        assert_eq!(findings(&bank_of(&["mode=02&sun=0", "mode=05"])), [("mode", Severity::Info)]);
        assert_eq!(findings(&bank_of(&["", "fault=07"])), [("fault", Severity::Error)]);
    }
}
