//! The steps that `lvx apply` and `lvx set` share.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal, Write},
    path::Path,
};

use lvx_settings::{Apply, Objection, Obstacle, Plan, PlanWarning};
use pi18_transport::wrap;
use serde::Serialize;

use super::{
    consent,
    drive::{drive, options, print_report},
    obstacle::describe_objection,
    permissions::permissions,
    plan::show,
    target::{Blocked, Target},
};
use crate::{
    args::{Format, MAX_WIDTH, StateDir, WriteOptions},
    state::{Store, ignored_users},
    terminal::{Failure, Output, Status, print_error, print_note},
    units,
};

/// Plans the writes for units, prints the plan, and carries it out with the consent of the user.
pub(crate) fn apply_target(
    target: Target,
    units: &[String],
    args: &WriteOptions,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let ignored = ignored_users(&args.timing.ignore_runs_of)?;
    let host = units::host();
    let permissions = permissions(&args.permit)?;
    let target = match target.permitted(&permissions) {
        Ok(target) => target,
        Err(blocked) => return Err(print_obstacles(blocked, args.format, out)?),
    };
    let addresses = target.addresses(units)?;
    // A table shows only the settings that the plan changes.
    let is_shown_only = !args.consent.confirm
        && args.consent.yes_serial.is_empty()
        && args.save_plan.is_none()
        && args.format == Format::Table;
    let settings = target.settings().filter(|_| is_shown_only);
    let opened = match units::open_for(&addresses, &host, settings)? {
        Ok(opened) => opened,
        Err(status) => {
            Store::open_existing(&args.timing.state)?
                .running()
                .iter()
                .for_each(|run| print_error(run));
            return Ok(status);
        }
    };
    let (plan, opened) = match target.planned(opened, &permissions, &host) {
        Ok(planned) => planned,
        Err(blocked) => return Err(print_obstacles(blocked, args.format, out)?),
    };
    if let Some(path) = &args.save_plan {
        save(path, &plan, &args.timing.state)?;
    }
    if args.format == Format::Table {
        show(out, &plan)?;
    }
    // The user must see the plan before the question, even if standard output is redirected.
    if args.consent.confirm && (args.format == Format::Json || !io::stdout().is_terminal()) {
        show(&mut Output::stderr(), &plan)?;
    }
    let consent = match consent::given(&args.consent, &plan) {
        Ok(consent) => consent,
        Err(failure) => return Err(print_refusal(failure, "consent", &plan, args.format, out)?),
    };
    if plan.is_empty() || !consent {
        let units: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
        let present = plan.objections(&units);
        let blocked = Store::open_existing(&args.timing.state)?.blocked(&plan, &ignored)?;
        return print_dry_run(out, &plan, &present, blocked.as_slice(), args.format);
    }
    let opened_files = Store::create(&args.timing.state)
        .and_then(|store| store.start_run(&plan, &ignored, None))
        .and_then(|files| files.catch_interrupts().map(|()| files));
    let mut files = match opened_files {
        Ok(files) => files,
        Err(failure) => {
            return Err(print_refusal(failure, PRESENT_STATE, &plan, args.format, out)?);
        }
    };
    let mut options = options(&args.timing);
    options.confirm_within = args.confirm_within;
    let report = drive(Apply::new(plan, options), opened, &host, &mut files);
    Ok(print_report(out, &report, &files, args.format))
}

/// Prints the obstacles as JSON; in the table format, the returned failure contains them.
fn print_obstacles(
    Blocked { obstacles, failure }: Blocked,
    format: Format,
    out: &mut impl Write,
) -> io::Result<Failure> {
    if format == Format::Json {
        #[derive(Serialize)]
        struct Json {
            plan: Option<Plan>,
            obstacles: Vec<Obstacle>,
        }

        let json = Json { plan: None, obstacles };
        writeln!(out, "{}", serde_json::to_string(&json)?)?;
    }
    Ok(failure)
}

/// Prints the plan and the reason for not carrying it out as JSON; in the table format, the returned
/// failure contains the reason.
fn print_refusal(
    failure: Failure,
    kind: &str,
    plan: &Plan,
    format: Format,
    out: &mut impl Write,
) -> io::Result<Failure> {
    if format == Format::Json {
        let json = serde_json::to_string(&as_json(plan, &[], kind, failure.messages()))?;
        writeln!(out, "{json}")?;
    }
    Ok(failure)
}

/// Returns the JSON form of a plan, the objections of its units, and further texts of this kind against it.
fn as_json(plan: &Plan, present: &[Objection], kind: &str, texts: &[String]) -> impl Serialize {
    let present = present.iter().map(|objection| JsonObstacle {
        kind: PRESENT_STATE.to_owned(),
        why: describe_objection(objection),
        objection: Some(objection.clone()),
    });
    let texts = texts.iter().map(|why| JsonObstacle {
        kind: kind.to_owned(),
        why: why.clone(),
        objection: None,
    });
    let warnings = plan.warnings();
    JsonPlan {
        plan: plan.clone(),
        obstacles: present.chain(texts).collect(),
        warnings: warnings.iter().map(ToString::to_string).collect(),
        warning_details: warnings,
    }
}

/// The JSON form of a plan that is not carried out.
#[derive(Serialize)]
struct JsonPlan {
    plan: Plan,
    obstacles: Vec<JsonObstacle>,
    warnings: Vec<String>,
    warning_details: Vec<PlanWarning>,
}

/// A reason for not carrying out a plan.
#[derive(Serialize)]
struct JsonObstacle {
    kind: String,
    why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    objection: Option<Objection>,
}

/// Saves a plan in a file, and a copy in the state folder, so that `lvx apply` can use its addresses.
fn save(path: &Path, plan: &Plan, dir: &StateDir) -> Result<(), Failure> {
    let failure =
        |error: io::Error| Failure::usage(format_args!("--save-plan {}: {error}", path.display()));
    let text = serde_json::to_string_pretty(plan).map_err(|error| failure(error.into()))? + "\n";
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failure)?;
    file.write_all(text.as_bytes()).map_err(failure)?;
    let path = path.display();
    match Store::create(dir).map(|store| store.remember_plan(text.as_bytes())) {
        Ok(Ok(())) => print_note(&format!(
            "plan saved to {path}; to carry it out: lvx apply {path} --confirm"
        )),
        _ => print_note(&format!(
            "plan saved to {path}, but no copy in the state folder; to carry it out: lvx apply {path} UNIT… \
             --confirm"
        )),
    }
    Ok(())
}

/// Prints that nothing was written, and the objections to the plan.
fn print_dry_run(
    out: &mut impl Write,
    plan: &Plan,
    present: &[Objection],
    blocked: &[String],
    format: Format,
) -> Result<Status, Failure> {
    let objections: Vec<_> =
        present.iter().map(describe_objection).chain(blocked.iter().cloned()).collect();
    if format == Format::Json {
        let json = serde_json::to_string(&as_json(plan, present, PRESENT_STATE, blocked));
        writeln!(out, "{}", json.map_err(io::Error::from)?)?;
    } else if plan.is_empty() {
        writeln!(out, "all settings already have these values; nothing was written")?;
    } else {
        let plural = if plan.steps.len() == 1 { "" } else { "s" };
        if objections.is_empty() {
            writeln!(
                out,
                "nothing was written; --confirm carries out {} write{plural}",
                plan.steps.len()
            )?;
        } else {
            writeln!(out, "nothing was written; --confirm would refuse because:")?;
            for why in &objections {
                write!(out, "{}", wrap_text(why))?;
            }
        }
    }
    let is_blocked = !plan.is_empty() && !objections.is_empty();
    Ok(if is_blocked { Status::Findings } else { Status::Ok })
}

/// The kind of objections that come from the present state of the units and of other runs.
const PRESENT_STATE: &str = "present_state";

/// Wraps a text, but keeps each command on one line, so that it can be copied.
fn wrap_text(why: &str) -> String {
    const NO_BREAK_SPACE: &str = "\u{a0}";
    let mut text = String::new();
    for (at, part) in why.split("lvx ").enumerate() {
        if at == 0 {
            text.push_str(part);
            continue;
        }
        let ends = ["`", ", ", "; ", ": "].iter().filter_map(|end| part.find(end));
        let end = ends.min().unwrap_or(part.len());
        let (command, rest) = part.split_at(end);
        text.push_str(&format!("lvx {command}").replace(' ', NO_BREAK_SPACE));
        text.push_str(rest);
    }
    wrap("  ", &text, MAX_WIDTH).replace(NO_BREAK_SPACE, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_wrapped_text_stay_on_one_line() {
        let command =
            "lvx restore --state-dir /home/anna/a/long/path/of/a/state/folder 20261124-131029";
        let why = format!(
            "an earlier run on unit 96132206100410 is not finished, and its program has exited; finish or \
             undo it first: {command}; `lvx runs` lists all runs"
        );
        let wrapped = wrap_text(&why);
        assert!(wrapped.contains(command), "{wrapped}");
        assert!(wrapped.lines().count() > 2 && !wrapped.contains('\u{a0}'), "{wrapped}");
        let is_long =
            |line: &&str| line.chars().count() > MAX_WIDTH && !line.contains("lvx restore");
        assert_eq!(wrapped.lines().find(is_long), None);
    }
}
