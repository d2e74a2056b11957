//! From what is wanted to units that are so, proved.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal, Write},
    path::Path,
};

use lvx_settings::{Apply, Options, Plan};
use pi18_transport::wrap;
use serde_json::json;

use super::{
    consent,
    drive::{drive, options, print_report},
    permissions::permissions,
    plan::show,
    wanted::{Blocked, Wanted},
};
use crate::{
    args::{Carry, Format, MAX_WIDTH, Place},
    state::{Store, ignored_users},
    terminal::{Failure, Output, Status, print_error, print_note},
    units,
};

/// Brings units to what is wanted: plans, shows, and writes if that was asked for twice.
pub(crate) fn carry(
    wanted: Wanted,
    units: &[String],
    args: &Carry,
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
            Store::look(&args.care.place)?.at_work().iter().for_each(|run| print_error(run));
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
    Ok(print_report(out, &report, &files, args.format))
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
        writeln!(out, "{}", as_json(plan, kind, failure.messages()))?;
    }
    Ok(failure)
}

/// A plan and what is against it, for programs.
fn as_json(plan: &Plan, kind: &str, against: &[String]) -> serde_json::Value {
    let against: Vec<_> = against.iter().map(|why| json!({ "kind": kind, "why": why })).collect();
    json!({ "plan": plan, "obstacles": against, "warnings": plan.warnings() })
}

/// Saves a plan, and remembers it, so that its units need not be named again.
fn save(path: &Path, plan: &Plan, place: &Place) -> Result<(), Failure> {
    let wrong =
        |error: io::Error| Failure::usage(format_args!("--save-plan {}: {error}", path.display()));
    let text = serde_json::to_string_pretty(plan).map_err(|error| wrong(error.into()))? + "\n";
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).map_err(wrong)?;
    let path = path.display();
    match Store::open(place).map(|store| store.remember_plan(text.as_bytes())) {
        Ok(Ok(())) => print_note(&format!("the plan is in {path}: lvx apply {path} --confirm")),
        _ => print_note(&format!(
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
    Ok(if blocked { Status::Findings } else { Status::Ok })
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
}
