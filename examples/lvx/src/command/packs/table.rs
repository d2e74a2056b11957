//! The packs side by side.

use std::fmt::Write as _;

use lvx_parallel::pack::{Label, Live};
use lvx_settings::Millivolts;
use pi18_transport::printable;

use super::read::Pack;

/// Returns the packs that were read side by side, in lines of at most `width` characters if possible.
pub(super) fn text(packs: &[Pack], width: usize) -> String {
    let read: Vec<_> = packs
        .iter()
        .enumerate()
        .filter_map(|(place, pack)| Some((place, pack, pack.live.as_ref().ok()?)))
        .collect();
    let is_long = read.iter().any(|(_, pack, _)| pack.address.place().chars().count() > MAX_HEAD);
    let mut text = String::new();
    if is_long {
        for (place, pack, _) in &read {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "#{}  {}", place + 1, printable(pack.address.place()));
        }
        text.push('\n');
    }
    let columns: Vec<_> = read
        .iter()
        .map(|(place, pack, live)| {
            let head = if is_long {
                format!("#{}", place + 1)
            } else {
                printable(pack.address.place()).into_owned()
            };
            column(head, pack.label.as_ref(), live)
        })
        .collect();
    let mut rest = columns.as_slice();
    while let [_, ..] = rest {
        let mut room = width.saturating_sub(LABEL);
        let fits = rest.iter().take_while(|column| {
            let needed = wide(column) + GAP;
            let fits = needed <= room;
            room = room.saturating_sub(needed);
            fits
        });
        let (block, after) = rest.split_at(fits.count().max(1));
        if rest.len() < columns.len() {
            text.push('\n');
        }
        text.push_str(&lines(block));
        rest = after;
    }
    text
}

/// A pack from top to bottom: its name, then a value for each of [`ROWS`].
type Column = Vec<String>;

fn column(head: String, label: Option<&Label>, live: &Live) -> Column {
    let values = ROWS.iter().map(|(_, value)| {
        value(live, label).map_or_else(|| "–".to_owned(), |value| printable(&value).into_owned())
    });
    [head].into_iter().chain(values).collect()
}

fn wide(column: &Column) -> usize {
    column.iter().map(|cell| cell.chars().count()).max().unwrap_or_default()
}

/// Writes packs that fit side by side. Rows without any value are left out.
fn lines(block: &[Column]) -> String {
    let labels = [""].into_iter().chain(ROWS.iter().map(|(label, _)| *label));
    let mut text = String::new();
    for (row, label) in labels.enumerate() {
        let cells: Vec<_> = block.iter().filter_map(|column| column.get(row)).collect();
        if cells.iter().all(|cell| *cell == "–") {
            continue;
        }
        let mut line = format!("{label:<LABEL$}");
        for (cell, column) in cells.iter().zip(block) {
            let width = wide(column);
            // Writing to a string cannot fail.
            let _ = write!(line, "{:GAP$}{cell:<width$}", "");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A value of a pack as it is shown; `None` if the pack does not have it.
type Value = fn(&Live, Option<&Label>) -> Option<String>;

/// The rows.
const ROWS: &[(&str, Value)] = &[
    ("model", |_, label| some(&label?.model)),
    ("firmware", |_, label| some(&label?.firmware)),
    ("number or date", |_, label| some(&label?.serial)),
    ("voltage", |live, _| Some(live.voltage.to_string())),
    ("current", |live, _| Some(live.current.to_string())),
    ("state of charge", |live, _| Some(live.state_of_charge.to_string())),
    ("remaining charge", |live, _| Some(live.remaining.to_string())),
    ("full capacity", |live, _| Some(live.full_capacity?.to_string())),
    ("lowest cell", |live, _| live.lowest_cell().map(cell)),
    ("highest cell", |live, _| live.highest_cell().map(cell)),
    ("cell spread", |live, _| Some(format!("{} mV", live.cell_spread()?.0))),
    ("cells", |live, _| Some(live.cell_voltages().len().to_string())),
    ("cell temperatures", |live, _| {
        Some(format!("{} {}", live.temperature_1.0, live.temperature_2))
    }),
    ("board temperature", |live, _| Some(live.board_temperature.to_string())),
    ("sensors", |live, _| Some(live.sensors?.to_string())),
    ("status", |live, _| Some(live.status?.to_string())),
    ("warnings", |live, _| Some(live.warnings?.to_string())),
    ("protections", |live, _| Some(live.protections?.to_string())),
    ("errors", |live, _| Some(live.errors?.to_string())),
    ("balancing", |live, _| Some(live.balancing?.to_string())),
    ("max charge current", |live, _| Some(live.max_charge_current.to_string())),
    ("state of health", |live, _| Some(live.state_of_health.to_string())),
    ("charge cycles", |live, _| Some(live.cycles?.to_string())),
];

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn cell((number, voltage): (usize, Millivolts)) -> String {
    format!("{voltage} (cell {number})")
}

/// Longest name at the head of a column.
const MAX_HEAD: usize = 28;
/// Width of the labels.
const LABEL: usize = 18;
/// Spaces between columns.
const GAP: usize = 2;
