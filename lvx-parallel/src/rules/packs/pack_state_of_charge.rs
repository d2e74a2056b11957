//! `pack-state-of-charge`: the units show about the state of charge that the packs have.
//!
//! The units estimate it from the voltage, and the packs count: a difference is normal, and only worth knowing.
//!
//! Limit: `capacity_spread`.

use pi18_proto::Percent;

use crate::{Finding, FindingKind, Observed, Severity, context::Context, rules::BuiltIn};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-state-of-charge",
    "a unit shows another state of charge than the battery packs (capacity_spread)",
    "assumed: units estimate the state of charge from the voltage",
    &[&DIFFERS],
    check,
);

static DIFFERS: FindingKind = FindingKind::new(
    Severity::Info,
    "the battery capacity of a unit differs from the mean of the packs by more than capacity_spread",
    "the packs count, and the units estimate from the voltage: what the units do by state of charge, they do too early \
     or too late",
    &[],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(packs) = context.comparable_packs() else { return Vec::new() };
    let shown = context.read_packs().map(|(_, live)| u32::from(live.state_of_charge.0));
    let sum: u32 = shown.sum();
    let count = u32::try_from(packs.len()).unwrap_or(1);
    let mean = Percent(u16::try_from((sum + count / 2) / count).unwrap_or_default());
    let max = context.thresholds().capacity_spread.0;
    let units = context.measured.iter().filter(|each| {
        each.unit.lacks_battery().is_none() && each.status.battery_capacity.0.abs_diff(mean.0) > max
    });
    let values: Vec<_> = units.map(|each| each.value(each.status.battery_capacity)).collect();
    if values.is_empty() {
        return Vec::new();
    }
    let of_packs =
        context.read_packs().map(|(pack, live)| Observed::of_pack(pack, live.state_of_charge));
    let what = format!("a unit shows another state of charge than the battery packs ({mean})");
    vec![RULE.report(&DIFFERS, what, values.into_iter().chain(of_packs).collect())]
}
