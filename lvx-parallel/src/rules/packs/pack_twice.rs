//! `pack-twice`: each pack was given once.
//!
//! Serial numbers do not identify packs, so that the measurements have to: two packs with the same voltage of every
//! cell to the millivolt, in two readings, and with the same counters are one pack. Packs whose cells hardly differ
//! from each other are not compared, because such values can be equal by chance. Without a second reading, nothing is
//! judged.
//!
//! Source: captures of one pack at two addresses.

use crate::{
    Finding, FindingKind, Observed, PackSnapshot, Severity,
    context::{Context, common_readings},
    pack::Live,
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-twice",
    "two battery packs are the same one (needs two readings)",
    "captures of one pack at two addresses: all 16 cells were equal to the millivolt",
    &[&TWICE],
    check,
);

static TWICE: FindingKind = FindingKind::new(
    Severity::Warning,
    "two packs have the same voltage of every cell in two readings, and the same counters",
    "one pack counts twice, and another one is probably missing",
    &[
        "look which pack each adapter is plugged into, and give each pack its own adapter",
        "pull the cables between the link ports of the packs: in a chain, a pack can answer to the address of another \
         one",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let packs: Vec<_> = context.packs().iter().filter(|pack| pack.live.is_some()).collect();
    let mut findings = Vec::new();
    for (place, pack) in packs.iter().enumerate() {
        let is_first = !packs.iter().take(place).any(|other| is_same(other, pack));
        let same: Vec<_> = packs.iter().skip(place).filter(|other| is_same(pack, other)).collect();
        if is_first && same.len() > 1 {
            let value = |pack: &&&&PackSnapshot| {
                let voltage = pack.readings().next().map(|live| live.voltage.to_string());
                Observed::of_pack(pack, voltage.unwrap_or_default())
            };
            let what = "battery packs with the same cell voltages are one pack";
            findings.push(RULE.report(&TWICE, what, same.iter().map(value).collect()));
        }
    }
    findings
}

/// Returns whether two snapshots are of one pack.
fn is_same(one: &PackSnapshot, other: &PackSnapshot) -> bool {
    let readings = common_readings(&[one, other]);
    let counters = |live: &Live| (live.state_of_charge, live.cycles, live.full_capacity);
    let is_equal = |(one, other): (&Live, &Live)| {
        one.cells == other.cells && counters(one) == counters(other) && has_character(one)
    };
    readings >= 2 && one.readings().zip(other.readings()).take(2).all(is_equal)
}

/// Returns whether the cells have at least three different voltages.
fn has_character(live: &Live) -> bool {
    let mut voltages = live.cell_voltages().to_vec();
    voltages.sort_unstable();
    voltages.dedup();
    voltages.len() >= 3
}
