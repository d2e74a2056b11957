//! The page of the whole bank.

use std::time::Duration;

use super::{canvas::Canvas, chart, look::Tone, moment::Moment, now};
use crate::overview::{Level, LinkState, Overview, Pack, Past, Row, Unit, ago, local_time};

/// Draws the page from the line `top`.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    top: u16,
    bank: &Overview,
    past: &Past,
    moment: &Moment,
) {
    let totals = bank.totals(moment.instant);
    let newest = bank.units.iter().filter_map(Unit::read_at).max();
    let age = newest.map(|at| moment.instant.saturating_duration_since(at));
    let read = age.map(|age| format!("read {}", ago(age)));
    let right = match totals.missing.as_slice() {
        [] => read.unwrap_or_default(),
        missing if totals.units == 0 => format!("nothing was read of {}", missing.join(", ")),
        missing => format!("without {}", missing.join(", ")),
    };
    canvas.rule(top, "Now", &right);

    let bottom = canvas.height() - 1;
    let is_table = column_width(canvas.width(), bank.units.len()).is_some();
    let rows = bank.rows(moment.instant);
    let least = if is_table {
        rows.iter().filter(|row| !row.is_detail).count() + 1
    } else {
        bank.units.len()
    };
    let of_packs = if bank.packs.is_empty() { 0 } else { bank.packs.len() + 1 };
    let of_packs = u16::try_from(of_packs).unwrap_or(u16::MAX);
    let least = u16::try_from(least).unwrap_or(u16::MAX).saturating_add(1).saturating_add(of_packs);
    let mut y = top + 1;
    if least <= bottom.saturating_sub(y + now::FULL) {
        now::draw(canvas, y, &totals);
        y += now::FULL;
    } else {
        now::draw_short(canvas, y, &totals);
        y += now::SHORT;
    }
    if is_table {
        y = side_by_side(canvas, y, bottom.saturating_sub(of_packs), bank, &rows, moment);
    } else {
        y = one_per_line(canvas, y, bottom, bank, &rows);
    }
    y = packs(canvas, y, bottom, bank, moment);
    // The chart is at the bottom, if there is also room for the worst findings.
    let room = bottom.saturating_sub(y);
    let found =
        u16::try_from(bank.findings.len()).map_or(u16::MAX, |count| count.saturating_add(1));
    let found = if bank.findings.is_empty() { 0 } else { found };
    let height = room.saturating_sub(found.min(MAX_FOUND)).min(chart::USUAL);
    if height < chart::MIN || !chart::draw(canvas, bottom - height, height, past, moment) {
        findings(canvas, y, bottom, bank);
    } else {
        findings(canvas, y, bottom - height, bank);
    }
}

/// Returns the width of a column if all units fit side by side.
fn column_width(width: u16, units: usize) -> Option<u16> {
    let units = u16::try_from(units).ok().filter(|units| *units > 0)?;
    let column = width.saturating_sub(FIRST + TOGETHER) / units;
    (column >= MIN_COLUMN).then_some(column.min(MAX_COLUMN))
}

/// Draws a column per unit. Returns the line after it.
fn side_by_side(
    canvas: &mut Canvas<'_>,
    y: u16,
    bottom: u16,
    bank: &Overview,
    rows: &[Row],
    moment: &Moment,
) -> u16 {
    let Some(column) = column_width(canvas.width(), bank.units.len()) else { return y };
    let x = |place: usize| FIRST + u16::try_from(place).unwrap_or(0) * column;
    canvas.rule(y, "Units", "");
    for (place, unit) in bank.units.iter().enumerate() {
        let role = unit.role().map(|role| format!(", {role}")).unwrap_or_default();
        let head = format!(" {}{role} ", unit.name);
        canvas.put_within(x(place) - 1, y, column - 1, &head, Tone::Strong);
    }
    if bank.units.len() > 1 {
        canvas.put(x(bank.units.len()) - 1, y, " Together ", Tone::Strong);
    }
    let needed = rows.iter().filter(|row| !row.is_detail).count() + 1;
    let mut room = usize::from(bottom.saturating_sub(y + 1)).saturating_sub(needed);
    let mut y = y + 1;
    for row in rows {
        if row.is_detail {
            if room == 0 {
                continue;
            }
            room -= 1;
        }
        let tone = if row.is_marked { Tone::Problem(bank.verdict.level) } else { Tone::Plain };
        let sign = if row.is_marked { "≠" } else { " " };
        canvas.put(0, y, sign, tone);
        canvas.put_within(1, y, FIRST - 2, row.label, Tone::Plain);
        for (place, cell) in row.cells.iter().enumerate() {
            canvas.put_within(x(place), y, column - 1, cell, cell_tone(cell, tone));
        }
        let tone = if row.is_marked {
            tone
        } else if row.together == "alike" {
            Tone::Dim
        } else {
            Tone::Strong
        };
        canvas.put(x(row.cells.len()), y, &row.together, tone);
        y += 1;
    }
    canvas.put(1, y, "Read", Tone::Plain);
    for (place, unit) in bank.units.iter().enumerate() {
        let (text, tone) = read(unit, moment);
        canvas.put_within(x(place), y, column - 1, &text, tone);
    }
    y + 1
}

/// Returns when a unit was read.
fn read(unit: &Unit, moment: &Moment) -> (String, Tone) {
    let age = unit.read_at().map(|at| moment.instant.saturating_duration_since(at));
    match (&unit.link, age) {
        (LinkState::Down { since, .. }, _) => {
            let since = since.map(|since| format!(" since {}", local_time(since, &moment.wall)));
            (format!("no answer{}", since.unwrap_or_default()), Tone::Problem(Level::Warning))
        }
        (_, None) => ("not yet".to_owned(), Tone::Dim),
        (_, Some(age)) if unit.is_fresh(moment.instant) => (ago(age), Tone::Dim),
        (_, Some(age)) => (format!("{}, old", ago(age.max(Duration::from_secs(1)))), Tone::Old),
    }
}

fn cell_tone(cell: &str, tone: Tone) -> Tone {
    if cell.ends_with(" old") { Tone::Old } else { tone }
}

/// Draws a line per unit, for many units. Returns the line after it.
fn one_per_line(
    canvas: &mut Canvas<'_>,
    y: u16,
    bottom: u16,
    bank: &Overview,
    rows: &[Row],
) -> u16 {
    canvas.rule(y, "Units", "");
    let shown: Vec<_> = COLUMNS
        .iter()
        .filter_map(|(label, x)| Some((rows.iter().find(|row| row.label == *label)?, *x)))
        .collect();
    for (row, x) in &shown {
        let mark = if row.is_marked { "≠ " } else { "" };
        canvas.put(*x - 1, y, &format!(" {mark}{} ", row.label), Tone::Strong);
    }
    let mut y = y + 1;
    for (place, unit) in bank.units.iter().enumerate() {
        if y >= bottom {
            break;
        }
        canvas.put_within(1, y, 14, &unit.name, Tone::Strong);
        if matches!(unit.link, LinkState::Down { .. }) {
            canvas.put(16, y, "no answer", Tone::Problem(Level::Warning));
            y += 1;
            continue;
        }
        for (at, (row, x)) in shown.iter().enumerate() {
            let end = shown.get(at + 1).map_or(canvas.width(), |(_, next)| *next);
            let cell = row.cells.get(place).map_or("–", String::as_str);
            canvas.put_within(*x, y, end - *x - 1, cell, cell_tone(cell, Tone::Plain));
        }
        y += 1;
    }
    y
}

/// Draws a line per battery pack, if there are any. Returns the line after it.
fn packs(canvas: &mut Canvas<'_>, y: u16, bottom: u16, bank: &Overview, moment: &Moment) -> u16 {
    if bank.packs.is_empty() || y >= bottom {
        return y;
    }
    canvas.rule(y, "Packs", "");
    for (label, x) in without_spread(Pack::COLUMNS).into_iter().zip(PACK_COLUMNS) {
        canvas.put(x - 1, y, &format!(" {label} "), Tone::Strong);
    }
    let mut y = y + 1;
    for pack in &bank.packs {
        if y >= bottom {
            break;
        }
        // The paths of ports differ at their ends.
        let name: Vec<_> = pack.name.chars().collect();
        let start = name.len().saturating_sub(usize::from(PACK_COLUMNS[0]) - 2);
        let name: String = name.get(start..).unwrap_or_default().iter().collect();
        canvas.put_within(1, y, PACK_COLUMNS[0] - 2, &name, Tone::Strong);
        let cells = pack.cells(moment.instant);
        let is_old = pack.live().is_some() && pack.fresh(moment.instant).is_none();
        let tone = match pack.link {
            LinkState::Down { .. } => Tone::Problem(Level::Warning),
            _ if is_old => Tone::Old,
            _ => Tone::Plain,
        };
        let ends = PACK_COLUMNS.iter().skip(1).copied().chain([canvas.width() + 1]);
        for ((cell, x), end) in without_spread(cells).iter().zip(PACK_COLUMNS).zip(ends) {
            canvas.put_within(x, y, end.saturating_sub(x + 1), cell, tone);
        }
        y += 1;
    }
    y
}

/// Leaves out the spread of the cells, which their range shows.
fn without_spread<T>([charge, volts, current, cells, _, heat, state]: [T; 7]) -> [T; 6] {
    [charge, volts, current, cells, heat, state]
}

/// Draws the titles of the findings, as far as there is room.
fn findings(canvas: &mut Canvas<'_>, y: u16, bottom: u16, bank: &Overview) {
    let room = usize::from(bottom.saturating_sub(y + 1));
    if bank.findings.is_empty() || room == 0 {
        return;
    }
    canvas.rule(y, "Findings", "f: why, and what to do");
    let is_all = bank.findings.len() <= room;
    let shown = if is_all { room } else { room - 1 };
    let mut y = y + 1;
    for finding in bank.findings.iter().take(shown) {
        let level = super::findings::level(finding);
        let x = canvas.put(1, y, &format!("{} {}", level.0, finding.severity), level.1) + 1;
        canvas.put(x, y, &super::findings::title(finding), Tone::Plain);
        y += 1;
    }
    if !is_all {
        let more = format!("and {} more", bank.findings.len() - shown);
        canvas.put(1, y, &more, Tone::Dim);
    }
}

/// Columns of the values of a pack.
const PACK_COLUMNS: [u16; 6] = [14, 22, 31, 41, 58, 65];
/// Lines of findings above a chart, with their title.
const MAX_FOUND: u16 = 4;
/// Column of the first unit.
const FIRST: u16 = 13;
/// Width of the column of sums.
const TOGETHER: u16 = 16;
/// Width of a unit's column.
const MIN_COLUMN: u16 = 16;
const MAX_COLUMN: u16 = 30;

/// Rows that are shown as columns for many units, each with its place.
const COLUMNS: [(&str, u16); 6] =
    [("Mode", 16), ("Fault", 26), ("Sun", 36), ("Battery", 46), ("Charge", 64), ("Load", 71)];
