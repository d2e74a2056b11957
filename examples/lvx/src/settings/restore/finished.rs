//! A run that ended is undone by a new run, which is planned, checked and noted as any other.

use std::{io::Write, path::Path};

use lvx_settings::{
    Apply, Ending, HostClock, Limits, Past, Permissions, Plan, PlannedUnit, Setting, Settings,
};

use super::{open_some, overview, refuse_edited};
use crate::{
    args::settings::{self as args, Format},
    outcome::{Failure, Status, complain},
    settings::{
        apply::{drive, options, tell},
        consent,
        planning::{self, permissions},
        units,
        units::Open,
    },
    state::{History, Kept, Store, ignored_users, open_foreign},
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
        return Ok(Status::Well);
    }
    for (unit, by) in &undone {
        writeln!(out, "unit {} was undone by {} already", serial(run, *unit), by.name)?;
    }
    if !args.undo || !run.past.has_changed_units() {
        writeln!(out, "{over}; nothing was written")?;
        if run.past.has_changed_units() {
            writeln!(out, "to undo it: lvx restore {} --undo", run.hint())?;
        }
        return Ok(Status::Well);
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
        return Ok(Status::Well);
    }
    undo_later_first(&history, place, &places)?;
    let (part, _) = run.past.part(&places);
    writeln!(out, "{over}; to be undone:")?;
    let mut permissions = permissions(&args.permit)?;
    permissions.part_of_bank = true;
    // The guard that held for the run holds for its undo, unless the old values are outside it.
    let outside = part.plan.outside_guard(permissions.battery.as_ref());
    for outside in &outside {
        complain(&format!("warning: an old value is outside the battery guard: {outside}"));
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

/// Does or undoes what a journal says that is not of this state folder: by a new run, under every check
/// of an apply, on units that are named.
pub(super) fn undo_foreign(args: &args::Restore, out: &mut impl Write) -> Result<Status, Failure> {
    let Some(named) = &args.run else {
        return Err(Failure::usage("--foreign: name the journal"));
    };
    let path = Path::new(named);
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format_args!("{named}: {error}"));
    let file = open_foreign(path).map_err(|error| wrong(&error))?;
    let whole = Past::read_from(&file, path)?;
    if args.units.is_empty() {
        return Err(Failure::usage(
            "--foreign: name the units; the addresses in a foreign journal are not used",
        ));
    }
    let host = units::host();
    let Some(opened) = open_some(&whole.plan, &args.units, named, &host)? else {
        return Ok(Status::Unread);
    };
    let (places, opened): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
    let (part, _) = whole.part(&places);
    let wanted: Vec<Settings> = if args.finish {
        let target = part.plan.settings_after(part.plan.steps.len());
        let touched = |unit| part.plan.touched(unit).collect::<Vec<Setting>>();
        let target = target.iter().enumerate();
        target.map(|(unit, all)| all.only(|setting| touched(unit).contains(&setting))).collect()
    } else if args.undo {
        part.old_settings()
    } else {
        return Err(Failure::usage("--foreign: expected --undo or --finish as well"));
    };
    // The guard in a foreign journal is whatever its author wrote: only the site's counts.
    let permissions = permissions(&args.permit)?;
    write_back(args, &part, &wanted, permissions, opened, None, out)
}

/// Plans from what the units have now, shows, asks and writes.
fn write_back(
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
        wanted: *wanted,
    });
    let made = host.time(std::time::Instant::now());
    let plan = Plan::new(units.collect(), permissions, made)
        .map_err(|obstacles| Failure::usages(obstacles.iter().map(planning::told).collect()))?;
    writeln!(out)?;
    planning::show(out, &plan)?;
    let consent = consent::given(&args.consent, &plan)?;
    let present: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
    let ignored = ignored_users(&args.care.ignore_runs_of)?;
    if plan.is_empty() {
        writeln!(out, "everything is already so; nothing was written")?;
        return Ok(Status::Well);
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
    let status = tell(out, &report, &files, Format::Table);
    debug_assert_eq!(status == Status::Well, report.ending == Ending::Applied);
    Ok(status)
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
