//! What the units are doing fits together.

use pi18_proto::{Presence, WorkingMode};

use super::{Rule, battery_voltage, grid};
use crate::{
    Finding, Severity, UnitSnapshot,
    context::{Context, observed, window},
};

pub(super) static RULE: Rule = Rule::new(
    "mode-conflict",
    "modes contradict each other",
    "PI18 2017 and 2022, \"MOD\"; assumed: units of a bank change modes together",
    check,
);

/// What kinds of modes do not go together.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    /// Feeds the loads with the grid beside it.
    OnGrid,
    /// Feeds the loads without it.
    OffGrid,
    /// Feeds no load.
    Off,
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.is_out_of_touch() || grid::is_found(context) {
        return Vec::new();
    }
    let told: Vec<_> =
        context.units.iter().filter_map(|unit| Some((*unit, kind(context, unit)?))).collect();
    let time = |(unit, _): &(&UnitSnapshot, Kind)| {
        unit.mode.reading().map(|reading| reading.at).unwrap_or_default()
    };
    let together = window(&told, time, context.thresholds().max_skew_time());
    let first = together.first().map(|(_, kind)| *kind);
    if together.iter().all(|(_, kind)| Some(*kind) == first) {
        return Vec::new();
    }
    let values = together
        .iter()
        .filter_map(|(unit, _)| {
            let mode = unit.working_mode()?;
            Some(observed(unit, format_args!("{:02} {mode}", mode.0)))
        })
        .collect();
    let why = "units of a bank leave the grid, and switch their output, together; one that does not \
               works against the others or carries all the load";
    vec![RULE.finding(Severity::Warning, "modes contradict each other", values, why).advise(&[
        "look again in a minute: a change may be under way",
        "compare the AC input voltages and the settings (lvx compare)",
        "check the parallel communication cables",
    ])]
}

fn kind(context: &Context<'_>, unit: &UnitSnapshot) -> Option<Kind> {
    // One that has stopped, or cannot leave the grid, goes its own way.
    if context.fault_of(unit).is_some() || battery_voltage::tells_lack(context, unit) {
        return None;
    }
    let mode = unit.working_mode()?;
    // Who says another one elsewhere is just changing.
    let own = unit.instance().and_then(|own| unit.statuses.get(usize::from(own.0))?.value());
    if own.is_some_and(|own| own.presence == Presence::PRESENT && own.working_mode != mode) {
        return None;
    }
    match mode {
        WorkingMode::BYPASS | WorkingMode::HYBRID => Some(Kind::OnGrid),
        WorkingMode::BATTERY => Some(Kind::OffGrid),
        WorkingMode::STANDBY | WorkingMode::CHARGE => Some(Kind::Off),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Severity,
        rules::testing::{bank_of, findings, told},
    };

    #[test]
    fn one_off_the_grid_and_one_without_output_are_told() {
        for modes in [["mode=03", "mode=05"], ["mode=06", "mode=05"], ["mode=03", "mode=06"]] {
            let bank = bank_of(
                &modes.map(|mode| format!("{mode}&sun=30&load=200")).each_ref().map(String::as_str),
            );
            assert_eq!(findings(&bank), [("mode-conflict", Severity::Warning)], "{modes:?}");
        }
        let bank = bank_of(&["mode=03&sun=30&load=200", "mode=05"]);
        assert_eq!(told(&bank), "modes contradict each other: sim:0 03 battery, sim:1 05 hybrid");
    }

    #[test]
    fn one_kind_of_modes_is_well_and_a_faulty_unit_has_none() {
        assert_eq!(findings(&bank_of(&["mode=02&sun=0", "mode=05"])), [("mode", Severity::Info)]);
        assert_eq!(findings(&bank_of(&["", "fault=07"])), [("fault", Severity::Error)]);
    }
}
