//! The table of suppressions: which rule suppresses which.
//!
//! One cause is reported once. A bank with two versions of the main firmware stops with fault 71: rule
//! `main-firmware` reports the versions, and the finding about the fault is suppressed. A rule that was
//! not chosen suppresses nothing, except where the units cannot be compared at all.
//!
//! Most rows suppress a whole rule, which then does not run. Others suppress a part: the rule asks
//! [`is_suppressed`] about that part. No rule runs the check of another one: rules whose findings suppress
//! others run first, and [`Context::reporting`] lists those that reported something.

use lvx_settings::{Setting, Shape};
use pi18_proto::FaultCode;

use self::{
    Effect::{
        AbnormalCharger, BatteryHighWarning, BatteryLowWarning, BatteryWarning, DifferentSetting,
        ElectricalSetting, Fault, HighVoltmeter, IdleCharge, IdleDischarge, LineFail, LowVoltmeter,
        MeasuredWarning, OutputFrequency, OutputFromGrid, OutputSetting, PvInputWithWarning, Rule,
        UnitWithoutBattery,
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
    /// `setting-rules`: settings that differ between units.
    DifferentSetting,
    /// `further-settings`: differences of output voltage and frequency.
    OutputSetting,
    /// `warning`: some units, but not all, have no usable grid.
    LineFail,
    /// `warning`: battery warnings of a unit with a fault of its battery.
    BatteryWarning,
    /// `warning`: a high battery voltage.
    BatteryHighWarning,
    /// `warning`: a low battery voltage.
    BatteryLowWarning,
    /// `output-voltage`: the outputs that follow a grid with a low voltage or a wrong frequency.
    OutputFromGrid,
    /// `output-voltage`: the outputs whose frequency deviates from its setting.
    OutputFrequency,
    /// `warning`: over temperature of a unit whose heat sink is hot, and overload of a unit whose load is high.
    MeasuredWarning(&'static str),
    /// `warning`, `battery-capacity` and `mode-conflict`: everything about a
    /// unit that measures no battery.
    UnitWithoutBattery,
    /// `pv-voltage`, `charger-status` and `pv-string`: PV inputs about which the unit raises a warning.
    PvInputWithWarning,
    /// `pv-string`: PV inputs whose charger is abnormal.
    AbnormalCharger,
    /// `idle-unit`: units that do not charge the battery.
    IdleCharge,
    /// `idle-unit`: units that do not discharge the battery.
    IdleDischarge,
    /// `battery-voltmeter`: a voltage that is too high.
    HighVoltmeter,
    /// `battery-voltmeter`: a voltage that is too low.
    LowVoltmeter,
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
    /// The rule is chosen, and the function returns true.
    Chosen(fn(&Context<'_>) -> bool),
    /// The function returns true, whether the rule is chosen or not: a comparison would be meaningless.
    Always(fn(&Context<'_>) -> bool),
}

/// The table: effect, rule that reports the cause, condition.
static TABLE: &[Suppression] = &[
    // Two firmware versions cause fault 71, unequal output settings cause fault 86.
    row(Fault(FIRMWARE), "main-firmware", Chosen(has_different_firmware)),
    row(Fault(OUTPUT_SETTINGS), "further-settings", Chosen(reports_output_difference)),
    row(Fault(OUTPUT_SETTINGS), "output-mode", Reports),
    // If a unit was given twice, another one may be missing for that reason.
    row(Rule("bank-size"), "same-unit", Chosen(has_duplicate_unit)),
    // Units that cannot communicate cannot agree on their instances; a unit set to single has instance 0.
    row(Rule("instance"), "fault", Chosen(has_communication_fault)),
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
    row(Rule("output"), "further-settings", Chosen(reports_output_difference)),
    row(Rule("output"), "grid", Reports),
    // An output that is far from its setting differs from the others. A broken neutral explains both.
    row(Rule("output"), "output-voltage", Chosen(has_wrong_output)),
    row(Rule("output"), "split-phase", Reports),
    row(Rule("output-voltage"), "split-phase", Reports),
    // Unequal frequency settings explain a frequency that deviates, not a voltage.
    row(OutputFrequency, "further-settings", Chosen(reports_output_difference)),
    // A high voltage is reported anyway: all loads must be switched off.
    row(OutputFromGrid, "grid", Reports),
    // Unequal output settings, or a fault of the current sharing, cause a current between units.
    row(Rule("circulating-current"), "further-settings", Chosen(reports_output_difference)),
    row(Rule("circulating-current"), "fault", Chosen(has_sharing_fault)),
    // A unit that measures no grid disconnects from it, which explains its mode and its warning.
    row(Rule("mode-conflict"), "grid", Reports),
    row(LineFail, "grid", Reports),
    // Unequal settings explain unequal currents, and settings that do not fit together.
    row(DifferentSetting, "settings", Chosen(reports_disagreement)),
    row(Rule("battery-type"), "settings", Chosen(has_type_difference)),
    row(Rule("charge-current"), "settings", Chosen(has_disagreement)),
    row(Rule("discharge-current"), "settings", Chosen(has_discharge_difference)),
    // These rules show the measurement to which the warning belongs.
    row(MeasuredWarning("over_temperature"), "heat-sink", Reports),
    row(MeasuredWarning("overload"), "load", Reports),
    // A missing battery, or a fault of the battery, explains other findings about the same unit.
    row(UnitWithoutBattery, "battery-voltage", Reports),
    row(UnitWithoutBattery, "fault", Chosen(has_battery_fault)),
    row(BatteryWarning, "fault", Chosen(|_| true)),
    // A warning of the unit, or an abnormal charger, explains a PV input without power.
    row(PvInputWithWarning, "warning", Chosen(|_| true)),
    row(AbnormalCharger, "charger-status", Chosen(|_| true)),
    // Unequal settings explain that one unit uses the battery and another one does not; an idle unit explains
    // unequal currents of the others.
    row(IdleCharge, "settings", Chosen(has_disagreement)),
    row(IdleCharge, "further-settings", Chosen(has_window_difference)),
    row(IdleDischarge, "settings", Chosen(has_discharge_difference)),
    row(IdleDischarge, "further-settings", Chosen(has_window_difference)),
    row(Rule("charge-current"), "idle-unit", Reports),
    row(Rule("discharge-current"), "idle-unit", Reports),
    // A fault about a high or a low voltage is about the same voltage; one about the other side, perhaps an old
    // one, is not. An implausible voltage explains a difference.
    row(HighVoltmeter, "fault", Chosen(has_high_fault)),
    row(LowVoltmeter, "fault", Chosen(has_low_fault)),
    row(Rule("over-voltage"), "fault", Chosen(has_high_fault)),
    row(Rule("under-voltage"), "fault", Chosen(has_low_fault)),
    row(Rule("battery-voltage"), "battery-voltmeter", Chosen(has_implausible_voltage)),
    // A unit warns of the same voltage.
    row(BatteryHighWarning, "over-voltage", Reports),
    row(BatteryLowWarning, "under-voltage", Reports),
    // A pack that was given twice counts twice in a sum, and another one is missing.
    row(Rule("pack-sharing"), "pack-twice", Reports),
    row(Rule("pack-current"), "pack-twice", Reports),
    // Packs without a common state of charge have none to compare with the units.
    row(Rule("pack-state-of-charge"), "pack-charge-drift", Reports),
    // Units that cannot communicate have no reliable data about each other.
    row(Rule("mode-conflict"), "fault", Always(has_communication_fault)),
    row(Rule("cross-serial"), "fault", Always(has_communication_fault)),
    row(Rule("cross-status"), "fault", Always(has_communication_fault)),
    row(Rule("cross-totals"), "fault", Always(has_communication_fault)),
];

const FIRMWARE: FaultCode = FaultCode::PARALLEL_FIRMWARE;
const OUTPUT_SETTINGS: FaultCode = FaultCode::PARALLEL_OUTPUT_SETTINGS;

fn has_different_firmware(context: &Context<'_>) -> bool {
    context.has_different_firmware()
}

/// Returns whether rule `further-settings` reports a difference of output voltages or frequencies. It does not
/// compare them between different models.
fn reports_output_difference(context: &Context<'_>) -> bool {
    context.has_output_difference() && !is_suppressed(context, OutputSetting)
}

fn has_duplicate_unit(context: &Context<'_>) -> bool {
    context.has_duplicate_unit()
}

fn has_communication_fault(context: &Context<'_>) -> bool {
    context.has_communication_fault()
}

fn has_different_models(context: &Context<'_>) -> bool {
    context.has_different_models()
}

fn has_disagreement(context: &Context<'_>) -> bool {
    context.has_disagreement()
}

/// Returns whether rule `settings` reports a difference that explains unequal discharge currents. Maximum charge
/// currents do not, and they may differ on purpose.
fn has_discharge_difference(context: &Context<'_>) -> bool {
    let of_charge = [Setting::MaxChargeCurrent, Setting::MaxAcChargeCurrent];
    let settings = Setting::AGREEING.into_iter().filter(|setting| !of_charge.contains(setting));
    let mut reported = settings.filter(|&setting| is_difference_judged(context, setting));
    reported.any(|setting| context.has_difference(setting))
}

fn has_type_difference(context: &Context<'_>) -> bool {
    let settings = [Setting::BatteryType, Setting::BulkVoltage, Setting::FloatVoltage];
    settings.into_iter().any(|setting| context.has_difference(setting))
}

fn has_window_difference(context: &Context<'_>) -> bool {
    let windows = [Setting::AcChargeWindow, Setting::AcLoadWindow];
    windows.into_iter().any(|setting| context.has_difference(setting))
}

/// Returns whether rule `settings` reports every difference. It does not compare voltages and currents of
/// different models.
fn reports_disagreement(context: &Context<'_>) -> bool {
    context.has_disagreement() && !is_suppressed(context, ElectricalSetting)
}

fn has_battery_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[FaultCode::PARALLEL_BATTERY_VOLTAGE])
}

fn has_high_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[FaultCode::BATTERY_HIGH])
}

fn has_low_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[FaultCode::BATTERY_LOW])
}

fn has_implausible_voltage(context: &Context<'_>) -> bool {
    super::battery::has_implausible_voltage(context)
}

fn has_line_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[FaultCode::PARALLEL_LINE])
}

fn has_output_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[OUTPUT_SETTINGS])
}

fn has_sharing_fault(context: &Context<'_>) -> bool {
    context.has_fault(&[FaultCode::PARALLEL_CURRENT_SHARING, OUTPUT_SETTINGS])
}

fn has_wrong_output(context: &Context<'_>) -> bool {
    context.has_wrong_output()
}

const fn row(effect: Effect, by: &'static str, when: When) -> Suppression {
    Suppression { effect, by, when }
}

/// Returns whether a finding is suppressed, given what other rules have reported so far.
pub(super) fn is_suppressed(context: &Context<'_>, effect: Effect) -> bool {
    TABLE.iter().any(|row| row.effect == effect && row.is_active(context))
}

/// Returns whether rule `settings` reports a difference of this setting. Voltages and currents of different models are not
/// compared.
pub(super) fn is_difference_judged(context: &Context<'_>, setting: Setting) -> bool {
    let is_electrical = matches!(setting.shape(), Shape::Quantity { unit: "V" | "A", .. });
    !(is_electrical && is_suppressed(context, ElectricalSetting))
}

/// Returns whether all findings of the rule with this id are suppressed.
pub(super) fn is_rule_suppressed(context: &Context<'_>, id: &str) -> bool {
    let is_about = |effect| matches!(effect, Rule(rule) if rule == id);
    TABLE.iter().any(|row| is_about(row.effect) && row.is_active(context))
}

impl Suppression {
    /// Returns whether the condition of the row is met.
    fn is_active(&self, context: &Context<'_>) -> bool {
        match self.when {
            Reports => context.has_reported(self.by),
            Chosen(is_true) => context.applies(self.by) && is_true(context),
            Always(is_true) => is_true(context),
        }
    }
}

/// Returns whether findings of this rule suppress other rules, so that it has to run before them.
pub(super) fn runs_first(id: &str) -> bool {
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
    fn rules_that_run_first_depend_on_no_other() {
        let dependent = TABLE.iter().filter(|row| matches!(row.when, Reports));
        let rules = dependent.filter_map(|row| match row.effect {
            Rule(id) => Some(id),
            _ => None,
        });
        for id in rules {
            assert!(!runs_first(id), "{id}");
        }
        // The rules of which another rule suppresses a part.
        for id in ["fault", "warning", "battery-capacity", "mode-conflict"] {
            assert!(!runs_first(id), "{id}");
        }
    }
}
