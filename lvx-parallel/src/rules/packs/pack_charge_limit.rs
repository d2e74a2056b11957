//! `pack-charge-limit`: the units do not charge with more than the packs allow.
//!
//! Compares the sum of the maximum charge currents that the units are set to with what the maker of the packs allows
//! and recommends for each pack. Also judged is the bank with one pack less, because a pack can switch itself off at any
//! time: the others then take its current.
//!
//! Limits: those of the family of the packs, or those that the caller gives.

use pi18_proto::Amperes;

use crate::{
    Finding, FindingKind, Severity,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-charge-limit",
    "the units may charge the battery packs with more than their maker allows (limits of the maker of the packs)",
    "EG4 LifePower4 v2 manual: 100 A at most, 50 A recommended",
    &[&ABOVE, &ABOVE_WITHOUT_ONE, &HIGH, &HIGH_WITHOUT_ONE],
    check,
);

const LOWER: &[&str] =
    &["lower max_charge_current on all units alike, so that its sum suits the packs"];

static ABOVE: FindingKind = FindingKind::new(
    Severity::Error,
    "the sum of the maximum charge currents is above the highest charge current of all packs: LP4 v2 100 A each",
    "packs that are charged with more switch themselves off, and the units then lose their battery under full power",
    LOWER,
);

static ABOVE_WITHOUT_ONE: FindingKind = FindingKind::new(
    Severity::Warning,
    "with one pack less, the sum of the maximum charge currents is above the highest charge current of the others: \
     LP4 v2 100 A each",
    "if one pack switches itself off, the others are charged with more than they bear and follow one after another",
    LOWER,
);

static HIGH: FindingKind = FindingKind::new(
    Severity::Warning,
    "the sum of the maximum charge currents is above the recommended charge current of all packs: LP4 v2 50 A each",
    "cells that are charged fast age early, and get hot",
    LOWER,
);

static HIGH_WITHOUT_ONE: FindingKind = FindingKind::new(
    Severity::Info,
    "with one pack less, the sum of the maximum charge currents is above the recommended charge current of the others: \
     LP4 v2 50 A each",
    "the packs bear this for some time, but not for ever",
    &[],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let is_chain = context.packs().iter().any(|pack| pack.is_aggregate);
    let Some(limits) = context.pack_limits() else { return Vec::new() };
    if context.packs().is_empty() || is_chain && context.site_packs().is_none() {
        return Vec::new();
    }
    let max = |unit: &&crate::UnitSnapshot| Some(unit.rated.value()?.max_charge_current);
    let sum: u64 = context.units().iter().filter_map(max).map(|max| u64::from(max.0)).sum();
    let packs = u64::try_from(context.pack_count()).unwrap_or(u64::MAX);
    let others = packs.saturating_sub(1);
    let is_above = |limit: Amperes, packs: u64| packs > 0 && sum > packs * u64::from(limit.0);
    let (most, good) = (limits.max_charge_current, limits.recommended_charge_current);
    let (kind, packs, limit) = if is_above(most, packs) {
        (&ABOVE, packs, most)
    } else if is_above(most, others) {
        (&ABOVE_WITHOUT_ONE, others, most)
    } else if is_above(good, packs) {
        (&HIGH, packs, good)
    } else if is_above(good, others) {
        (&HIGH_WITHOUT_ONE, others, good)
    } else {
        return Vec::new();
    };
    let lead = if packs == others { "with one battery pack less, the" } else { "the" };
    let each_pack = sum.div_ceil(packs.max(1));
    let what = format!(
        "{lead} units may charge with {sum} A, {each_pack} A for each of {packs}, more than {limit}"
    );
    let values = each(context.units(), |unit| Some(unit.rated.value()?.max_charge_current));
    vec![RULE.report(kind, what, values)]
}
