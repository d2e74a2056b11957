//! The head of each page: name, time, verdict, what to do first.

use super::{
    canvas::{Canvas, wrapped},
    look::Tone,
    moment::Moment,
};
use crate::overview::{Level, Overview, local_time};

/// Draws the head. Returns the line after it.
pub(super) fn draw(canvas: &mut Canvas<'_>, bank: &Overview, moment: &Moment) -> u16 {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let packs = match bank.packs.len() {
        0 => String::new(),
        count => format!(", {}", counted(count, "pack")),
    };
    let units = format!("{}{packs}", counted(bank.units.len(), "unit"));
    let name = if bank.name.is_empty() { "lvx watch" } else { &bank.name };
    canvas.put(1, 0, &format!("{name}  {units}"), Tone::Strong);
    canvas.right(0, &moment.wall.strftime("%a %-d %b %H:%M:%S").to_string(), Tone::Dim);

    let verdict = &bank.verdict;
    let tone = Tone::Verdict(verdict.level);
    canvas.paint_line(1, tone);
    let since = verdict.since.filter(|_| verdict.level != Level::Ok);
    let since = since.map(|since| format!("since {}", local_time(since, &moment.wall)));
    let since = since.unwrap_or_default();
    let room = canvas.width().saturating_sub(u16::try_from(since.len()).unwrap_or(0) + 4);
    let title = format!("{} {}", verdict.level.sign(), verdict.title);
    canvas.put_within(1, 1, room, &title, tone);
    canvas.right(1, &since, tone);

    let mut y = 2;
    let width = canvas.width().saturating_sub(4);
    let step = verdict.step.as_ref().map(|step| format!("Do first: {step}"));
    let parts = [(Some(&verdict.detail), Tone::Plain), (step.as_ref(), Tone::Strong)].into_iter();
    for (text, tone) in parts.filter_map(|(text, tone)| Some((text?, tone))) {
        let lines = wrapped(text, width);
        for (place, line) in lines.iter().take(MAX_LINES).enumerate() {
            let is_cut = place + 1 == MAX_LINES && lines.len() > MAX_LINES;
            let more = if is_cut { " …" } else { "" };
            canvas.put(3, y, &format!("{line}{more}"), tone);
            y += 1;
        }
    }
    y
}

/// Greatest number of lines for each text. The page of findings shows all.
const MAX_LINES: usize = 2;
