//! Draws the pages. Everything is drawn from plain data and a moment, so that tests compare whole screens.

mod canvas;
mod chart;
mod findings;
mod look;
mod moment;
mod now;
mod overview;
#[cfg(test)]
mod tests;
mod unit;
mod verdict;

use ratatui::Frame;

use self::{canvas::Canvas, look::Tone};
pub(super) use self::{look::Look, moment::Moment};
use super::view::{Page, View};
use crate::overview::{Overview, Past};

/// Draws the whole screen.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    bank: &Overview,
    past: &Past,
    view: &mut View,
    moment: &Moment,
    look: Look,
) {
    let mut canvas = Canvas::new(frame.buffer_mut(), look);
    let (width, height) = (canvas.width(), canvas.height());
    if width < MIN_WIDTH || height < MIN_HEIGHT {
        let what = format!("{} {}", bank.verdict.level.sign(), bank.verdict.title);
        let need = format!("needs {MIN_WIDTH} × {MIN_HEIGHT} characters,");
        let have = format!("the terminal has {width} × {height}");
        for (y, text) in (0..).zip([what.as_str(), "", need.as_str(), have.as_str(), "q quit"]) {
            canvas.put(0, y, text, Tone::Plain);
        }
    } else if view.is_help {
        help(&mut canvas);
    } else {
        let top = verdict::draw(&mut canvas, bank, moment);
        match view.page {
            Page::Overview => overview::draw(&mut canvas, top, bank, past, moment),
            Page::Unit(place) => unit::draw(&mut canvas, top, bank, place, moment),
            Page::Findings => findings::draw(&mut canvas, top, bank, &mut view.scroll, moment),
            Page::Chart => chart::draw_page(&mut canvas, top, past, moment),
        }
        keys(&mut canvas, bank, view.page);
    }
    canvas.finish();
}

/// Draws the line with the pages and the keys.
fn keys(canvas: &mut Canvas<'_>, bank: &Overview, page: Page) {
    let y = canvas.height() - 1;
    let unit = match page {
        Page::Unit(place) => format!("unit {}/{}", place + 1, bank.units.len()),
        _ => "units".to_owned(),
    };
    let count = bank.findings.len();
    let findings = if count == 0 { "findings".to_owned() } else { format!("findings ({count})") };
    let pages = [
        ("o", "overview".to_owned(), page == Page::Overview),
        ("u", unit, matches!(page, Page::Unit(_))),
        ("f", findings, page == Page::Findings),
        ("c", "chart".to_owned(), page == Page::Chart),
    ];
    let mut x = 1;
    for (key, name, is_shown) in pages {
        let name = if is_shown { format!("[{name}]") } else { format!(" {name} ") };
        x = canvas.put(x, y, key, Tone::Strong) + 1;
        x = canvas.put(x, y, &name, if is_shown { Tone::Strong } else { Tone::Dim }) + 1;
    }
    for (key, name) in [("←→", "page"), ("?", "help"), ("q", "quit")] {
        x = canvas.put(x, y, key, Tone::Strong) + 1;
        x = canvas.put(x, y, name, Tone::Dim) + 2;
    }
}

fn help(canvas: &mut Canvas<'_>) {
    canvas.rule(0, "Keys", "");
    for (y, (key, what)) in (2..).zip(HELP) {
        canvas.put(2, y, key, Tone::Strong);
        canvas.put(20, y, what, Tone::Plain);
    }
    for (y, (sign, what)) in (15..).zip(SIGNS) {
        canvas.put(2, y, sign, Tone::Strong);
        canvas.put(20, y, what, Tone::Plain);
    }
    canvas.put(1, canvas.height() - 1, "any key closes this page", Tone::Dim);
}

const HELP: [(&str, &str); 11] = [
    ("→ Tab", "next page: overview, each unit, findings, chart"),
    ("← Shift-Tab", "page before"),
    ("↑ ↓ PgUp PgDn", "scroll"),
    ("o Home Esc", "overview"),
    ("u", "first unit"),
    ("f", "findings"),
    ("c", "chart of sun, load and charge"),
    ("Ctrl-L", "draw everything again"),
    ("Ctrl-Z", "stop; fg continues"),
    ("? h", "this page"),
    ("q Ctrl-C", "quit"),
];

const SIGNS: [(&str, &str); 8] = [
    ("≠", "the units differ, or a problem is about this row"),
    ("54.2 V old", "not read again in time; not part of any sum"),
    ("–", "not read yet, or the unit does not have it"),
    ("failed", "the last attempt to read it failed"),
    ("≈", "computed from whole amperes, or from what is left over"),
    ("╱", "in a chart: nothing was read at this time"),
    ("─── ━━━", "a flow of power, thick from 1 kW"),
    ("", "Power of the grid is not measured by these units."),
];

/// Least size of the terminal.
const MIN_WIDTH: u16 = 80;
const MIN_HEIGHT: u16 = 24;
