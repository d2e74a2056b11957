//! `pack-cell-voltage`: no cell has a voltage outside its range.
//!
//! The cell with the highest and that with the lowest voltage of each pack are judged.

use lvx_settings::Millivolts;

use crate::{
    Finding, FindingKind, Observed, Severity,
    context::Context,
    pack::{Centivolts, Live},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "pack-cell-voltage",
    "a cell has a high or a low voltage (pack_cell_high, pack_cell_too_high, pack_cell_low, pack_cell_too_low)",
    "data sheets of LFP cells; EG4 LifePower4 v2 manual and EG4-LL-S manual",
    &[&TOO_HIGH, &TOO_LOW, &HIGH, &LOW],
    check,
);

const LOWER_CHARGE: &[&str] = &[
    "lower bulk and float voltage on all units alike, at most to the recommendation of the maker of the packs",
    "lower max_charge_current on all units alike while the packs are nearly full, so that they can balance their cells",
];

static TOO_HIGH: FindingKind = FindingKind::new(
    Severity::Error,
    "a cell has pack_cell_too_high or more",
    "the pack must switch itself off here: cells that are overcharged can catch fire",
    LOWER_CHARGE,
);

static TOO_LOW: FindingKind = FindingKind::new(
    Severity::Error,
    "a cell has pack_cell_too_low or less",
    "the cell is being damaged, and the pack switches itself off",
    &[
        "switch loads off, and charge the battery slowly",
        "have the pack serviced if the cell stays low",
    ],
);

static HIGH: FindingKind = FindingKind::new(
    Severity::Warning,
    "a cell has more than pack_cell_high",
    "the cell ages, and the pack switches itself off if its voltage rises further, although the others are not full",
    LOWER_CHARGE,
);

static LOW: FindingKind = FindingKind::new(
    Severity::Warning,
    "a cell has less than pack_cell_low",
    "the cell is nearly empty, and the pack switches itself off if its voltage falls further",
    &["switch loads off, or charge the battery", "raise the cut-off voltage on all units alike"],
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let limits = context.thresholds();
    let high = |live: &Live| live.highest_cell();
    let low = |live: &Live| live.lowest_cell();
    let is_above = |max: Centivolts, cell: Millivolts| millivolts(max) < u32::from(cell.0);
    let is_below = |min: Centivolts, cell: Millivolts| millivolts(min) > u32::from(cell.0);
    let is_too_high = |cell: Millivolts| u32::from(cell.0) >= millivolts(limits.pack_cell_too_high);
    let is_too_low = |cell: Millivolts| u32::from(cell.0) <= millivolts(limits.pack_cell_too_low);
    let find = |kind,
                what: &str,
                cell: &dyn Fn(&Live) -> Option<(usize, Millivolts)>,
                is_bad: &dyn Fn(Millivolts) -> bool| {
        let values = context.read_packs().filter_map(|(pack, live)| {
            let (number, voltage) = cell(live).filter(|(_, voltage)| is_bad(*voltage))?;
            Some(Observed::of_pack(pack, format!("cell {number} {voltage}")))
        });
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| RULE.report(kind, what, values))
    };
    let findings = [
        find(&TOO_HIGH, "a cell is overcharged", &high, &is_too_high),
        find(&TOO_LOW, "a cell is discharged too far", &low, &is_too_low),
        find(&HIGH, "a cell has a high voltage", &high, &|cell| {
            is_above(limits.pack_cell_high, cell) && !is_too_high(cell)
        }),
        find(&LOW, "a cell has a low voltage", &low, &|cell| {
            is_below(limits.pack_cell_low, cell) && !is_too_low(cell)
        }),
    ];
    findings.into_iter().flatten().collect()
}

/// Returns a limit in millivolts.
fn millivolts(limit: Centivolts) -> u32 {
    u32::from(limit.0) * 10
}
