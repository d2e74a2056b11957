//! The page of one unit: all its values.

use super::{
    canvas::{Canvas, wrapped},
    look::Tone,
    moment::Moment,
};
use crate::overview::{Key, Level, LinkState, Overview, Value, ago, local_time};

/// Draws the page from the line `top`.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    top: u16,
    bank: &Overview,
    place: usize,
    moment: &Moment,
) {
    let Some(unit) = bank.units.get(place) else { return };
    let role = unit.role().map(|role| format!(", {role}")).unwrap_or_default();
    let age = unit.read_at().map(|at| moment.instant.saturating_duration_since(at));
    let read = age.map(|age| format!("read {}", ago(age))).unwrap_or_default();
    canvas.rule(top, &format!("{}{role}", unit.name), &read);
    let serial = unit.serial.as_deref().unwrap_or("–");
    canvas.put(1, top + 1, &format!("serial number {serial}   at {}", unit.address), Tone::Dim);
    let mut y = top + 2;
    let width = canvas.width();
    if let LinkState::Down { why, since } = &unit.link {
        let since = since.map(|since| format!(" since {}", local_time(since, &moment.wall)));
        let text = format!("no answer{}: {why}", since.unwrap_or_default());
        for line in wrapped(&text, width - 2).iter().take(2) {
            canvas.put(1, y, line, Tone::Problem(Level::Warning));
            y += 1;
        }
    }
    // The texts of faults are long, so they have a line of their own.
    for key in [Key::Mode, Key::Fault, Key::Warnings] {
        value(canvas, 1, y, width - 2, key, unit.value(key, moment.instant));
        y += 1;
    }
    let rest: Vec<_> = Key::ALL.iter().filter(|key| !LINES.contains(key)).collect();
    let room = canvas.height().saturating_sub(y + 1);
    let half = u16::try_from(rest.len().div_ceil(2)).unwrap_or(room).min(room);
    let column = width / 2;
    for (number, key) in (0..).zip(rest) {
        let (x, line) = if number < half { (1, number) } else { (column + 1, number - half) };
        if line < room {
            value(canvas, x, y + line, column - 2, *key, unit.value(*key, moment.instant));
        }
    }
}

fn value(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, key: Key, value: Value<'_>) {
    canvas.put_within(x, y, LABEL - 1, key.info().label, Tone::Dim);
    let (text, tone) = match value {
        Value::Failed(why) if !why.is_empty() => (format!("failed: {why}"), Tone::Old),
        Value::Failed(_) | Value::Stale(_) => (value.to_string(), Tone::Old),
        Value::Fresh(_) => (value.to_string(), Tone::Strong),
        Value::Absent => (value.to_string(), Tone::Dim),
    };
    canvas.put_within(x + LABEL, y, width.saturating_sub(LABEL), &text, tone);
}

/// Width of the labels.
const LABEL: u16 = 21;
/// Values that have a line of their own; the code of a fault is part of its name.
const LINES: [Key; 4] = [Key::Mode, Key::Fault, Key::Warnings, Key::FaultCode];
