//! The present settings of units and the pending writes of a run.

use std::io::{self, Write};

use lvx_settings::{ApplyProgress, Past, Plan, ResumeMode, Setting, Settings, Step};

use pi18_transport::wrap;

use crate::{args::MAX_WIDTH, units::OpenUnit};

/// Prints the present values of the settings that the run changes, and other changes since its start.
pub(super) fn show(out: &mut impl Write, past: &Past, opened: &[OpenUnit]) -> io::Result<()> {
    let steps = past.plan.steps.len();
    let (before, target) = (past.plan.settings_after(0), past.plan.settings_after(steps));
    for ((at, open), (before, target)) in opened.iter().enumerate().zip(before.iter().zip(&target))
    {
        writeln!(out, "{} ({})", open.unit.serial_number, open.address.place())?;
        let now = open.unit.settings();
        let touched: Vec<_> = past.plan.touched(at).collect();
        for &setting in &touched {
            let text = |all: &Settings| text(all, setting);
            let only = now.only(|known| known == setting);
            let differs = |all: &Settings| !only.satisfy(&all.only(|known| known == setting));
            let foreign = if differs(before) && differs(target) {
                ", changed by another program or the unit"
            } else {
                ""
            };
            let (now, before, target) = (text(&now), text(before), text(target));
            let line = format!("now {now}, before {before}, target {target}{foreign}");
            write!(out, "{}", wrap(&lead(setting), &line, MAX_WIDTH))?;
        }
        let others = before.differences(&now).map(|change| change.setting);
        let others: Vec<_> = others
            .filter(|setting| !touched.contains(setting) && *setting != Setting::Clock)
            .collect();
        if !others.is_empty() {
            writeln!(out, "  changed by another program or the unit, and not part of this run:")?;
        }
        for setting in others {
            let (now, before) = (text(&now, setting), text(before, setting));
            let line = format!("now {now}, before {before}");
            write!(out, "{}", wrap(&lead(setting), &line, MAX_WIDTH))?;
        }
    }
    Ok(())
}

/// Prints the writes that remain in this mode, according to the present settings of the units.
pub(super) fn writes(
    out: &mut impl Write,
    plan: &Plan,
    progress: &ApplyProgress,
    mode: ResumeMode,
    opened: &[OpenUnit],
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
    let mut repeated: Vec<_> = progress
        .pending_corrections(plan)
        .into_iter()
        .map(|pending| (pending.unit, pending.to, STRAYED))
        .collect();
    for (at, mut step) in steps {
        let Some(state) = states.get_mut(step.unit) else { continue };
        if state.satisfy(&step.to) {
            if mode == ResumeMode::Undo
                && let Some(why) = why_repeated(plan, progress, at)
            {
                repeated.push((step.unit, step.to, why));
            }
            continue;
        }
        // The present value may differ from both the old and the new value.
        step.from = state.only(|setting| step.from.get(setting).is_some());
        *state = state.overlaid(&step.to);
        left.steps.push(step);
    }
    if left.is_empty() && repeated.is_empty() {
        return writeln!(out, "no writes remain according to the settings of the units");
    }
    if !left.is_empty() {
        write!(out, "{left}")?;
    }
    for (unit, to, why) in repeated {
        let serial = plan.units.get(unit).map(|planned| planned.unit.serial_number);
        let serial = serial.map_or(String::new(), |serial| serial.to_string());
        let to: Vec<_> = to.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let line = format!("{serial} {}: {why}", to.join(", "));
        write!(out, "{}", wrap("always written: ", &line, MAX_WIDTH))?;
    }
    Ok(())
}

const STRAYED: &str = "this unit may have received a command for another unit";

/// Returns the reason to write the undo of a step even if the unit already has the old values, if there is one.
fn why_repeated(plan: &Plan, progress: &ApplyProgress, at: usize) -> Option<&'static str> {
    if progress.unproved.contains(&at) {
        Some("an earlier write may still take effect")
    } else if plan.writes_type_voltages(plan.steps.get(at)?) {
        Some("a change of the battery type also changes voltages")
    } else {
        None
    }
}

/// Prints a list under a heading, unless it is empty.
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
    all.get(setting).map_or("missing".to_owned(), |value| value.to_string())
}
