//! The chart: sun, load and charge over time, one above the other.

use jiff::{Timestamp, tz::TimeZone};

use super::{canvas::Canvas, look::Tone, moment::Moment};
use crate::overview::{Curve, Past, power};

/// Least height: a title, a line for each value, the times.
pub(super) const MIN: u16 = 5;
/// Greatest height beside other parts of a page.
pub(super) const USUAL: u16 = 11;

/// Draws the page from the line `top`.
pub(super) fn draw_page(canvas: &mut Canvas<'_>, top: u16, past: &Past, moment: &Moment) {
    let height = canvas.height().saturating_sub(top + 1);
    if !draw(canvas, top, height, past, moment) {
        canvas.rule(top, "Chart", "");
        canvas.put(1, top + 1, "Nothing was read yet.", Tone::Plain);
    }
}

/// Draws the chart on `height` lines from `y`. Returns whether something was read, so that there is one.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    y: u16,
    height: u16,
    past: &Past,
    moment: &Moment,
) -> bool {
    let now = moment.wall.timestamp().as_millisecond();
    let columns = canvas.width().saturating_sub(LEFT + RIGHT);
    let window = past.window(now).filter(|_| height >= MIN && columns > 0);
    let Some(window) = window else { return false };
    let width = (window.length / i64::from(columns)) + 1;
    let from = match window.start {
        Some(start) => start,
        // Columns begin at multiples of their width, so that their values do not change while time passes.
        None => (now.div_euclid(width) + 1 - i64::from(columns)) * width,
    };
    let zone = moment.wall.time_zone();
    let title = match window.start {
        Some(start) => format!("Since {}", clock(local(start, zone))),
        None => "Last 24 h".to_owned(),
    };
    let past: Vec<_> = (0..i64::from(columns))
        .map(|column| from + column * width)
        // What is to come is empty.
        .take_while(|start| *start <= now)
        .map(|start| past.means(start, start + width))
        .collect();
    let has_gap = past.iter().any(|means| means.iter().any(Option::is_none));
    canvas.rule(y, &title, if has_gap { "╱ nothing was read" } else { "" });
    let lines = height - 2;
    let each = lines / PARTS;
    let mut top = y + 1;
    for (place, curve) in (0..PARTS).zip(Curve::ALL) {
        let height = if place < lines % PARTS { each + 1 } else { each };
        let values = past.iter().map(|means| means.get(usize::from(place)).copied().flatten());
        part(canvas, top, height, curve, &values.collect::<Vec<_>>());
        top += height;
    }
    times(canvas, top, columns, from, width, zone);
    true
}

/// Draws one value over time.
fn part(canvas: &mut Canvas<'_>, y: u16, height: u16, curve: Curve, values: &[Option<f64>]) {
    let greatest = values.iter().flatten().copied().reduce(f64::max);
    let (name, tone, top, label) = match curve {
        Curve::Sun => ("Sun", Tone::Sun, greatest, greatest.map(power)),
        Curve::Load => ("Load", Tone::Load, greatest, greatest.map(power)),
        Curve::Charge => ("Charge", Tone::Battery, Some(100.0), Some("100 %".to_owned())),
    };
    canvas.put_within(1, y, LEFT - 2, name, tone);
    // The scale.
    let right = canvas.width() - RIGHT + 1;
    canvas.put(right, y, label.as_deref().unwrap_or("–"), Tone::Dim);
    if height > 1 && label.is_some() {
        canvas.put(right, y + height - 1, "0", Tone::Dim);
    }
    for (x, value) in (LEFT..).zip(values) {
        let Some(value) = value else {
            canvas.put(x, y + height - 1, "╱", Tone::Dim);
            continue;
        };
        let share = value / top.filter(|top| *top > 0.0).unwrap_or(1.0);
        for line in 0..height {
            canvas.put(x, y + height - 1 - line, bar(share, line, height), tone);
        }
    }
}

/// Returns the sign of a bar in one of its lines, counted from below. `share` is its height as a part of the whole.
/// A value that was read is never empty.
fn bar(share: f64, line: u16, lines: u16) -> &'static str {
    let eighths = share * 8.0 * f64::from(lines);
    let is_reached = |eighth: &u16| f64::from(8 * line + eighth) - 0.5 <= eighths;
    let filled = (1..=8).filter(is_reached).count();
    BARS.get(if line == 0 { filled.max(1) } else { filled }).copied().unwrap_or_default()
}

/// Draws the times below the chart.
fn times(canvas: &mut Canvas<'_>, y: u16, columns: u16, from: i64, width: i64, zone: &TimeZone) {
    let tick = TICKS.into_iter().map(|minutes| minutes * MINUTE);
    let tick = tick.clone().find(|tick| *tick >= LABEL * width).unwrap_or(DAY);
    let mut free = LEFT;
    for column in 0..columns {
        let start = from + i64::from(column) * width;
        // Ticks are at full hours of local time, also after it was changed to or from summer time.
        let last = (local(start + width, zone) - 1).div_euclid(tick);
        let x = LEFT + column;
        if last > (local(start, zone) - 1).div_euclid(tick) && x >= free {
            free = canvas.put(x, y, &clock(last * tick), Tone::Dim) + 1;
        }
    }
}

/// Returns a time with the offset of its time zone added.
fn local(time: i64, zone: &TimeZone) -> i64 {
    let at = Timestamp::from_millisecond(time).unwrap_or_default();
    time + i64::from(zone.to_offset(at).seconds()) * 1000
}

/// Returns the clock at a local time.
fn clock(local: i64) -> String {
    let minutes = local.div_euclid(MINUTE).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Signs of a bar with no to eight eighths.
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Number of values.
const PARTS: u16 = 3;
/// Columns before the chart, for the names.
const LEFT: u16 = 9;
/// Columns after the chart, for the scale.
const RIGHT: u16 = 9;
/// Least columns from one time to the next.
const LABEL: i64 = 8;
/// A minute in milliseconds.
const MINUTE: i64 = 60_000;
/// A day.
const DAY: i64 = 24 * 60 * MINUTE;
/// Minutes from one time to the next.
const TICKS: [i64; 10] = [1, 2, 5, 10, 30, 60, 120, 180, 240, 360];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_of_a_value_that_was_read_is_never_empty() {
        let column = |share| [bar(share, 0, 2), bar(share, 1, 2)];
        assert_eq!([column(0.0), column(0.5), column(1.0)], [["▁", " "], ["█", " "], ["█", "█"]]);
        assert_eq!(
            [column(0.25), column(0.78), column(-3.0), column(9.0)],
            [["▄", " "], ["█", "▄"], ["▁", " "], ["█", "█"]]
        );
    }

    #[test]
    fn clock_is_local() {
        let zone = TimeZone::fixed(jiff::tz::offset(-7));
        assert_eq!(clock(local(1_782_070_241_000, &zone)), "12:30");
        assert_eq!(clock(local(0, &TimeZone::UTC)), "00:00");
    }
}
