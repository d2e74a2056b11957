//! Finishing or undoing an open run.

use std::io::Write;

use lvx_settings::{Apply, Ending, Limits, Obstacles, Past, Plan, ResumeMode};

use super::{open_units::open_some, overview};
use crate::{
    args::{self, Format},
    state::{RunFiles, Store, StoredRun, ignored_users},
    terminal::{Failure, Status, print_error},
    units::{self, OpenUnit},
    writing::{
        consent_given, describe_objection, describe_obstacle, drive, options, permissions,
        print_report,
    },
};

/// Finishes or undoes an open run, or its part for the given units.
pub(super) fn close_run(
    args: &args::Restore,
    store: &Store,
    run: &StoredRun,
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
        files.restrict_to(&places, steps);
    }
    let progress = part.progress();
    let (begun, count) = (progress.at_most, part.plan.steps.len());
    writeln!(out, "{}: {begun} of {count} writes started and not undone", run.name)?;
    overview::show(out, &part, &opened)?;
    let mode = match (args.undo, args.finish) {
        (true, _) => Some(ResumeMode::Undo),
        (_, true) => Some(ResumeMode::Finish),
        _ => None,
    };
    let permitted = permitted(args, &part)?;
    let fails: Vec<_> = match &permitted {
        Ok(plan) => {
            let units: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
            plan.objections_to_finish(&units).iter().map(describe_objection).collect()
        }
        Err(obstacles) => obstacles.iter().map(describe_obstacle).collect(),
    };
    let Some(mode) = mode else {
        overview::list(out, "\n--finish would fail:", &fails)?;
        writeln!(
            out,
            "\nnothing was written; --undo --confirm writes the old settings back, --finish --confirm \
             carries out the remaining writes, --forget closes the run"
        )?;
        return Ok(Status::Findings);
    };
    let plan = match mode {
        ResumeMode::Undo => Some(plan_to_undo(args, &part, &opened)?),
        // A plan that is not permitted, or that would fail, is only shown.
        ResumeMode::Finish => permitted.ok().filter(|_| fails.is_empty()),
    };
    overview::writes(out, &part.plan, &progress, mode, &opened)?;
    let consent = consent_given(&args.consent, &part.plan)?;
    let Some(plan) = plan else {
        overview::list(out, "\nnothing was written; --finish would fail:", &fails)?;
        writeln!(
            out,
            "--undo writes the old settings back; --forget closes the run and leaves the units as they are"
        )?;
        return Ok(if consent { Status::NotApplied } else { Status::Findings });
    };
    if !consent {
        writeln!(out, "\nnothing was written; add --confirm to write")?;
        return Ok(Status::Findings);
    }
    store.claim(run, &plan, &ignored_users(&args.timing.ignore_runs_of)?, &mut files)?;
    files.catch_interrupts()?;
    files.audit_unknown();
    let apply = Apply::resume(plan, options(&args.timing), progress, mode);
    let report = drive(apply, opened, &host, &mut files);
    let status = print_report(out, &report, &files, Format::Table);
    if matches!(report.ending, Ending::Refused | Ending::Mixed) {
        print_error(&format!(
            "the run is still open; to try again: lvx restore {0}; to close it without any write: \
             lvx restore {0} --forget",
            run.hint()
        ));
    } else if places.len() < run.past.plan.units.len() {
        print_error("the other units of the run are not restored yet");
    }
    let undone = mode == ResumeMode::Undo && report.ending == Ending::Undone;
    Ok(if undone { Status::Ok } else { status })
}

/// Returns the plan if the command line permits it, otherwise the obstacles.
fn permitted(args: &args::Restore, part: &Past) -> Result<Result<Plan, Obstacles>, Failure> {
    let mut permissions = permissions(&args.permit)?;
    permissions.part_of_bank = true;
    Ok(part.plan.clone().permitted(&permissions))
}

/// Returns the plan if its undo is permitted. Warns of old values outside the guard or the limits of the
/// units.
fn plan_to_undo(args: &args::Restore, part: &Past, opened: &[OpenUnit]) -> Result<Plan, Failure> {
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
            "the undo writes the installation setting {setting}; to allow it: --allow-installation \
             {setting}"
        )));
    }
    for outside in part.plan.outside_guard(permissions.battery.as_ref()) {
        print_error(&format!("warning: an old value is outside the battery guard: {outside}"));
    }
    for (at, (old, open)) in part.old_settings().iter().zip(opened).enumerate() {
        let limits = Limits::of(&open.unit);
        let unit = part.plan.units.get(at).map_or(String::new(), lvx_settings::PlannedUnit::place);
        for (setting, value) in old.iter() {
            if let Err(error) = limits.check(setting, value) {
                print_error(&format!(
                    "warning: {unit}: the old value of {setting} cannot be written back: {error}"
                ));
            }
        }
    }
    Ok(part.plan.clone())
}
