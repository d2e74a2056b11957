//! `pack-charge-drift`: the counters of the packs agree.
//!
//! Packs in parallel have the same voltage, and without a reason also about the same charge. Counters drift apart if
//! the packs are not charged to the end for weeks: they correct themselves at full.
//!
//! Limits: `pack_charge_spread`, `pack_same_voltage`. Source: packs at the same voltage that showed 50 to 76 %.

use crate::{Finding, FindingKind, Observed, Severity, context::Context, rules::BuiltIn};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-charge-drift",
    "battery packs with the same voltage show different states of charge (pack_charge_spread, pack_same_voltage)",
    "observed: packs with the same voltage showed 50 to 76 % after weeks without a full charge",
    &[&DRIFT],
    check,
);

static DRIFT: FindingKind = FindingKind::new(
    Severity::Warning,
    "states of charge differ by more than pack_charge_spread, and voltages by at most pack_same_voltage",
    "the counters of the packs have drifted, not their charge: what they show cannot be relied on until they are \
     corrected",
    &[
        "charge the battery to the end and hold bulk voltage until the current is small: each counter corrects itself \
         at full",
        "plan a full charge every week or two",
        "if one pack stays apart after a full charge, compare its cells and its capacity with those of the others",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let limits = context.thresholds();
    let ends = |values: Vec<u16>| {
        let (low, high) = (values.iter().min().copied(), values.iter().max().copied());
        high.unwrap_or(0) - low.unwrap_or(0)
    };
    let charge = ends(context.read_packs().map(|(_, live)| live.state_of_charge.0).collect());
    let voltage = ends(context.read_packs().map(|(_, live)| live.voltage.0).collect());
    if charge <= limits.pack_charge_spread.0
        || u32::from(voltage) > u32::from(limits.pack_same_voltage.0) * 10
    {
        return Vec::new();
    }
    let values = context.read_packs().map(|(pack, live)| {
        Observed::of_pack(pack, format!("{} at {}", live.state_of_charge, live.voltage))
    });
    let what =
        format!("the battery packs show states of charge {charge} points apart at one voltage");
    vec![RULE.report(&DRIFT, what, values.collect())]
}
