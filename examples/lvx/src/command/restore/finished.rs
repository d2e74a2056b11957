//! A run that ended is undone by a new run, which is planned, checked and noted as any other.

use std::io::Write;

use lvx_settings::{HostClock, Limits, Past, Setting, Settings};

use super::{edited::refuse_edited, open_units::open_some, write_back::write_back};
use crate::{
    args,
    state::{History, Kept, Store},
    terminal::{Failure, Status, print_error},
    units::{self, Open},
    writing::permissions,
};

/// Undoes a run that ended, or says what became of it.
pub(super) fn restore(
    args: &args::Restore,
    store: &Store,
    run: &Kept,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let how = run.past.ending().map_or(String::new(), |ending| format!(": {ending}"));
    let history = History::of(store)?;
    let place = history.place(run).unwrap_or(history.runs.len());
    let over = format!("{}: this run came to an end{how}", run.name);
    let undone = history.undone(place);
    let left = history.left(place);
    if !undone.is_empty() && left.is_empty() {
        writeln!(out, "{over}, and was undone by {}; nothing was written", names(&undone))?;
        return Ok(Status::Ok);
    }
    for (unit, by) in &undone {
        writeln!(out, "unit {} was undone by {} already", serial(run, *unit), by.name)?;
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
    writeln!(out, "{over}; to be undone:")?;
    let mut permissions = permissions(&args.permit)?;
    permissions.part_of_bank = true;
    // The guard that held for the run holds for its undo, unless the old values are outside it.
    let outside = part.plan.outside_guard(permissions.battery.as_ref());
    for outside in &outside {
        print_error(&format!("warning: an old value is outside the battery guard: {outside}"));
    }
    let guard = permissions.battery.or(part.plan.battery);
    permissions.battery = guard.filter(|_| outside.is_empty());
    permissions.no_battery_guard = true;
    let (wanted, not) = brought_back(&part, &opened);
    for setting in not {
        writeln!(out, "not brought back: {setting}")?;
    }
    write_back(args, &part, &wanted, permissions, opened, Some(&run.name), out)
}

/// Opens the units that are left to be undone, or those of them that are named; with each comes its
/// number in the plan of the run.
fn open_left(
    run: &Kept,
    left: &[usize],
    args: &args::Restore,
    host: &HostClock,
) -> Result<Option<Vec<(usize, Open)>>, Failure> {
    if args.units.is_empty() {
        let (rest, _) = run.past.part(left);
        let opened = open_some(&rest.plan, &[], &run.hint(), host)?;
        let whole = |(place, open)| Some((*left.get(place)?, open));
        return Ok(opened.map(|opened| opened.into_iter().filter_map(whole).collect()));
    }
    let mut opened = open_some(&run.past.plan, &args.units, &run.hint(), host)?;
    if let Some(opened) = &mut opened {
        opened.retain(|(place, _)| left.contains(place));
    }
    Ok(opened)
}

/// Fails if a later run changed some of the same settings of these units.
fn undo_later_first(history: &History, place: usize, units: &[usize]) -> Result<(), Failure> {
    let found = history.in_the_way(place, units).zip(history.runs.get(place));
    let Some(((later, unit, setting), run)) = found else { return Ok(()) };
    Err(Failure::usage(format_args!(
        "{}: a later run, {}, changed {setting} of unit {unit} as well; undo that one first: lvx \
         restore {} --undo",
        run.name,
        later.name,
        later.hint()
    )))
}

fn serial(run: &Kept, unit: usize) -> String {
    let planned = run.past.plan.units.get(unit);
    planned.map_or(String::new(), |planned| planned.unit.serial_number.to_string())
}

/// The runs that undid units, each once.
fn names(undone: &[(usize, &Kept)]) -> String {
    let mut names: Vec<_> = undone.iter().map(|(_, by)| &*by.name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(" and ")
}

/// What each unit gets back, and what the run changed that an undo cannot bring back.
fn brought_back(part: &Past, opened: &[Open]) -> (Vec<Settings>, Vec<String>) {
    let mut not = Vec::new();
    let mut wanted = part.old_settings();
    for (at, (old, open)) in wanted.iter_mut().zip(opened).enumerate() {
        let serial = open.unit.serial_number;
        if part.plan.touched(at).any(|setting| setting == Setting::Clock) {
            not.push(format!("clock of {serial}: its old time is wrong by now"));
        }
        let limits = Limits::of(&open.unit);
        let refused = |(setting, value)| {
            let error = limits.check(setting, value).err()?;
            Some((setting, format!("{setting} {value} of {serial}: {error}")))
        };
        let (settings, told): (Vec<_>, Vec<_>) = old.iter().filter_map(refused).unzip();
        *old = old.only(|setting| !settings.contains(&setting));
        not.extend(told);
    }
    (wanted, not)
}
