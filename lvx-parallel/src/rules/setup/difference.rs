//! The finding about a setting that differs.

use lvx_settings::Setting;

use crate::{
    Finding, FindingKind,
    context::{Context, each},
    rules::BuiltIn,
    wording::uncapitalised,
};

/// The step that makes a setting equal. A finding names the setting instead of "this setting".
pub(super) const MAKE_EQUAL: &str =
    "set this setting to the same value on all units (in a profile or on the display)";

/// Returns the finding of a rule about a setting that differs between units.
pub(super) fn finding(
    rule: &BuiltIn,
    context: &Context<'_>,
    setting: Setting,
    kind: &FindingKind,
) -> Finding {
    let what = format!("{} differs", uncapitalised(setting.label()));
    let values = each(&context.units, |unit| unit.settings().get(setting));
    let mut finding = rule.report(kind, what, values);
    for step in &mut finding.advice {
        *step = step.replace("this setting", setting.key());
    }
    finding
}
