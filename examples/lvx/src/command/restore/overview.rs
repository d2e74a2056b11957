//! What each unit has, and what would be written, before anything is.

use std::io::{self, Write};

use lvx_settings::{ApplyProgress, Past, Plan, ResumeMode, Setting, Settings, Step};

use pi18_transport::wrap;

use crate::{args::MAX_WIDTH, units::Open};

/// Shows what each unit has of what the run was to change, and foreign changes since.
pub(super) fn show(out: &mut impl Write, past: &Past, opened: &[Open]) -> io::Result<()> {
    let steps = past.plan.steps.len();
    let (before, wanted) = (past.plan.settings_after(0), past.plan.settings_after(steps));
    for ((at, open), (before, wanted)) in opened.iter().enumerate().zip(before.iter().zip(&wanted))
    {
        writeln!(out, "{} ({})", open.unit.serial_number, open.address.place())?;
        let now = open.unit.settings();
        let touched: Vec<_> = past.plan.touched(at).collect();
        for &setting in &touched {
            let text = |all: &Settings| text(all, setting);
            let only = now.only(|known| known == setting);
            let differs = |all: &Settings| !only.satisfy(&all.only(|known| known == setting));
            let foreign = if differs(before) && differs(wanted) {
                ", changed by another program, or the unit itself"
            } else {
                ""
            };
            let (now, before, wanted) = (text(&now), text(before), text(wanted));
            let line = format!("now {now}, before {before}, wanted {wanted}{foreign}");
            write!(out, "{}", wrap(&lead(setting), &line, MAX_WIDTH))?;
        }
        let others = before.differences(&now).map(|change| change.setting);
        let others: Vec<_> = others
            .filter(|setting| !touched.contains(setting) && *setting != Setting::Clock)
            .collect();
        if !others.is_empty() {
            writeln!(out, "  changed by another program, or the unit itself, and left alone:")?;
        }
        for setting in others {
            let (now, before) = (text(&now, setting), text(before, setting));
            let line = format!("now {now}, before {before}");
            write!(out, "{}", wrap(&lead(setting), &line, MAX_WIDTH))?;
        }
    }
    Ok(())
}

/// Shows the writes that are that remain in this mode, as far as the units show them.
pub(super) fn writes(
    out: &mut impl Write,
    plan: &Plan,
    progress: &ApplyProgress,
    mode: ResumeMode,
    opened: &[Open],
) -> io::Result<()> {
    let mut states: Vec<_> = opened.iter().map(|open| open.unit.settings()).collect();
    let steps: Vec<(usize, Step)> = match mode {
        ResumeMode::Finish => plan.steps.iter().copied().enumerate().collect(),
        ResumeMode::Undo => {
            let begun = plan.steps.iter().enumerate().take(progress.at_most);
            begun.rev().map(|(at, step)| (at, step.reversed())).collect()
        }
    };
    writeln!(out)?;
    let mut left = plan.clone();
    left.steps.clear();
    let mut in_any_case: Vec<_> =
        progress.owed(plan).into_iter().map(|owed| (owed.unit, owed.to, STRAYED)).collect();
    for (at, mut step) in steps {
        let Some(state) = states.get_mut(step.unit) else { continue };
        if state.satisfy(&step.to) {
            if mode == ResumeMode::Undo
                && let Some(why) = why_in_any_case(plan, progress, at)
            {
                in_any_case.push((step.unit, step.to, why));
            }
            continue;
        }
        // What the unit has now, which may be neither of the two.
        step.from = state.only(|setting| step.from.get(setting).is_some());
        *state = state.overlaid(&step.to);
        left.steps.push(step);
    }
    if left.is_empty() && in_any_case.is_empty() {
        return writeln!(out, "the units show that nothing is left to be written");
    }
    if !left.is_empty() {
        write!(out, "{left}")?;
    }
    for (unit, to, why) in in_any_case {
        let serial = plan.units.get(unit).map(|planned| planned.unit.serial_number);
        let serial = serial.map_or(String::new(), |serial| serial.to_string());
        let to: Vec<_> = to.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let line = format!("{serial} {}: {why}", to.join(", "));
        write!(out, "{}", wrap("written in any case: ", &line, MAX_WIDTH))?;
    }
    Ok(())
}

const STRAYED: &str = "it is not known whether it got a command meant for another unit";

/// Why the undo of a step is written although the unit shows the old values; `None` if it is not.
fn why_in_any_case(plan: &Plan, progress: &ApplyProgress, at: usize) -> Option<&'static str> {
    if progress.unproved.contains(&at) {
        Some("it is not known whether an earlier write has taken effect")
    } else if plan.brings_voltages(plan.steps.get(at)?) {
        Some("a battery type brings voltages along")
    } else {
        None
    }
}

/// Shows a list under a heading, if there is anything in it.
pub(super) fn list(out: &mut impl Write, heading: &str, lines: &[String]) -> io::Result<()> {
    if !lines.is_empty() {
        writeln!(out, "{heading}")?;
    }
    for line in lines.iter().flat_map(|line| line.lines()) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn lead(setting: Setting) -> String {
    format!("  {:<26} ", setting.key())
}

fn text(all: &Settings, setting: Setting) -> String {
    all.get(setting).map_or("not there".to_owned(), |value| value.to_string())
}
