//! `lvx runs`: lists runs with their changes, results and possible next steps.

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use lvx_settings::{Ending, Past, Record, Setting, SettingValue};
use pi18_proto::{DateTime, SerialNumber};
use serde::Serialize;

use crate::{
    args::{self, Format, RunsTask},
    state::{History, Store},
    terminal::{Failure, Status, print_error},
};

pub(crate) fn run(args: &args::Runs, out: &mut impl Write) -> Result<Status, Failure> {
    let store = Store::open_existing(&args.state)?;
    match &args.task {
        None => list(&store, args.format, out),
        Some(RunsTask::Show { run }) => show(&store, run, out),
        Some(RunsTask::Prune { older_than, dry_run }) => prune(&store, *older_than, *dry_run, out),
    }
}

fn list(store: &Store, format: Format, out: &mut impl Write) -> Result<Status, Failure> {
    let history = History::of(store)?;
    if format == Format::Json {
        let runs: Vec<_> = (0..history.runs.len()).filter_map(|at| as_json(&history, at)).collect();
        let json = Json { runs, unreadable: &history.unreadable };
        writeln!(out, "{}", serde_json::to_string(&json).map_err(io::Error::from)?)?;
        return Ok(Status::Ok);
    }
    for at in 0..history.runs.len() {
        summary(&history, at, out)?;
    }
    if history.runs.is_empty() {
        writeln!(out, "no runs were found; searched: {}", store.searched())?;
    }
    history.unreadable.iter().for_each(|why| print_error(why));
    Ok(Status::Ok)
}

/// Prints a summary of a run.
fn summary(history: &History, at: usize, out: &mut impl Write) -> Result<(), Failure> {
    let Some(run) = history.runs.get(at) else { return Ok(()) };
    writeln!(out, "{}  {}", run.name, state(history, at))?;
    if let Some(undone) = &run.past.undoes {
        writeln!(out, "  undoes {undone}")?;
    }
    for line in changes(&run.past) {
        writeln!(out, "  {line}")?;
    }
    writeln!(out, "  {}", next(history, at))?;
    Ok(())
}

fn show(store: &Store, named: &str, out: &mut impl Write) -> Result<Status, Failure> {
    let run = store.find(named)?;
    let history = History::of(store)?;
    if let Some(at) = history.position(&run) {
        summary(&history, at, out)?;
    }
    writeln!(out, "\njournal: {}", run.path().display())?;
    for planned in &run.past.plan.units {
        writeln!(out, "unit {} was at {}", planned.unit.serial_number, planned.address)?;
    }
    writeln!(out, "\n{}", run.past.plan)?;
    for (record, time) in run.past.records.iter().zip(&run.past.times) {
        let time = time.map_or("no time".to_owned(), |time| time.to_string());
        writeln!(out, "{time}  {}", describe(record))?;
    }
    Ok(Status::Ok)
}

fn prune(
    store: &Store,
    older_than: u32,
    dry_run: bool,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let age = Duration::from_hours(24 * u64::from(older_than));
    let Some(limit) = SystemTime::now().checked_sub(age) else { return Ok(Status::Ok) };
    let mut count = 0;
    for run in History::of(store)?.runs {
        // Open runs are kept at any age.
        let old = run.last_written().is_ok_and(|written| written <= limit);
        if !store.is_kept_here(&run) || run.past.is_open() || run.is_running() || !old {
            continue;
        }
        if !dry_run {
            run.remove().map_err(|error| {
                Failure::usage(format_args!("{}: {error}", run.path().display()))
            })?;
        }
        count += 1;
        writeln!(out, "{}", run.name)?;
    }
    let done = if dry_run { "would be removed" } else { "removed" };
    writeln!(out, "{count} finished runs older than {older_than} days {done}")?;
    Ok(Status::Ok)
}

/// Describes the state or the result of a run.
fn state(history: &History, at: usize) -> String {
    let Some(run) = history.runs.get(at) else { return String::new() };
    let past = &run.past;
    let forgotten = past.records.contains(&Record::Forgotten);
    match past.ending() {
        _ if run.is_running() && past.is_unconfirmed() => "waits for confirmation".to_owned(),
        _ if run.is_running() => "is in progress".to_owned(),
        _ if past.is_unconfirmed() => "was not confirmed; its program has exited".to_owned(),
        _ if forgotten => "was not finished, and was closed by --forget".to_owned(),
        None => "is not finished".to_owned(),
        Some(ending) => format!("{ending}{}", undone(history, at)),
    }
}

/// Describes which runs undid this one, as a whole or per unit.
fn undone(history: &History, at: usize) -> String {
    let (Some(run), undone) = (history.runs.get(at), history.undone(at)) else {
        return String::new();
    };
    let first = undone.first().map(|(_, by)| &by.name);
    if undone.len() == run.past.plan.units.len()
        && undone.iter().all(|(_, by)| Some(&by.name) == first)
    {
        return first.map_or(String::new(), |name| format!(", undone by {name}"));
    }
    let by_unit = undone.iter().map(|(unit, by)| {
        format!(", undone on unit {} by {}", serials(&run.past, &[*unit]), by.name)
    });
    by_unit.collect()
}

/// Returns the serial numbers of units of a run.
fn serials(past: &Past, units: &[usize]) -> String {
    let serial = |unit: &usize| Some(past.plan.units.get(*unit)?.unit.serial_number.to_string());
    units.iter().filter_map(serial).collect::<Vec<_>>().join(", ")
}

/// Describes the possible next steps for a run.
fn next(history: &History, at: usize) -> String {
    let Some(run) = history.runs.get(at) else { return String::new() };
    let hint = run.hint();
    if run.past.is_unconfirmed() {
        let otherwise = if run.is_running() {
            "to undo it: Ctrl-C in its terminal"
        } else {
            "to undo it: lvx restore"
        };
        return format!("to keep it: lvx confirm {hint}; {otherwise}");
    }
    if run.is_running() {
        return "wait until it has ended".to_owned();
    }
    if run.past.is_open() {
        return format!("to undo, finish or forget it: lvx restore {hint}");
    }
    let left = history.in_effect(at);
    if left.is_empty() {
        return "nothing to undo".to_owned();
    }
    let it = if left.len() == run.past.plan.units.len() {
        "it".to_owned()
    } else {
        format!("it on unit {}", serials(&run.past, &left))
    };
    match history.later_conflict(at, &left) {
        Some((later, ..)) => format!("to undo {it}, undo {} first", later.name),
        None => format!("to undo {it}: lvx restore {hint} --undo"),
    }
}

/// A setting with its old and its new value.
type Change = (Setting, Option<SettingValue>, Option<SettingValue>);

/// Returns the changes of a run by unit.
fn changed(past: &Past) -> Vec<(SerialNumber, Vec<Change>)> {
    let (old, new) = (past.plan.settings_after(0), past.plan.settings_after(usize::MAX));
    let units = past.plan.units.iter().zip(old.iter().zip(&new)).enumerate();
    units
        .map(|(at, (planned, (old, new)))| {
            let changes =
                past.plan.touched(at).map(|setting| (setting, old.get(setting), new.get(setting)));
            let changes = changes.filter(|(_, old, new)| old != new).collect();
            (planned.unit.serial_number, changes)
        })
        .collect()
}

/// Describes the changes of a run. Units with the same changes are grouped.
fn changes(past: &Past) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for (serial, changes) in changed(past) {
        let text =
            |value: Option<SettingValue>| value.map_or("?".to_owned(), |value| value.to_string());
        let changes: Vec<_> = changes
            .iter()
            .map(|(setting, old, new)| format!("    {setting} {} -> {}", text(*old), text(*new)))
            .collect();
        let changes = changes.join("\n");
        match lines.iter_mut().find(|(_, known)| *known == changes) {
            Some((serials, _)) => {
                // Writing to a string cannot fail.
                let _ = write!(serials, ", {serial}");
            }
            None => lines.push((serial.to_string(), changes)),
        }
    }
    lines.into_iter().map(|(serials, changes)| format!("{serials}\n{changes}")).collect()
}

/// All runs, as JSON.
#[derive(Serialize)]
struct Json<'a> {
    runs: Vec<JsonRun<'a>>,
    unreadable: &'a [String],
}

#[derive(Serialize)]
struct JsonRun<'a> {
    run: &'a str,
    journal: PathBuf,
    made: Option<DateTime>,
    state: String,
    is_open: bool,
    ending: Option<Ending>,
    undoes: Option<&'a str>,
    undone_by: Option<&'a String>,
    units: Vec<JsonUnit<'a>>,
    next: String,
}

#[derive(Serialize)]
struct JsonUnit<'a> {
    serial_number: SerialNumber,
    changes: Vec<JsonChange>,
    undone_by: Option<&'a String>,
}

#[derive(Serialize)]
struct JsonChange {
    setting: Setting,
    old: Option<String>,
    new: Option<String>,
}

fn as_json(history: &History, at: usize) -> Option<JsonRun<'_>> {
    let run = history.runs.get(at)?;
    let text = |value: Option<SettingValue>| value.map(|value| value.to_string());
    let undone = history.undone(at);
    let undone_by =
        |unit: usize| undone.iter().find(|(known, _)| *known == unit).map(|(_, by)| &by.name);
    // The run as a whole is undone when it is undone on all units.
    let last = undone.iter().map(|(_, by)| &by.name).max();
    let last = last.filter(|_| history.in_effect(at).is_empty());
    let units: Vec<_> = changed(&run.past)
        .into_iter()
        .enumerate()
        .map(|(unit, (serial, changes))| {
            let changes: Vec<_> = changes
                .iter()
                .map(|(setting, old, new)| JsonChange {
                    setting: *setting,
                    old: text(*old),
                    new: text(*new),
                })
                .collect();
            JsonUnit { serial_number: serial, changes, undone_by: undone_by(unit) }
        })
        .collect();
    Some(JsonRun {
        run: &run.name,
        journal: run.path(),
        made: run.past.plan.made,
        state: state(history, at),
        is_open: run.past.is_open(),
        ending: run.past.ending(),
        undoes: run.past.undoes.as_deref(),
        undone_by: last,
        units,
        next: next(history, at),
    })
}

/// Describes a record of a journal.
fn describe(record: &Record) -> String {
    let number = |step: &usize| step + 1;
    let suffix = |direction: &lvx_settings::RunDirection| match direction {
        lvx_settings::RunDirection::Forward => "",
        lvx_settings::RunDirection::Backward => " the undo",
    };
    match record {
        Record::Writing { step, direction, attempt } => {
            format!("step {}: writing{}, attempt {attempt}", number(step), suffix(direction))
        }
        Record::Proved { step, direction } => {
            format!("step {}: verified{}", number(step), suffix(direction))
        }
        Record::Left { step } => format!("step {}: could not be undone", number(step)),
        Record::Undoing { why, .. } => format!("undoing: {why}"),
        Record::Ended { ending } => format!("ended: {ending}"),
        other => {
            // Rare records are shown as in the journal.
            serde_json::to_string(other).unwrap_or_default()
        }
    }
}
