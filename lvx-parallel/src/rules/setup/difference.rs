//! The finding about a setting that differs.

use lvx_settings::Setting;

use crate::{
    Finding, Severity,
    context::{Context, each},
    rules::BuiltIn,
    wording::uncapitalised,
};

/// Returns the finding of a rule about a setting that differs between units.
pub(super) fn finding(
    rule: &BuiltIn,
    context: &Context<'_>,
    setting: Setting,
    severity: Severity,
    why: &str,
) -> Finding {
    let what = format!("{} differs", uncapitalised(setting.label()));
    let values = each(&context.units, |unit| unit.settings().get(setting));
    let key = setting.key();
    let same = format!("set {key} to the same value on all units (in a profile or on the display)");
    let first = "switch the loads off first, because the output goes down; change the setting in standby, \
                 then switch all units off and on again";
    let is_output = matches!(setting, Setting::OutputVoltage | Setting::OutputFrequency);
    let advice: &[&str] = if is_output { &[first, &same] } else { &[&same] };
    let mut finding = rule.finding(severity, what, values, why).advise(advice);
    if setting == Setting::MaxChargeCurrent {
        let hint = "a unit refuses a new maximum charge current while it charges: set it at night, or on \
                    the display (program 02)";
        finding = finding.advise(&[hint]);
    }
    finding
}
