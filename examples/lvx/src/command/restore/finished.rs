//! Undoing a finished run by a new run with the same checks and consent.

use std::io::Write;

use lvx_settings::{HostClock, Limits, Past, Setting, Settings};

use super::{edited::refuse_edited, open_units::open_some, write_back::write_back};
use crate::{
    args,
    state::{History, Store, StoredRun},
    terminal::{Failure, Status, print_error},
    units::{self, OpenUnit},
    writing::permissions,
};

/// Undoes a finished run. Without `--undo`, or if there is nothing to undo, prints only its result.
pub(super) fn restore(
    args: &args::Restore,
    store: &Store,
    run: &StoredRun,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let how = run.past.ending().map_or(String::new(), |ending| format!(": {ending}"));
    let history = History::of(store)?;
    let place = history.position(run).unwrap_or(history.runs.len());
    let over = format!("{}: this run has ended{how}", run.name);
    let undone = history.undone(place);
    let left = history.in_effect(place);
    if !undone.is_empty() && left.is_empty() {
        writeln!(out, "{over}, and was undone by {}; nothing was written", names(&undone))?;
        return Ok(Status::Ok);
    }
    for (unit, by) in &undone {
        writeln!(out, "unit {} was already undone by {}", serial(run, *unit), by.name)?;
    }
    if !args.undo || !run.past.has_changed_units() {
        writeln!(out, "{over}; nothing was written")?;
        if run.past.has_changed_units() {
            writeln!(out, "to undo it: lvx restore {} --undo", run.hint())?;
        }
        return Ok(Status::Ok);
    }
    if args.units.is_empty() {
        undo_later_first(&history, place, &left)?;
    }
    refuse_edited(run)?;
    let host = units::host();
    let Some(opened) = open_left(run, &left, args, &host)? else {
        return Ok(Status::Unread);
    };
    let (places, opened): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
    if places.is_empty() {
        writeln!(out, "nothing was written")?;
        return Ok(Status::Ok);
    }
    undo_later_first(&history, place, &places)?;
    let (part, _) = run.past.part(&places);
    writeln!(out, "{over}; settings to undo:")?;
    let mut permissions = permissions(&args.permit)?;
    permissions.part_of_bank = true;
    // The guard of the run also applies to its undo, unless the old values are outside of it.
    let outside = part.plan.outside_guard(permissions.battery.as_ref());
    for outside in &outside {
        print_error(&format!("warning: an old value is outside the battery guard: {outside}"));
    }
    let guard = permissions.battery.or(part.plan.battery);
    permissions.battery = guard.filter(|_| outside.is_empty());
    permissions.no_battery_guard = true;
    let (targets, skipped) = old_settings(&part, &opened);
    for setting in skipped {
        writeln!(out, "not undone: {setting}")?;
    }
    write_back(args, &part, &targets, permissions, opened, Some(&run.name), out)
}

/// Opens the units that are not undone yet; if units are given, only those among them. Returns each with its
/// number in the plan of the run.
fn open_left(
    run: &StoredRun,
    left: &[usize],
    args: &args::Restore,
    host: &HostClock,
) -> Result<Option<Vec<(usize, OpenUnit)>>, Failure> {
    if args.units.is_empty() {
        let (rest, _) = run.past.part(left);
        let opened = open_some(&rest.plan, &[], &run.hint(), host)?;
        let with_number = |(place, open)| Some((*left.get(place)?, open));
        return Ok(opened.map(|opened| opened.into_iter().filter_map(with_number).collect()));
    }
    let mut opened = open_some(&run.past.plan, &args.units, &run.hint(), host)?;
    if let Some(opened) = &mut opened {
        opened.retain(|(place, _)| left.contains(place));
    }
    Ok(opened)
}

/// Checks that no later run changed the same settings of these units.
fn undo_later_first(history: &History, place: usize, units: &[usize]) -> Result<(), Failure> {
    let found = history.later_conflict(place, units).zip(history.runs.get(place));
    let Some(((later, unit, setting), run)) = found else { return Ok(()) };
    Err(Failure::usage(format_args!(
        "{}: the later run {} also changed {setting} of unit {unit}; undo that run first: lvx restore \
         {} --undo",
        run.name,
        later.name,
        later.hint()
    )))
}

fn serial(run: &StoredRun, unit: usize) -> String {
    let planned = run.past.plan.units.get(unit);
    planned.map_or(String::new(), |planned| planned.unit.serial_number.to_string())
}

/// Returns the names of the runs that undid units, without duplicates.
fn names(undone: &[(usize, &StoredRun)]) -> String {
    let mut names: Vec<_> = undone.iter().map(|(_, by)| &*by.name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(" and ")
}

/// Returns the settings to restore on each unit, and messages about settings that cannot be undone.
fn old_settings(part: &Past, opened: &[OpenUnit]) -> (Vec<Settings>, Vec<String>) {
    let mut skipped = Vec::new();
    let mut targets = part.old_settings();
    for (at, (old, open)) in targets.iter_mut().zip(opened).enumerate() {
        let serial = open.unit.serial_number;
        if part.plan.touched(at).any(|setting| setting == Setting::Clock) {
            skipped.push(format!("clock of {serial}: the old time is outdated"));
        }
        let limits = Limits::of(&open.unit);
        let refused = |(setting, value)| {
            let error = limits.check(setting, value).err()?;
            Some((setting, format!("{setting} {value} of {serial}: {error}")))
        };
        let (settings, messages): (Vec<_>, Vec<_>) = old.iter().filter_map(refused).unzip();
        *old = old.only(|setting| !settings.contains(&setting));
        skipped.extend(messages);
    }
    (targets, skipped)
}
