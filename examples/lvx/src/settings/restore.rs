//! `lvx restore`: a run that was stopped, or could not undo everything, is brought to an end.

use std::io::Write;

use lvx_settings::{Apply, Past, Setting, Settings, Way};

use super::{
    apply::{drive, options, tell},
    consent,
    planning::in_order_of,
    units,
    units::Open,
};
use crate::{
    args::settings::{self as args, Format},
    outcome::{Failure, Status, complain},
    state::{Store, ignored_users},
};

pub(crate) fn run(args: &args::Restore, out: &mut impl Write) -> Result<Status, Failure> {
    let store = Store::look(&args.care.place)?;
    let ignored = ignored_users(&args.care.ignore_runs_of)?;
    let Some(run) = store.choose(args.run.as_deref(), |_| true)? else {
        writeln!(
            out,
            "no run was left; there is nothing to restore; searched: {}",
            store.searched()
        )?;
        return Ok(Status::Well);
    };
    let (mut files, past) = store.keep_on(&run)?;
    if !past.is_open() {
        let how = past.ending().map_or(String::new(), |ending| format!(": {ending}"));
        writeln!(out, "{}: this run came to an end{how}; nothing was written", run.name)?;
        return Ok(Status::Well);
    }
    consent::can_be_asked(&args.consent)?;
    if args.forget {
        store.take_entry(&run, &mut files)?;
        files.forget()?;
        writeln!(out, "{}: forgotten; the units stay as they are", run.name)?;
        return Ok(Status::Well);
    }
    let host = units::host();
    let addresses = match &args.units[..] {
        [] => past.plan.units.iter().map(|planned| planned.address.clone()).collect(),
        given => given.to_vec(),
    };
    let opened = match units::open(&addresses, &host)? {
        Ok(opened) => opened,
        Err(status) => return Ok(status),
    };
    let progress = past.progress();
    let (plan, opened) = in_order_of(past.plan.clone(), opened)?;
    let way = match (args.undo, args.finish) {
        (true, _) => Some(Way::Undo),
        (_, true) => Some(Way::Finish),
        _ => None,
    };
    let (begun, steps) = (progress.at_most, plan.steps.len());
    writeln!(out, "{}: {begun} of {steps} writes begun and not undone", run.name)?;
    show(out, &past, &opened)?;
    let Some(way) = way else {
        writeln!(
            out,
            "\nnothing was written; --undo puts back what was, --finish does the rest, \
             --forget leaves it; each but the last with --confirm"
        )?;
        return Ok(Status::Findings);
    };
    if !consent::given(&args.consent, &plan)? {
        writeln!(out, "\nnothing was written; --confirm does it")?;
        return Ok(Status::Findings);
    }
    store.claim(&run, &plan, &ignored, &mut files)?;
    files.catch_interrupts()?;
    let apply = Apply::resume(plan, options(&args.care), progress, way);
    let report = drive(apply, opened, &host, &mut files);
    let status = tell(out, &report, &files, Format::Table);
    if report.ending == lvx_settings::Ending::Refused {
        complain(&format!("the run is still open; to try again: lvx restore {}", store.hint(&run)));
    }
    let undone = way == Way::Undo && report.ending == lvx_settings::Ending::Undone;
    Ok(if undone { Status::Well } else { status })
}

/// What each unit has of what the run was to change.
fn show(out: &mut impl Write, past: &Past, opened: &[Open]) -> Result<(), Failure> {
    let steps = past.plan.steps.len();
    let (before, wanted) = (past.plan.settings_after(0), past.plan.settings_after(steps));
    for ((at, open), (before, wanted)) in opened.iter().enumerate().zip(before.iter().zip(&wanted))
    {
        writeln!(out, "{} ({})", open.unit.serial_number, open.address.place())?;
        let now = open.unit.settings();
        for setting in past.plan.touched(at) {
            let text = |all: &Settings| text(all, setting);
            writeln!(
                out,
                "  {:<26} now {}, before {}, wanted {}",
                setting.key(),
                text(&now),
                text(before),
                text(wanted)
            )?;
        }
    }
    Ok(())
}

fn text(all: &Settings, setting: Setting) -> String {
    all.get(setting).map_or("not there".to_owned(), |value| value.to_string())
}
