//! `pack-cell-spread`: the cells of a pack have about the same voltage.
//!
//! Where the voltage hardly depends on the charge, between `pack_flat_low` and `pack_flat_high`, cells that differ by
//! more than `pack_cell_spread_flat` are of different charge or quality. Near full and empty, healthy cells differ more.

use crate::{
    Finding, FindingKind, Observed, Severity,
    context::Context,
    pack::{Centivolts, Live},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-cell-spread",
    "the cells of a battery pack differ (pack_cell_spread_flat between pack_flat_low and pack_flat_high, pack_cell_spread, pack_cell_spread_severe)",
    "assumed, from the usual table of LFP cells",
    &[&SEVERE, &SPREAD],
    check,
);

static SEVERE: FindingKind = FindingKind::new(
    Severity::Error,
    "the cells of a pack differ by more than pack_cell_spread_severe",
    "the weakest cell decides when the pack switches itself off: it is full or empty long before the others",
    &[
        "lower charge current and load on all units alike until the cells have been looked at",
        "have the pack serviced if the cells do not come together within some full charges",
    ],
);

static SPREAD: FindingKind = FindingKind::new(
    Severity::Warning,
    "the cells of a pack differ by more than pack_cell_spread_flat, all between pack_flat_low and pack_flat_high, or \
     by more than pack_cell_spread",
    "cells of different charge make the pack switch itself off early",
    &[
        "charge the battery to the end several times and hold it there for some hours: packs balance their cells only \
         while they are nearly full",
        "have the pack serviced if the same cell stays apart",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let limits = context.thresholds();
    let step = |limit: Centivolts| u32::from(limit.0) * 10;
    let spread = |live: &Live| {
        let ((_, low), (_, high)) = (live.lowest_cell()?, live.highest_cell()?);
        Some((u32::from(low.0), u32::from(high.0)))
    };
    let is_severe = |(low, high): (u32, u32)| high - low > step(limits.pack_cell_spread_severe);
    let is_spread = |(low, high): (u32, u32)| {
        let is_flat = low >= step(limits.pack_flat_low) && high <= step(limits.pack_flat_high);
        high - low > step(limits.pack_cell_spread)
            || is_flat && high - low > step(limits.pack_cell_spread_flat)
    };
    let find = |kind, is_bad: &dyn Fn((u32, u32)) -> bool| {
        let values = context.read_packs().filter_map(|(pack, live)| {
            let ends = spread(live).filter(|ends| is_bad(*ends))?;
            let ((low, _), (high, _)) = (live.lowest_cell()?, live.highest_cell()?);
            let text = format!("{} mV (cell {high} above cell {low})", ends.1 - ends.0);
            Some(Observed::of_pack(pack, text))
        });
        let values: Vec<_> = values.collect();
        let what = "the cells of a battery pack differ";
        (!values.is_empty()).then(|| RULE.report(kind, what, values))
    };
    let mild = |ends| is_spread(ends) && !is_severe(ends);
    [find(&SEVERE, &is_severe), find(&SPREAD, &mild)].into_iter().flatten().collect()
}
