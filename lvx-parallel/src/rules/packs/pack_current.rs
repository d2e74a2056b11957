//! `pack-current`: the packs carry the current that the units report.
//!
//! Compares the sum of the packs' currents with that of the battery currents of the units, if all units and packs were
//! read. Both change while they are read: all combinations of two readings of the packs and two of the units have to
//! differ. Without a second reading of the packs, nothing is judged.
//!
//! Limits: `pack_current`, `pack_current_share` (both assumed).

use super::currents::{amperes, currents};
use crate::{
    Finding, FindingKind, Observed, Severity,
    context::{Context, common_readings},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-current",
    "the currents of battery packs and units do not agree (pack_current, pack_current_share; needs two readings)",
    "assumed: tolerance of the current sensors, and readings at different moments",
    &[&DIFFER],
    check,
);

static DIFFER: FindingKind = FindingKind::new(
    Severity::Warning,
    "in all readings, the sum of the packs' currents differs from that of the units' by more than pack_current plus \
     pack_current_share",
    "a pack or a charger is not known here, or a current sensor is wrong, so that limits are applied to wrong sums",
    &[
        "name all packs of the battery, and all units that are connected to it",
        "look for another load or charger at the battery, such as a separate charge controller",
        "have an electrician measure the battery cables with a clamp meter, and compare each unit and each pack",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(packs) = context.comparable_packs() else { return Vec::new() };
    let readings = common_readings(&packs);
    if readings < 2 || !context.is_whole() || context.measured.len() < context.units.len() {
        return Vec::new();
    }
    let sums: Option<Vec<i64>> =
        (0..readings).map(|reading| Some(currents(&packs, reading)?.iter().sum())).collect();
    let Some(sums) = sums else { return Vec::new() };
    let measured = &context.measured;
    let net = |charge: u16, discharge: u16| (i64::from(charge) - i64::from(discharge)) * 100;
    let now = measured
        .iter()
        .map(|unit| net(unit.status.charge_current.0, unit.status.discharge_current.0));
    let again: Option<Vec<i64>> = measured
        .iter()
        .map(|unit| unit.again.map(|own| net(own.charge_current.0, own.discharge_current.0)))
        .collect();
    let of_units: Vec<i64> =
        [now.sum()].into_iter().chain(again.map(|again| again.iter().sum())).collect();
    let limits = context.thresholds();
    let differ = |packs: i64, units: i64| {
        let share = packs.abs().max(units.abs()) * i64::from(limits.pack_current_share.0) / 100;
        (packs - units).abs() > i64::from(limits.pack_current.0) * 100 + share
    };
    if !sums.iter().all(|packs| of_units.iter().all(|units| differ(*packs, *units))) {
        return Vec::new();
    }
    let (of_packs, of_units) = (sums.first(), of_units.first());
    let (of_packs, of_units) = (of_packs.copied(), of_units.copied());
    let (of_packs, of_units) = (of_packs.unwrap_or_default(), of_units.unwrap_or_default());
    let what = format!(
        "the battery packs have {} together, and the units {}",
        amperes(of_packs),
        amperes(of_units)
    );
    let own = measured.iter().map(|unit| {
        unit.value(amperes(net(unit.status.charge_current.0, unit.status.discharge_current.0)))
    });
    let last = currents(&packs, 0).unwrap_or_default();
    let values = packs.iter().zip(last);
    let values = values.map(|(pack, current)| Observed::of_pack(pack, amperes(current)));
    vec![RULE.report(&DIFFER, what, own.chain(values).collect())]
}
