//! `pack-cell-sum`: the cells of a pack add up to its voltage.
//!
//! Limit: `pack_cell_sum`. Source: captures of healthy packs, whose sums differ by at most 0.01 V.

use crate::{
    Finding, FindingKind, Observed, Severity, context::Context, pack::Centivolts, rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-cell-sum",
    "the cells of a battery pack do not add up to its voltage (pack_cell_sum)",
    "captures of healthy packs differ by at most 0.01 V; the limit is assumed",
    &[&DIFFERS],
    check,
);

static DIFFERS: FindingKind = FindingKind::new(
    Severity::Warning,
    "the sum of the cell voltages differs from the pack voltage by more than pack_cell_sum",
    "the pack measures a cell or its own voltage wrongly, so that its protections may be early or late",
    &[
        "look whether the pack reports the right number of cells",
        "have the pack serviced: a sense wire of a cell may be loose",
    ],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let max = i64::from(context.thresholds().pack_cell_sum.0) * 100;
    let values = context.read_packs().filter_map(|(pack, live)| {
        let (sum, voltage) = (i64::from(live.cell_sum()), i64::from(live.voltage.0) * 10);
        let shown = Centivolts(u16::try_from((sum + 5) / 10).unwrap_or(u16::MAX));
        let text = format!("cells {shown}, pack {}", live.voltage);
        ((sum - voltage).abs() > max).then(|| Observed::of_pack(pack, text))
    });
    let values: Vec<_> = values.collect();
    if values.is_empty() {
        return Vec::new();
    }
    let what = "the cells of a battery pack do not add up to its voltage";
    vec![RULE.report(&DIFFERS, what, values)]
}
