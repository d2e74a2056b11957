//! The rows of a report about the battery packs.

use super::table::Row;
use crate::{Finding, PackSnapshot, Severity, pack::Live};

/// Returns the rows about the packs. Rows without any value are left out.
pub(super) fn pack_rows(packs: &[&PackSnapshot], findings: &[Finding]) -> Vec<Row> {
    let live = |pack: &PackSnapshot| pack.live.as_ref().map(|reading| reading.value);
    let own = |label: &str, rules: &[&str], value: &dyn Fn(&Live) -> Option<String>| {
        let values = packs.iter().map(|pack| live(pack).as_ref().and_then(value)).collect();
        Row::own(label, values, |place| is_warned_of(packs.get(place), rules, findings))
    };
    let label = |pack: &&PackSnapshot| pack.label.as_ref().map(ToString::to_string);
    let labels: Vec<_> = packs.iter().map(label).collect();
    let missing = packs.iter().map(|pack| pack.missing().map(str::to_owned));
    let mut rows = vec![
        Row::same("pack model", &labels),
        Row::own("not read", missing.collect(), |_| true),
        own("pack voltage", &["pack-cell-sum", "pack-voltage-drop"], &|live| {
            Some(live.voltage.to_string())
        }),
        own("pack current", &["pack-sharing", "pack-current"], &|live| {
            Some(live.current.to_string())
        }),
        own("state of charge", &["pack-charge-drift", "pack-state-of-charge"], &|live| {
            Some(live.state_of_charge.to_string())
        }),
        own("lowest cell", &["pack-cell-voltage", "pack-cell-spread"], &|live| {
            let (number, voltage) = live.lowest_cell()?;
            Some(format!("{voltage} (cell {number})"))
        }),
        own("highest cell", &["pack-cell-voltage", "pack-cell-spread"], &|live| {
            let (number, voltage) = live.highest_cell()?;
            Some(format!("{voltage} (cell {number})"))
        }),
        own("cell spread", &["pack-cell-spread"], &|live| {
            Some(format!("{} mV", live.cell_spread()?.0))
        }),
        own("pack temperature", &["pack-temperature"], &|live| {
            Some(live.temperature_1.max(live.temperature_2).to_string())
        }),
        own("pack status", &["pack-alarm"], &|live| Some(live.status?.to_string())),
        own("pack warnings", &["pack-alarm"], &|live| {
            live.warnings.filter(|bits| !bits.is_empty()).map(|bits| bits.to_string())
        }),
        own("pack protections", &["pack-alarm"], &|live| {
            live.protections.filter(|bits| !bits.is_empty()).map(|bits| bits.to_string())
        }),
        own("charge cycles", &[], &|live| Some(live.cycles?.to_string())),
        own("state of health", &[], &|live| Some(live.state_of_health.to_string())),
    ];
    rows.retain(|row| row.cells.iter().any(|cell| cell.value.is_some()));
    rows
}

/// Returns whether one of these rules warns of a pack.
fn is_warned_of(pack: Option<&&PackSnapshot>, rules: &[&str], findings: &[Finding]) -> bool {
    pack.is_some_and(|pack| {
        findings.iter().any(|finding| {
            finding.severity > Severity::Info
                && rules.contains(&&*finding.rule)
                && finding.values.iter().any(|value| value.unit == pack.name)
        })
    })
}
