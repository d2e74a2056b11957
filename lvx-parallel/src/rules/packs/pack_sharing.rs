//! `pack-sharing`: the packs share the current by their capacity.
//!
//! A pack without any current has an open breaker or has switched itself off; one with much more or less than its share
//! has a bad cable or contact, or another charge. Both readings have to show it; without a second reading, nothing is
//! judged. Full packs are not judged, because each lowers its own current, nor packs whose protection is active.
//!
//! Limits: `pack_busy_current`, `pack_share` (both assumed).

use pi18_proto::Percent;

use super::{
    currents::{amperes, currents},
    pack_alarm::is_protecting,
};
use crate::{
    Finding, FindingKind, Observed, PackSnapshot, Severity,
    context::{Context, common_readings},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-sharing",
    "the battery packs do not share the current (pack_busy_current, pack_share; needs two readings)",
    "assumed: tolerance of cables, contacts and current sensors",
    &[&IDLE, &UNEQUAL],
    check,
);

static IDLE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a pack has no current in two readings, while the mean current of all is at least pack_busy_current",
    "the other packs carry its current, and age faster or protect themselves",
    &[
        "look at the pack: is it on, is its breaker on, and which alarm does it show?",
        "leave an open breaker of a pack open until the cause is known, and the voltage of the pack is that of the \
         others: a high current flows otherwise",
        "have an electrician look at the cables and fuses of the pack",
    ],
);

static UNEQUAL: FindingKind = FindingKind::new(
    Severity::Warning,
    "in two readings, the current of a pack deviates from its share by capacity by more than pack_share plus 5 A, and \
     the mean current is at least pack_busy_current",
    "the packs with more current age faster; the cause is often a loose contact, which gets hot",
    &[
        "have an electrician measure the voltage between the terminals of each pack and the busbar under load, and \
         tighten the contacts of the pack with the highest voltage there",
        "compare the lengths of the cables: each pack should have the same",
        "charge the battery to the end, so that all packs have the same charge",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let limits = context.thresholds();
    let is_judged =
        |pack: &&PackSnapshot| pack.readings().all(|live| !is_protecting(live, limits.pack_full));
    let Some(packs) = context.comparable_packs() else { return Vec::new() };
    let packs: Vec<_> = packs.into_iter().filter(is_judged).collect();
    let is_full = packs.iter().flat_map(|pack| pack.readings());
    let is_full = is_full.into_iter().any(|live| live.state_of_charge >= limits.pack_full);
    let readings = common_readings(&packs);
    if packs.len() < 2 || is_full || readings < 2 {
        return Vec::new();
    }
    let all: Option<Vec<_>> = (0..readings).map(|reading| currents(&packs, reading)).collect();
    let Some(all) = all else { return Vec::new() };
    let busy = i64::from(limits.pack_busy_current.0) * 100;
    let count = i64::try_from(packs.len()).unwrap_or(1);
    if all.iter().any(|currents| currents.iter().sum::<i64>().abs() < busy * count) {
        return Vec::new();
    }
    let in_all = |is_bad: &dyn Fn(&[i64], usize) -> bool, place| {
        all.iter().all(|currents| is_bad(currents, place))
    };
    let is_idle = |currents: &[i64], place: usize| {
        currents.get(place).is_some_and(|current| current.abs() <= NO_CURRENT)
    };
    let capacities = capacities(&packs);
    let is_unequal =
        |currents: &[i64], place: usize| deviates(currents, &capacities, place, limits.pack_share);
    let find = |kind, what: &str, is_bad: &dyn Fn(usize) -> bool| {
        if !(0..packs.len()).any(is_bad) {
            return None;
        }
        // All packs are shown, because the currents of the others show what is too little or too much.
        let last = all.first().into_iter().flatten();
        let values = packs.iter().zip(last);
        let values = values.map(|(pack, current)| Observed::of_pack(pack, amperes(*current)));
        Some(RULE.report(kind, what, values.collect()))
    };
    let idle = |place| in_all(&is_idle, place);
    if let Some(finding) = find(&IDLE, "a battery pack has no current", &idle) {
        return vec![finding];
    }
    let unequal = |place| in_all(&is_unequal, place);
    find(&UNEQUAL, "the battery packs share the current unequally", &unequal).into_iter().collect()
}

/// Returns the capacity of each pack; 1 for each if one is not known.
fn capacities(packs: &[&PackSnapshot]) -> Vec<i64> {
    let capacity = |pack: &&PackSnapshot| {
        let capacity = pack.readings().next()?.full_capacity?.milliampere_hours();
        (capacity > 0).then_some(i64::from(capacity))
    };
    let known: Option<Vec<_>> = packs.iter().map(capacity).collect();
    known.unwrap_or_else(|| vec![1; packs.len()])
}

/// Returns whether the current of the pack at a place deviates from its share.
fn deviates(currents: &[i64], capacities: &[i64], place: usize, tolerance: Percent) -> bool {
    let total: i64 = currents.iter().sum();
    let capacity: i64 = capacities.iter().sum();
    let (Some(current), Some(own)) = (currents.get(place), capacities.get(place)) else {
        return false;
    };
    let share = total * own / capacity.max(1);
    (current - share).abs() > share.abs() * i64::from(tolerance.0) / 100 + MARGIN
}

/// The largest current of a pack without a current, in hundredths of an ampere (assumed: the error of a sensor).
const NO_CURRENT: i64 = 50;

/// The deviation that is always tolerated, in hundredths of an ampere.
const MARGIN: i64 = 500;
