//! What happens now: sun, load, grid, battery, and the power that flows between them.

use super::{canvas::Canvas, look::Tone};
use crate::overview::{Flow, MIN_FLOW, Summary, Totals, about, energy, power};

/// Height of the drawing with flows.
pub(super) const FULL: u16 = 7;
/// Height of the short form.
pub(super) const SHORT: u16 = 4;

/// Draws the four parts and the flows, [`FULL`] lines from `y`.
pub(super) fn draw(canvas: &mut Canvas<'_>, y: u16, totals: &Totals) {
    canvas.put(LEFT, y, "SUN", Tone::Sun);
    canvas.put(RIGHT, y, "LOAD", Tone::Load);
    canvas.put(LEFT, y + 4, "GRID", Tone::Grid);
    canvas.put(RIGHT, y + 4, "BATTERY", Tone::Battery);
    let known = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());

    canvas.put(LEFT, y + 1, &known(totals.solar.map(power)), Tone::Strong);
    if totals.solar.is_some() {
        let strings = match totals.strings {
            0 => "no sun".to_owned(),
            strings => format!("on {strings} of {} strings", 2 * totals.units),
        };
        canvas.put(LEFT, y + 2, &strings, Tone::Dim);
    }
    if let Some(today) = totals.today {
        canvas.put(LEFT, y + 3, &format!("{} today", energy(today)), Tone::Dim);
    }

    canvas.put(RIGHT, y + 1, &known(totals.load.map(power)), Tone::Strong);
    if let Some(percent) = totals.load_percent {
        let of = if totals.units > 1 { " on the busiest unit" } else { "" };
        canvas.put(RIGHT, y + 2, &format!("{percent:.0} %{of}"), Tone::Dim);
    }

    let Summary { grid, battery, .. } = Summary::of(totals);
    let (used, there) = grid.split_once("; ").unwrap_or((&grid, ""));
    canvas.put_within(LEFT, y + 5, FLOW_X - 2, used, Tone::Strong);
    canvas.put_within(LEFT, y + 6, FLOW_X - 2, there, Tone::Dim);

    if let Some(charge) = totals.charge {
        let x = canvas.put(RIGHT + 8, y + 4, &format!("{charge:.0} %"), Tone::Strong);
        bar(canvas, x + 1, y + 4, charge);
    }
    let (doing, numbers) = battery.split_once(", ").unwrap_or((&battery, ""));
    // The state of charge is shown above.
    let numbers = numbers.rsplit_once(", ").map_or(numbers, |(numbers, _)| numbers);
    canvas.put(RIGHT, y + 5, doing, Tone::Strong);
    canvas.put(RIGHT, y + 6, numbers, Tone::Dim);
    if let Some(flow) = Flow::of(totals) {
        flows(canvas, y, &flow);
    }
}

/// Draws the same in [`SHORT`] lines of text.
pub(super) fn draw_short(canvas: &mut Canvas<'_>, y: u16, totals: &Totals) {
    let Summary { sun, load, battery, grid } = Summary::of(totals);
    let parts = [
        ("SUN", sun, Tone::Sun),
        ("LOAD", load, Tone::Load),
        ("BATTERY", battery, Tone::Battery),
        ("GRID", grid, Tone::Grid),
    ];
    for (y, (name, text, tone)) in (y..).zip(parts) {
        canvas.put(LEFT, y, name, tone);
        canvas.put(LEFT + 10, y, &text, Tone::Plain);
    }
}

/// Draws a line for each flow. Its colour is that of its source.
fn flows(canvas: &mut Canvas<'_>, y: u16, flow: &Flow) {
    let flows = |watts: f64| watts >= MIN_FLOW;
    if flows(flow.sun_to_load) {
        arrow(canvas, FLOW_X, y + 1, flow.sun_to_load, &power(flow.sun_to_load), Tone::Sun);
    }
    // The sun charges the battery only after it has fed the load, so that not both lines are there.
    if flows(flow.sun_to_battery) {
        let text = about(flow.sun_to_battery);
        canvas.put(FLOW_X, y + 2, "━━┓", Tone::Sun);
        canvas.put(FLOW_X + 2, y + 3, "┃", Tone::Sun);
        canvas.put(FLOW_X + 2, y + 4, "┃", Tone::Sun);
        let x = canvas.put(FLOW_X + 2, y + 5, "┗", Tone::Sun);
        arrow(canvas, x, y + 5, flow.sun_to_battery, &text, Tone::Sun);
    } else if flows(flow.grid_to_load) {
        let text = about(flow.grid_to_load);
        let x = canvas.put(FLOW_X + 2, y + 2, "┏", Tone::Grid);
        arrow(canvas, x, y + 2, flow.grid_to_load, &text, Tone::Grid);
        canvas.put(FLOW_X + 2, y + 3, "┃", Tone::Grid);
        canvas.put(FLOW_X + 2, y + 4, "┃", Tone::Grid);
        canvas.put(FLOW_X, y + 5, "━━┛", Tone::Grid);
    }
    if flows(flow.grid_to_battery) {
        let text = about(flow.grid_to_battery);
        arrow(canvas, FLOW_X, y + 6, flow.grid_to_battery, &text, Tone::Grid);
    }
    if flows(flow.battery_to_load) {
        let text = format!("▲ {} from the battery", about(flow.battery_to_load));
        canvas.put(RIGHT, y + 3, &text, Tone::Battery);
    }
}

/// Draws an arrow from `x` to the right column, with a text in it.
fn arrow(canvas: &mut Canvas<'_>, x: u16, y: u16, watts: f64, text: &str, tone: Tone) {
    let line = if watts >= THICK { "━" } else { "─" };
    let start = canvas.put(x, y, &line.repeat(3), tone);
    let end = canvas.put(start + 1, y, text, tone) + 1;
    let rest = usize::from(RIGHT.saturating_sub(end + 2));
    let end = canvas.put(end, y, &line.repeat(rest), tone);
    canvas.put(end, y, "▶", tone);
}

/// Draws how full the battery is.
fn bar(canvas: &mut Canvas<'_>, x: u16, y: u16, percent: f64) {
    let is_full = |place: u16| f64::from(place) + 0.5 <= percent / 100.0 * f64::from(BAR);
    let text: String = (0..BAR).map(|place| if is_full(place) { '█' } else { '░' }).collect();
    canvas.put(x, y, &text, Tone::Battery);
}

/// Column of sun and grid.
const LEFT: u16 = 1;
/// Column at which flows begin.
const FLOW_X: u16 = 20;
/// Column of load and battery.
const RIGHT: u16 = 42;
/// Width of the bar.
const BAR: u16 = 20;
/// Power in watts from which a line is thick.
const THICK: f64 = 1000.0;
