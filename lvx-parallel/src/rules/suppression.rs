//! Which rule is suppressed by which other one: one table.
//!
//! One cause is reported once. A bank with two versions of the main firmware stops with fault 71: rule
//! `main-firmware` reports the versions, and the finding about the fault is suppressed. A rule that was
//! not chosen suppresses nothing, except where the units cannot be compared at all.
//!
//! Most rows suppress a whole rule, which then does not run. Others suppress a part: the rule asks
//! [`is_suppressed`] about that part. No rule runs the check of another one: rules whose findings matter to
//! others run first, and [`Context::reporting`] lists those that reported something.

use pi18_proto::FaultCode;

use self::{
    Effect::{
        BatteryWarning, ElectricalSetting, Fault, LineFail, OutputSetting, Rule, UnitWithoutBattery,
    },
    When::{Always, Chosen, Reports},
};
use crate::context::Context;

/// Findings that can be suppressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    /// Everything that the rule with this id reports.
    Rule(&'static str),
    /// `fault`: the finding about this fault.
    Fault(FaultCode),
    /// `settings`: differences of voltages and currents.
    ElectricalSetting,
    /// `further-settings`: differences of output voltage and frequency.
    OutputSetting,
    /// `warning`: one of several units has no usable grid.
    LineFail,
    /// `warning`: battery warnings of a unit with a fault of its battery.
    BatteryWarning,
    /// `warning`, `battery-capacity` and `mode-conflict`: whatever concerns a unit without a battery.
    UnitWithoutBattery,
}

/// A row of the table.
struct Suppression {
    effect: Effect,
    /// Id of the rule that reports the cause.
    by: &'static str,
    when: When,
}

/// The condition of a row.
enum When {
    /// The rule reports something.
    Reports,
    /// The rule is chosen and this is true.
    Chosen(fn(&Context<'_>) -> bool),
    /// This is true, whether the rule is chosen or not: a comparison would mean nothing.
    Always(fn(&Context<'_>) -> bool),
}

/// The table: effect, rule that reports the cause, condition.
static TABLE: &[Suppression] = &[
    // Two firmware versions cause fault 71, unequal output settings cause fault 86.
    row(Fault(FIRMWARE), "main-firmware", Chosen(has_different_firmware)),
    row(Fault(OUTPUT_SETTINGS), "further-settings", Chosen(has_output_difference)),
    row(Fault(OUTPUT_SETTINGS), "output-mode", Reports),
    // A unit that was given twice takes the place of another one.
    row(Rule("bank-size"), "same-unit", Chosen(has_unit_twice)),
    // Units that cannot communicate cannot agree on their numbers; a unit set to single has number 0.
    row(Rule("instance"), "fault", Chosen(is_out_of_touch)),
    row(Rule("instance"), "output-mode", Reports),
    // Different models have different ranges of voltages and currents.
    row(ElectricalSetting, "ratings", Always(has_different_models)),
    row(OutputSetting, "ratings", Always(has_different_models)),
    row(Rule("selectable-currents"), "ratings", Always(has_different_models)),
    // Faults 83, 84 and 86 are about the same differences that these rules measure.
    row(Rule("battery-voltage"), "fault", Chosen(has_battery_fault)),
    row(Rule("battery-capacity"), "fault", Chosen(has_battery_fault)),
    row(Rule("grid"), "fault", Chosen(has_line_fault)),
    row(Rule("output"), "fault", Chosen(has_output_fault)),
    // Unequal output settings, or another grid on one unit, explain unequal outputs.
    row(Rule("output"), "further-settings", Chosen(has_output_difference)),
    row(Rule("output"), "grid", Reports),
    // A unit without grid leaves it: its mode and its warning follow.
    row(Rule("mode-conflict"), "grid", Reports),
    row(LineFail, "grid", Reports),
    // Unequal settings explain unequal currents.
    row(Rule("charge-current"), "settings", Chosen(has_disagreement)),
    row(Rule("discharge-current"), "settings", Chosen(has_disagreement)),
    // A missing battery, and a fault of the battery, explain what else the unit shows.
    row(UnitWithoutBattery, "battery-voltage", Reports),
    row(UnitWithoutBattery, "fault", Chosen(has_battery_fault)),
    row(BatteryWarning, "fault", Chosen(|_| true)),
    // What units that cannot communicate report about each other means nothing.
    row(Rule("mode-conflict"), "fault", Always(is_out_of_touch)),
    row(Rule("cross-serial"), "fault", Always(is_out_of_touch)),
    row(Rule("cross-status"), "fault", Always(is_out_of_touch)),
    row(Rule("cross-totals"), "fault", Always(is_out_of_touch)),
];

const FIRMWARE: FaultCode = FaultCode::PARALLEL_FIRMWARE;
const OUTPUT_SETTINGS: FaultCode = FaultCode::PARALLEL_OUTPUT_SETTINGS;

fn has_different_firmware(context: &Context<'_>) -> bool {
    context.has_different_firmware()
}

fn has_output_difference(context: &Context<'_>) -> bool {
    context.has_output_difference()
}

fn has_unit_twice(context: &Context<'_>) -> bool {
    context.has_unit_twice()
}

fn is_out_of_touch(context: &Context<'_>) -> bool {
    context.is_out_of_touch()
}

fn has_different_models(context: &Context<'_>) -> bool {
    context.has_different_models()
}

fn has_disagreement(context: &Context<'_>) -> bool {
    context.has_disagreement()
}

fn has_battery_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[FaultCode::PARALLEL_BATTERY_VOLTAGE])
}

fn has_line_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[FaultCode::PARALLEL_LINE])
}

fn has_output_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[OUTPUT_SETTINGS])
}

const fn row(effect: Effect, by: &'static str, when: When) -> Suppression {
    Suppression { effect, by, when }
}

/// Returns whether a finding is suppressed, given what other rules have reported so far.
pub(super) fn is_suppressed(context: &Context<'_>, effect: Effect) -> bool {
    TABLE.iter().filter(|row| row.effect == effect).any(|row| match row.when {
        Reports => context.reporting.contains(&row.by),
        Chosen(is_true) => context.checks.has(row.by) && is_true(context),
        Always(is_true) => is_true(context),
    })
}

/// Returns whether other rules depend on whether this one reports something, so that it has to run
/// first.
pub(super) fn is_awaited(id: &str) -> bool {
    TABLE.iter().any(|row| row.by == id && matches!(row.when, Reports))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleInfo;

    #[test]
    fn table_names_existing_rules() {
        for row in TABLE {
            assert!(RuleInfo::find(row.by).is_ok(), "{}", row.by);
            if let Rule(id) = row.effect {
                assert!(RuleInfo::find(id).is_ok(), "{id}");
            }
        }
    }

    #[test]
    fn awaited_rules_wait_for_no_other() {
        let waiting = TABLE.iter().filter(|row| matches!(row.when, Reports));
        let rules = waiting.filter_map(|row| match row.effect {
            Rule(id) => Some(id),
            _ => None,
        });
        for id in rules {
            assert!(!is_awaited(id), "{id}");
        }
        // The rules with a part that waits for another rule.
        for id in ["fault", "warning", "battery-capacity", "mode-conflict"] {
            assert!(!is_awaited(id), "{id}");
        }
    }
}
