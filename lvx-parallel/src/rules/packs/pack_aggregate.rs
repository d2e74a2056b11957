//! `pack-aggregate`: no port answers for a whole chain of packs.
//!
//! In a chain, the first pack may answer with sums and extremes of all packs: registers 0 to 17, its own voltages, are
//! zeros. Such an answer is never read as that of a pack.
//!
//! Source: observed on EG4-LL chains; captures of the same map of other makers.

use crate::{Finding, FindingKind, Observed, Severity, context::Context, rules::BuiltIn};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-aggregate",
    "a battery pack answers for a chain of packs",
    "observed on chains of EG4-LL packs: registers 0 to 17 are zeros, and sums follow",
    &[&AGGREGATE],
    check,
);

static AGGREGATE: FindingKind = FindingKind::new(
    Severity::Warning,
    "a port answers with the sums of a chain of packs",
    "sums hide which pack has a weak cell, no current or a wrong counter, so that no pack of the chain was judged",
    &[
        "pull the cables between the link ports of the packs, and give each pack its own adapter",
        "read the packs again: each should answer with its own cells",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let packs = context.packs().iter().filter(|pack| pack.is_aggregate);
    let values: Vec<_> =
        packs.map(|pack| Observed::of_pack(pack, pack.missing().unwrap_or_default())).collect();
    if values.is_empty() {
        return Vec::new();
    }
    vec![RULE.report(&AGGREGATE, "a battery pack answers for a chain of packs", values)]
}
