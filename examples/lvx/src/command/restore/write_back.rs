//! The new run that undoes or carries out another run.

use std::io::Write;

use lvx_settings::{Apply, Ending, Past, Permissions, Plan, PlannedUnit, Settings};

use super::overview;
use crate::{
    args::{self, Format},
    state::{Store, ignored_users},
    terminal::{Failure, Status},
    units::{self, OpenUnit},
    writing::{
        consent_given, describe_objection, describe_obstacle, drive, options, print_report,
        show_plan,
    },
};

/// Makes a plan from the present settings of the units, prints it, and carries it out with consent.
pub(super) fn write_back(
    args: &args::Restore,
    part: &Past,
    targets: &[Settings],
    permissions: Permissions,
    opened: Vec<OpenUnit>,
    undoes: Option<&str>,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let host = units::host();
    overview::show(out, part, &opened)?;
    let units = opened.iter().zip(targets).map(|(open, target)| {
        PlannedUnit::new(open.address.to_string(), open.unit.clone(), *target)
    });
    let made = host.time(std::time::Instant::now());
    let plan = Plan::new(units.collect(), permissions, made).map_err(|obstacles| {
        Failure::usage_list(obstacles.iter().map(describe_obstacle).collect())
    })?;
    writeln!(out)?;
    show_plan(out, &plan)?;
    let consent = consent_given(&args.consent, &plan)?;
    let present: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
    let ignored = ignored_users(&args.timing.ignore_runs_of)?;
    if plan.is_empty() {
        writeln!(out, "all settings already have these values; nothing was written")?;
        return Ok(Status::Ok);
    }
    if !consent {
        let mut objections: Vec<_> =
            plan.objections(&present).iter().map(describe_objection).collect();
        objections.extend(Store::open_existing(&args.timing.state)?.blocked(&plan, &ignored)?);
        overview::list(out, "--confirm would refuse because:", &objections)?;
        writeln!(out, "nothing was written; add --confirm to write")?;
        return Ok(Status::Findings);
    }
    let mut files = Store::create(&args.timing.state)?.start_run(&plan, &ignored, undoes)?;
    files.catch_interrupts()?;
    let report = drive(Apply::new(plan, options(&args.timing)), opened, &host, &mut files);
    let status = print_report(out, &report, &files, Format::Table);
    debug_assert_eq!(status == Status::Ok, report.ending == Ending::Applied);
    Ok(status)
}
