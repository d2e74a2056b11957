//! `lvx apply` and `lvx set`: from what is wanted to units that are so, proved.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal, Write},
    path::Path,
};

use lvx_settings::{
    Apply, ApplyReport, Ending, HostClock, Options, Plan, Profile, Setting, Units, run as carry_out,
};
use pi18_transport::{Address, Client, wrap};
use serde_json::json;

use super::{
    consent,
    planning::{Blocked, Wanted, permissions, show},
    units,
    units::Open,
};
use crate::{
    args::{
        MAX_WIDTH,
        settings::{self as args, Care, Format},
    },
    outcome::{Failure, Status, complain, progress},
    output::Output,
    state::{RunFiles, Store, ignored_users},
};

pub(crate) fn run(args: &args::Apply, out: &mut impl Write) -> Result<Status, Failure> {
    consent::can_be_asked(&args.how.consent)?;
    carry(Wanted::read(&args.what, &args.how.care.place)?, &args.units, &args.how, out)
}

/// `lvx set`: the same from words such as `bulk_voltage=55.2`.
pub(crate) fn set(args: &args::Set, out: &mut impl Write) -> Result<Status, Failure> {
    consent::can_be_asked(&args.how.consent)?;
    let (settings, units): (Vec<_>, Vec<_>) =
        args.words.iter().cloned().partition(|word| is_setting(word));
    if let Some(key) = units.iter().find(|word| Setting::from_key(word).is_some()) {
        return Err(Failure::usage(format_args!("{key}: expected a value: {key}=VALUE")));
    }
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let profile = Profile::from_words("command line", &settings)?;
    carry(Wanted::Profile(Box::new(profile)), &units, &args.how, out)
}

/// Whether a word of `lvx set` is meant as a setting: no address has an equals sign before a colon or
/// slash. A key that is none is reported as an unknown setting.
fn is_setting(word: &str) -> bool {
    word.split_once('=').is_some_and(|(key, _)| !key.contains([':', '/']))
}

/// Brings units to what is wanted: plans, shows, and writes if that was asked for twice.
fn carry(
    wanted: Wanted,
    units: &[String],
    args: &args::Carry,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let ignored = ignored_users(&args.care.ignore_runs_of)?;
    let host = units::host();
    let permissions = permissions(&args.permit)?;
    let wanted = match wanted.permitted(&permissions) {
        Ok(wanted) => wanted,
        Err(blocked) => return Err(in_the_way(blocked, args.format, out)?),
    };
    let addresses = wanted.addresses(units)?;
    // A plan that is only shown needs no more than what it is about.
    let is_shown_only = !args.consent.confirm
        && args.consent.yes_serial.is_empty()
        && args.save_plan.is_none()
        && args.format == Format::Table;
    let settings = wanted.settings().filter(|_| is_shown_only);
    let opened = match units::open_for(&addresses, &host, settings)? {
        Ok(opened) => opened,
        Err(status) => {
            Store::look(&args.care.place)?.at_work().iter().for_each(|run| complain(run));
            return Ok(status);
        }
    };
    let (plan, opened) = match wanted.planned(opened, &permissions, &host) {
        Ok(planned) => planned,
        Err(blocked) => return Err(in_the_way(blocked, args.format, out)?),
    };
    if let Some(path) = &args.save_plan {
        save(path, &plan, &args.care.place)?;
    }
    if args.format == Format::Table {
        show(out, &plan)?;
    }
    // Whoever is asked has seen the plan, wherever standard output goes.
    if args.consent.confirm && (args.format == Format::Json || !io::stdout().is_terminal()) {
        show(&mut Output::stderr(), &plan)?;
    }
    let consent = match consent::given(&args.consent, &plan) {
        Ok(consent) => consent,
        Err(failure) => return Err(refused(failure, "consent", &plan, args.format, out)?),
    };
    if plan.is_empty() || !consent {
        let units: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
        let mut against = plan.objections(&units);
        against.extend(Store::look(&args.care.place)?.blocked(&plan, &ignored)?);
        return dry(out, &plan, &against, args.format);
    }
    let kept = Store::open(&args.care.place)
        .and_then(|store| store.keep_new(&plan, &ignored, None))
        .and_then(|files| files.catch_interrupts().map(|()| files));
    let mut files = match kept {
        Ok(files) => files,
        Err(failure) => return Err(refused(failure, "present_state", &plan, args.format, out)?),
    };
    let options = Options { confirm_within: args.confirm_within, ..options(&args.care) };
    let report = drive(Apply::new(plan, options), opened, &host, &mut files);
    Ok(tell(out, &report, &files, args.format))
}

/// Prints the obstacles as JSON for programs; the failure shows them to a person.
fn in_the_way(
    Blocked { obstacles, failure }: Blocked,
    format: Format,
    out: &mut impl Write,
) -> io::Result<Failure> {
    if format == Format::Json {
        writeln!(out, "{}", json!({ "plan": null, "obstacles": obstacles }))?;
    }
    Ok(failure)
}

/// Prints a plan that is not carried out, and why, as JSON; the failure shows it to a person.
fn refused(
    failure: Failure,
    kind: &str,
    plan: &Plan,
    format: Format,
    out: &mut impl Write,
) -> io::Result<Failure> {
    if format == Format::Json {
        writeln!(out, "{}", as_json(plan, kind, failure.told()))?;
    }
    Ok(failure)
}

/// A plan and what is against it, for programs.
fn as_json(plan: &Plan, kind: &str, against: &[String]) -> serde_json::Value {
    let against: Vec<_> = against.iter().map(|why| json!({ "kind": kind, "why": why })).collect();
    json!({ "plan": plan, "obstacles": against, "warnings": plan.warnings() })
}

/// Saves a plan, and remembers it, so that its units need not be named again.
fn save(path: &Path, plan: &Plan, place: &args::Place) -> Result<(), Failure> {
    let wrong =
        |error: io::Error| Failure::usage(format_args!("--save-plan {}: {error}", path.display()));
    let text = serde_json::to_string_pretty(plan).map_err(|error| wrong(error.into()))? + "\n";
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).map_err(wrong)?;
    let path = path.display();
    match Store::open(place).map(|store| store.remember_plan(text.as_bytes())) {
        Ok(Ok(())) => progress(&format!("the plan is in {path}: lvx apply {path} --confirm")),
        _ => progress(&format!(
            "the plan is in {path}, and no copy could be kept: lvx apply {path} UNIT… --confirm"
        )),
    }
    Ok(())
}

/// Nothing is written.
fn dry(
    out: &mut impl Write,
    plan: &Plan,
    against: &[String],
    format: Format,
) -> Result<Status, Failure> {
    if format == Format::Json {
        writeln!(out, "{}", as_json(plan, "present_state", against))?;
    } else if plan.is_empty() {
        writeln!(out, "everything is already so; nothing was written")?;
    } else {
        let plural = if plan.steps.len() == 1 { "" } else { "s" };
        if against.is_empty() {
            writeln!(
                out,
                "nothing was written; --confirm carries out {} write{plural}",
                plan.steps.len()
            )?;
        } else {
            writeln!(out, "nothing was written; --confirm would refuse because:")?;
            for why in against {
                write!(out, "{}", wrap_text(why))?;
            }
        }
    }
    let blocked = !plan.is_empty() && !against.is_empty();
    Ok(if blocked { Status::Findings } else { Status::Well })
}

/// Wraps a reason, but not the commands in it: those are copied.
fn wrap_text(why: &str) -> String {
    const KEPT: &str = "\u{a0}";
    let mut text = String::new();
    for (at, part) in why.split("lvx ").enumerate() {
        if at == 0 {
            text.push_str(part);
            continue;
        }
        let ends = ["`", ", ", "; ", ": "].iter().filter_map(|end| part.find(end));
        let end = ends.min().unwrap_or(part.len());
        let (command, rest) = part.split_at(end);
        text.push_str(&format!("lvx {command}").replace(' ', KEPT));
        text.push_str(rest);
    }
    wrap("  ", &text, MAX_WIDTH).replace(KEPT, " ")
}

pub(super) fn options(care: &Care) -> Options {
    Options {
        pause: care.pause,
        within: care.within,
        away: care.away,
        wait_idle: care.wait_idle,
        ..Options::default()
    }
}

/// Carries it out on these units; a device that goes away is opened again where it was.
pub(super) fn drive(
    apply: Apply,
    opened: Vec<Open>,
    host: &HostClock,
    files: &mut RunFiles,
) -> ApplyReport {
    let (clients, addresses): (Vec<Client>, Vec<Address>) =
        opened.into_iter().map(|open| (open.client, open.address)).unzip();
    let reopen = |unit: usize| match addresses.get(unit) {
        Some(address) => address.open(),
        None => Err(pi18_transport::Error::gone("a unit that nobody named")),
    };
    let mut units = Units::new(clients, *host).reopened_by(reopen).released_during_waits();
    carry_out(apply, &mut units, files)
}

/// How it ended, and what to do then.
pub(super) fn tell(
    out: &mut impl Write,
    report: &ApplyReport,
    files: &RunFiles,
    format: Format,
) -> Status {
    let told = match format {
        Format::Table => write!(out, "{report}"),
        Format::Json => serde_json::to_string(report)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(out, "{text}")),
    };
    if let Err(error) = told.and_then(|()| out.flush()) {
        // What was done is told in any case.
        progress(&format!("standard output: {error}"));
        report.to_string().lines().for_each(progress);
    }
    if let Some(run) = files.hint() {
        match report.ending {
            Ending::Mixed => {
                progress(&format!("to try again to finish or to undo: lvx restore {run}"));
            }
            Ending::Applied => progress(&format!("to go back: lvx restore {run} --undo")),
            _ => {}
        }
    }
    match report.ending {
        Ending::NothingToDo | Ending::Applied => Status::Well,
        _ => Status::Unproved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_wrapped_and_its_commands_are_not() {
        let command =
            "lvx restore --state-dir /home/anna/a/long/path/of/a/state/folder 20261124-131029";
        let why = format!(
            "an earlier run on unit 96132206100410 did not come to an end, and its program is gone; \
             see to it first: {command}; `lvx runs` lists it"
        );
        let wrapped = wrap_text(&why);
        assert!(wrapped.contains(command), "{wrapped}");
        assert!(wrapped.lines().count() > 2 && !wrapped.contains('\u{a0}'), "{wrapped}");
        let is_long =
            |line: &&str| line.chars().count() > MAX_WIDTH && !line.contains("lvx restore");
        assert_eq!(wrapped.lines().find(is_long), None);
    }

    #[test]
    fn word_with_an_equals_sign_is_a_setting_unless_it_is_an_address() {
        for setting in ["bulk_voltage=55.2", "Bulk_voltage=55.2", "BULK=3", "=3", "clock=12:30"] {
            assert!(is_setting(setting), "{setting}");
        }
        for unit in ["sim:0?frozen=on", "/dev/ttyUSB0?baud=2400", "tcp:a:1?tries=2", "sim:0"] {
            assert!(!is_setting(unit), "{unit}");
        }
    }
}
