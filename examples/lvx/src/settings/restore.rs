//! `lvx restore`: a run that was stopped, or could not undo everything, is finished or undone; one that
//! ended is undone.

mod finished;
mod overview;

use std::io::Write;

use lvx_settings::{Apply, Ending, Limits, Obstacles, Past, Plan, ResumeMode};

use pi18_transport::Address;

use super::{
    apply::{drive, options, tell},
    consent,
    planning::{self, permissions},
    units,
    units::Open,
};
use crate::{
    args::settings::{self as args, Format},
    outcome::{Failure, Status, complain},
    state::{Kept, RunFiles, Store, ignored_users},
};

pub(crate) fn run(args: &args::Restore, out: &mut impl Write) -> Result<Status, Failure> {
    consent::can_be_asked(&args.consent)?;
    if args.foreign {
        return finished::undo_foreign(args, out);
    }
    if let Some(unit) = args.run.as_deref().filter(|run| is_unit(run)) {
        return Err(Failure::usage(format_args!(
            "{unit}: this is a unit, and the run comes before the units: lvx restore RUN {unit}; `lvx \
             runs` lists the runs"
        )));
    }
    let store = Store::look(&args.care.place)?;
    let Some(run) = store.choose(args.run.as_deref(), |_| true)? else {
        writeln!(
            out,
            "no run was left; there is nothing to restore; searched: {}",
            store.searched()
        )?;
        return Ok(Status::Well);
    };
    let (files, past) = run.keep_on()?;
    let run = Kept { past, ..run };
    if !run.past.is_open() {
        drop(files);
        return finished::restore(args, &store, &run, out);
    }
    if args.forget {
        return forget(&store, &run, files, out);
    }
    refuse_edited(&run)?;
    bring_to_an_end(args, &store, &run, files, out)
}

/// Whether the address of a unit is in the place of a run. The path of a device is one; that of a
/// journal is no device.
fn is_unit(text: &str) -> bool {
    let is_address = text.parse::<Address>().is_ok();
    is_address && (!text.starts_with('/') || text.starts_with("/dev/"))
}

fn forget(
    store: &Store,
    run: &Kept,
    mut files: RunFiles,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    store.take_entry(run, &mut files)?;
    files.forget()?;
    writeln!(out, "{}: forgotten; the units stay as they are", run.name)?;
    Ok(Status::Well)
}

/// A journal that does not go with the settings that were saved beside it is not believed.
fn refuse_edited(run: &Kept) -> Result<(), Failure> {
    let edited = run.edited();
    if edited.is_empty() {
        return Ok(());
    }
    let mut told = vec![format!(
        "{}: the journal and the settings that were saved with it do not agree; nothing was written",
        run.name
    )];
    told.extend(edited);
    told.push(format!(
        "after a look at both: lvx restore --foreign {} UNIT… takes the journal for what it says, with \
         every check and the whole consent; lvx restore --forget leaves everything as it is",
        run.path().display()
    ));
    Err(Failure::usages(told))
}

/// The open run, or the part of it whose units were named.
fn bring_to_an_end(
    args: &args::Restore,
    store: &Store,
    run: &Kept,
    mut files: RunFiles,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let host = units::host();
    let Some(opened) = open_some(&run.past.plan, &args.units, &run.hint(), &host)? else {
        return Ok(Status::Unread);
    };
    let (places, opened): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
    let (mut part, steps) = run.past.part(&places);
    for (planned, open) in part.plan.units.iter_mut().zip(&opened) {
        planned.address = open.address.to_string();
    }
    if places.len() < run.past.plan.units.len() {
        files.only(&places, steps);
    }
    let progress = part.progress();
    let (begun, count) = (progress.at_most, part.plan.steps.len());
    writeln!(out, "{}: {begun} of {count} writes begun and not undone", run.name)?;
    overview::show(out, &part, &opened)?;
    let mode = match (args.undo, args.finish) {
        (true, _) => Some(ResumeMode::Undo),
        (_, true) => Some(ResumeMode::Finish),
        _ => None,
    };
    let permitted = permitted(args, &part)?;
    let fails = match &permitted {
        Ok(plan) => {
            let units: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
            plan.objections_to_finish(&units)
        }
        Err(obstacles) => obstacles.iter().map(planning::told).collect(),
    };
    let Some(mode) = mode else {
        overview::list(out, "\n--finish would fail:", &fails)?;
        writeln!(
            out,
            "\nnothing was written; --undo puts back what was, --finish does the rest, \
             --forget leaves it; each but the last with --confirm"
        )?;
        return Ok(Status::Findings);
    };
    let plan = match mode {
        ResumeMode::Undo => Some(plan_to_undo(args, &part, &opened)?),
        // A plan that is not permitted, or would fail, is only shown.
        ResumeMode::Finish => permitted.ok().filter(|_| fails.is_empty()),
    };
    overview::writes(out, &part.plan, &progress, mode, &opened)?;
    let consent = consent::given(&args.consent, &part.plan)?;
    let Some(plan) = plan else {
        overview::list(out, "\nnothing was written; --finish would fail:", &fails)?;
        writeln!(
            out,
            "--undo puts back what was; --forget leaves everything as it is, and the run is over"
        )?;
        return Ok(if consent { Status::Unproved } else { Status::Findings });
    };
    if !consent {
        writeln!(out, "\nnothing was written; --confirm does it")?;
        return Ok(Status::Findings);
    }
    store.claim(run, &plan, &ignored_users(&args.care.ignore_runs_of)?, &mut files)?;
    files.catch_interrupts()?;
    files.note_unknown();
    let apply = Apply::resume(plan, options(&args.care), progress, mode);
    let report = drive(apply, opened, &host, &mut files);
    let status = tell(out, &report, &files, Format::Table);
    if matches!(report.ending, Ending::Refused | Ending::Mixed) {
        complain(&format!(
            "the run is still open; to try again: lvx restore {0}; if you have seen to it by other \
             means: lvx restore {0} --forget",
            run.hint()
        ));
    } else if places.len() < run.past.plan.units.len() {
        complain("the other units of the run are left to be restored");
    }
    let undone = mode == ResumeMode::Undo && report.ending == Ending::Undone;
    Ok(if undone { Status::Well } else { status })
}

/// Opens the units of a plan: all of them where they were, or those that are named where they are now.
/// With each comes its number in the plan.
fn open_some(
    plan: &Plan,
    named: &[String],
    hint: &str,
    host: &lvx_settings::HostClock,
) -> Result<Option<Vec<(usize, Open)>>, Failure> {
    let addresses = match named {
        [] => plan.units.iter().map(|planned| planned.address.clone()).collect(),
        named => named.to_vec(),
    };
    let Ok(opened) = units::open(&addresses, host)? else {
        if plan.units.len() > 1 {
            complain(&format!(
                "units that can be reached are restored without the others if they are named: \
                 lvx restore {hint} UNIT…"
            ));
        }
        return Ok(None);
    };
    let mut found = Vec::new();
    for open in opened {
        let serial = open.unit.serial_number;
        let place = plan.units.iter().position(|planned| planned.unit.serial_number == serial);
        let Some(place) = place else {
            return Err(Failure::usage(format_args!(
                "{}: unit {serial} is not in this run",
                open.address.place()
            )));
        };
        if found.iter().any(|(known, _)| *known == place) {
            return Err(Failure::usage(format_args!("unit {serial} is given twice")));
        }
        found.push((place, open));
    }
    found.sort_by_key(|(place, _)| *place);
    Ok(Some(found))
}

/// The plan as far as the command line permits it, or what is in the way.
fn permitted(args: &args::Restore, part: &Past) -> Result<Result<Plan, Obstacles>, Failure> {
    let mut permissions = permissions(&args.permit)?;
    permissions.part_of_bank = true;
    Ok(part.plan.clone().permitted(&permissions))
}

/// The plan, if its undo is permitted; old values that the guard or the units would not take are warned
/// of.
fn plan_to_undo(args: &args::Restore, part: &Past, opened: &[Open]) -> Result<Plan, Failure> {
    let mut permissions = permissions(&args.permit)?;
    permissions.part_of_bank = true;
    let missing = part.plan.steps.iter().take(part.progress().at_most).find_map(|step| {
        let changed = step.from.differences(&step.to).map(|change| change.setting);
        changed
            .filter(|setting| setting.group().is_installation())
            .find(|setting| !permissions.allow_installation.contains(setting))
    });
    if let Some(setting) = missing {
        return Err(Failure::usage(format_args!(
            "the undo writes {setting}, an installation setting: allow it by name \
             (--allow-installation {setting})"
        )));
    }
    for outside in part.plan.outside_guard(permissions.battery.as_ref()) {
        complain(&format!("warning: an old value is outside the battery guard: {outside}"));
    }
    for (at, (old, open)) in part.old_settings().iter().zip(opened).enumerate() {
        let limits = Limits::of(&open.unit);
        let unit = part.plan.units.get(at).map_or(String::new(), lvx_settings::PlannedUnit::place);
        for (setting, value) in old.iter() {
            if let Err(error) = limits.check(setting, value) {
                complain(&format!("warning: {unit}: {setting} cannot be put back: {error}"));
            }
        }
    }
    Ok(part.plan.clone())
}
