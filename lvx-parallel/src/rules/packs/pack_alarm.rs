//! `pack-alarm`: no pack warns, protects itself or reports an error.
//!
//! Full packs that were healthy had the warning of a high cell voltage and the protection of a low capacity: from
//! `pack_full` on, these two bits are no alarm.
//!
//! Source: EG4-LL MODBUS V01.06; captures.

use pi18_proto::Percent;

use crate::{
    Finding, FindingKind, Observed, Severity,
    context::Context,
    pack::{Errors, Live, Protections, Status, Warnings},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-alarm",
    "a battery pack warns, protects itself or reports an error (pack_full)",
    "EG4-LL MODBUS V01.06; captures of full, healthy packs with a warning and a protection",
    &[&PROTECTION, &ERROR, &WARNING],
    check,
);

static PROTECTION: FindingKind = FindingKind::new(
    Severity::Error,
    "a protection of a pack is active; that of a low capacity is no alarm from pack_full on",
    "the pack has switched itself off for charging or discharging: the others carry its current, and if they protect \
     themselves too, the units lose their battery",
    &[
        "lower the loads and the charge currents, so that the other packs can carry them",
        "find the cause that the pack names, such as a cell, a temperature or a current, before the pack is reset",
        "if the protection stays, or returns, have an electrician take the pack out of the bank",
    ],
);

static ERROR: FindingKind = FindingKind::new(
    Severity::Warning,
    "a pack reports an error",
    "the pack cannot measure reliably, or its cells are not balanced, so that its protections may be late",
    &["compare the cells and temperatures of the pack with those of the others, and ask its maker"],
);

static WARNING: FindingKind = FindingKind::new(
    Severity::Warning,
    "a pack warns; a high cell voltage and a low capacity are no warning from pack_full on",
    "the pack will protect itself and switch off if the value gets worse",
    &[
        "compare the value that the pack warns of with those of the other packs, and lower charge current or load",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let full = context.thresholds().pack_full;
    let find = |kind, what: &str, text: fn(&Live, Percent) -> Option<String>| {
        let values = context
            .read_packs()
            .filter_map(|(pack, live)| text(live, full).map(|text| Observed::of_pack(pack, text)));
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| RULE.report(kind, what, values))
    };
    let findings = [
        find(&PROTECTION, "a battery pack protects itself", protection),
        find(&ERROR, "a battery pack reports an error", error),
        find(&WARNING, "a battery pack warns", warning),
    ];
    findings.into_iter().flatten().collect()
}

fn protection(live: &Live, full: Percent) -> Option<String> {
    let all = live.protections.unwrap_or_default();
    let is_full = live.state_of_charge >= full;
    let alarms = if is_full { all.without(Protections::LOW_CAPACITY) } else { all };
    let is_protecting = live.status.is_some_and(|status| status.contains(Status::PROTECTING));
    match (alarms.is_empty(), is_protecting && all.is_empty()) {
        (false, _) => Some(alarms.to_string()),
        (true, true) => Some("cause not reported".to_owned()),
        (true, false) => None,
    }
}

fn error(live: &Live, _: Percent) -> Option<String> {
    live.errors.filter(|errors: &Errors| !errors.is_empty()).map(|errors| errors.to_string())
}

fn warning(live: &Live, full: Percent) -> Option<String> {
    let all = live.warnings.unwrap_or_default();
    let is_full = live.state_of_charge >= full;
    let alarms = if is_full {
        all.without(Warnings::CELL_OVER_VOLTAGE).without(Warnings::LOW_CAPACITY)
    } else {
        all
    };
    (!alarms.is_empty()).then(|| alarms.to_string())
}

/// Returns whether a protection of a pack is active that switches it off.
pub(super) fn is_protecting(live: &Live, full: Percent) -> bool {
    protection(live, full).is_some()
}
