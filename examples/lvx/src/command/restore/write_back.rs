//! A new run that writes old values back.

use std::io::Write;

use lvx_settings::{Apply, Ending, Past, Permissions, Plan, PlannedUnit, Settings};

use super::overview;
use crate::{
    args::{self, Format},
    state::{Store, ignored_users},
    terminal::{Failure, Status},
    units::{self, Open},
    writing::{consent_given, describe_obstacle, drive, options, print_report, show_plan},
};

/// Plans from what the units have now, shows, asks and writes.
pub(super) fn write_back(
    args: &args::Restore,
    part: &Past,
    wanted: &[Settings],
    permissions: Permissions,
    opened: Vec<Open>,
    undoes: Option<&str>,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let host = units::host();
    overview::show(out, part, &opened)?;
    let units = opened.iter().zip(wanted).map(|(open, wanted)| PlannedUnit {
        address: open.address.to_string(),
        unit: open.unit.clone(),
        target: *wanted,
    });
    let made = host.time(std::time::Instant::now());
    let plan = Plan::new(units.collect(), permissions, made).map_err(|obstacles| {
        Failure::usage_list(obstacles.iter().map(describe_obstacle).collect())
    })?;
    writeln!(out)?;
    show_plan(out, &plan)?;
    let consent = consent_given(&args.consent, &plan)?;
    let present: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
    let ignored = ignored_users(&args.care.ignore_runs_of)?;
    if plan.is_empty() {
        writeln!(out, "everything is already so; nothing was written")?;
        return Ok(Status::Ok);
    }
    if !consent {
        let mut against = plan.objections(&present);
        against.extend(Store::look(&args.care.place)?.blocked(&plan, &ignored)?);
        overview::list(out, "--confirm would fail:", &against)?;
        writeln!(out, "nothing was written; --confirm does it")?;
        return Ok(Status::Findings);
    }
    let mut files = Store::open(&args.care.place)?.keep_new(&plan, &ignored, undoes)?;
    files.catch_interrupts()?;
    let report = drive(Apply::new(plan, options(&args.care)), opened, &host, &mut files);
    let status = print_report(out, &report, &files, Format::Table);
    debug_assert_eq!(status == Status::Ok, report.ending == Ending::Applied);
    Ok(status)
}
