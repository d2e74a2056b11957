//! `lvx apply`: from a profile or a plan to units that are so, proved.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal, Write},
    path::Path,
};

use lvx_settings::{
    Apply, Ending, HostClock, Obstacle, ObstacleKind, Obstacles, Options, ParsedProfile,
    Permissions, Plan, Profile, Report, Setting, Units, run as carry_out, validate_for,
};
use pi18_transport::{Address, Client};

use super::{
    consent,
    journals::{Files, Store},
    read, site, units,
    units::Open,
};
use crate::{
    args::settings::{self as args, Care, Format, Permit},
    outcome::{Failure, Status, complain_of, progress},
    output::Output,
};

pub(crate) fn run(args: &args::Apply, out: &mut impl Write) -> Result<Status, Failure> {
    consent::can_be_asked(&args.consent)?;
    let host = units::host();
    let permissions = permissions(&args.permit)?;
    let (name, bytes) = read(&args.what)?;
    let wanted = if bytes.trim_ascii_start().starts_with(b"{") {
        let plan = saved_plan(&name, &bytes)?;
        Wanted::Plan(Box::new(plan.permitted(&permissions).map_err(in_the_way)?))
    } else {
        Wanted::Profile(Box::new(Profile::parse_bytes(&name, &bytes)?))
    };
    let addresses = wanted.addresses(&args.units)?;
    let opened = match units::open(&addresses, &host)? {
        Ok(opened) => opened,
        Err(status) => return Ok(status),
    };
    let (plan, opened) = match wanted {
        Wanted::Plan(plan) => in_order_of(*plan, opened)?,
        Wanted::Profile(profile) => (planned(&profile, &opened, &permissions, &host)?, opened),
    };
    if let Some(path) = &args.save_plan {
        save(path, &plan)?;
    }
    if args.format == Format::Table {
        show(out, &plan)?;
    }
    // Whoever is asked has seen the plan, wherever standard output goes.
    if args.consent.confirm && (args.format == Format::Json || !io::stdout().is_terminal()) {
        show(&mut Output::stderr(), &plan)?;
    }
    let consent = consent::given(&args.consent, &plan)?;
    if plan.is_empty() || !consent {
        let units: Vec<_> = opened.iter().map(|open| open.unit.clone()).collect();
        let mut against = plan.objections(&units);
        if let Some(store) = Store::present(&args.care.place) {
            against.extend(run_left(&store, &plan)?);
        }
        return dry(out, &plan, &against, args.format);
    }
    let store = Store::open(&args.care.place)?;
    if let Some(why) = run_left(&store, &plan)? {
        return Err(Failure::usage(why));
    }
    let mut files = store.keep_new();
    files.catch_interrupts()?;
    let options = Options { confirm_within: args.confirm_within, ..options(&args.care) };
    let report = drive(Apply::new(plan, options), opened, &host, &mut files);
    Ok(tell(out, &report, &files, args.format))
}

/// What units are to become.
enum Wanted {
    Profile(Box<ParsedProfile>),
    Plan(Box<Plan>),
}

impl Wanted {
    /// Where the units are: as given, or as the plan has it.
    fn addresses(&self, given: &[String]) -> Result<Vec<String>, Failure> {
        match self {
            _ if !given.is_empty() => Ok(given.to_vec()),
            Self::Plan(plan) => {
                Ok(plan.units.iter().map(|planned| planned.address.clone()).collect())
            }
            Self::Profile(_) => Err(Failure::usage(
                "no unit is given: name them behind the profile (sim:0 sim:1 to try)",
            )),
        }
    }
}

fn installation_keys() -> Vec<&'static str> {
    let all = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
    all.map(|setting| setting.key()).collect()
}

fn saved_plan(name: &str, bytes: &[u8]) -> Result<Plan, Failure> {
    if bytes.trim_ascii_start().starts_with(b"{\"format\":\"lvx-journal") {
        return Err(Failure::usage(format_args!("{name}: this is a journal: lvx restore {name}")));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::usage(format_args!("{name}: wanted a plan: {error}")))
}

/// A plan with the units where they are now, and these in its order.
pub(super) fn in_order_of(mut plan: Plan, opened: Vec<Open>) -> Result<(Plan, Vec<Open>), Failure> {
    let mut opened: Vec<_> = opened.into_iter().map(Some).collect();
    let mut ordered = Vec::new();
    for planned in &mut plan.units {
        let serial = planned.unit.serial_number;
        let found = opened
            .iter_mut()
            .find(|open| open.as_ref().is_some_and(|open| open.unit.serial_number == serial));
        let Some(open) = found.and_then(Option::take) else {
            return Err(Failure::usage(format_args!(
                "unit {serial} of the plan is not among these; name its address"
            )));
        };
        planned.address = open.address.to_string();
        ordered.push(open);
    }
    match opened.iter().flatten().next() {
        None => Ok((plan, ordered)),
        Some(extra) => Err(Failure::usage(format_args!(
            "{}: unit {} is not in the plan",
            extra.address.place(),
            extra.unit.serial_number
        ))),
    }
}

/// The installation settings that the command line names.
fn installation(permit: &Permit) -> Result<Vec<Setting>, Failure> {
    let allowed = permit.allow_installation.iter().map(|key| match Setting::from_key(key) {
        Some(setting) if setting.group().is_installation() => Ok(setting),
        Some(_) => Err(Failure::usage(format_args!(
            "--allow-installation {key}: that is no installation setting and needs no permission"
        ))),
        None => Err(Failure::usage(format_args!(
            "--allow-installation {key}: there is no such setting; those that need it are {}",
            installation_keys().join(", ")
        ))),
    });
    Ok(allowed.collect::<Result<Vec<_>, _>>()?)
}

/// What the command line permits, and the battery guard of the site.
fn permissions(permit: &Permit) -> Result<Permissions, Failure> {
    let mut permissions = Permissions::default().with_installation(installation(permit)?);
    permissions.battery = site::battery()?;
    permissions.no_battery_guard = permit.no_battery_guard;
    permissions.part_of_bank = permit.one_unit;
    Ok(permissions)
}

fn planned(
    profile: &ParsedProfile,
    opened: &[Open],
    permissions: &Permissions,
    host: &HostClock,
) -> Result<Plan, Failure> {
    let mut told = Vec::new();
    for open in opened {
        let found = validate_for(profile, &open.unit, permissions);
        if found.has_errors() {
            return Err(found.into());
        }
        // What holds for all units is told once.
        if !found.is_empty() && !told.contains(&found) {
            complain_of(&found);
            told.push(found);
        }
    }
    let units = opened.iter().map(|open| (open.address.to_string(), open.unit.clone()));
    let mut plan = Plan::for_profile(profile.profile(), units, permissions).map_err(in_the_way)?;
    plan.made = host.time(std::time::Instant::now());
    Ok(plan)
}

/// Obstacles, each with the option that permits it if there is one.
fn in_the_way(obstacles: Obstacles) -> Failure {
    Failure::usages(obstacles.iter().map(told).collect())
}

fn told(obstacle: &Obstacle) -> String {
    let option = match obstacle.kind {
        ObstacleKind::Installation => obstacle
            .settings
            .first()
            .map_or(String::new(), |setting| format!(" (--allow-installation {setting})")),
        ObstacleKind::NoBatteryGuard => {
            format!(" ({}), or use --no-battery-guard", site::path().0.display())
        }
        ObstacleKind::PartOfBank => ", or use --one-unit".to_owned(),
        _ => String::new(),
    };
    format!("{obstacle}{option}")
}

fn save(path: &Path, plan: &Plan) -> Result<(), Failure> {
    let wrong =
        |error: io::Error| Failure::usage(format_args!("--save-plan {}: {error}", path.display()));
    let text = serde_json::to_string_pretty(plan).map_err(|error| wrong(error.into()))?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(wrong)?;
    writeln!(file, "{text}").map_err(wrong)?;
    progress(&format!("the plan is in {0}: lvx apply {0} --confirm", path.display()));
    Ok(())
}

fn show(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    for planned in &plan.units {
        let unit = &planned.unit;
        let model = unit.model.map_or("no model told".to_owned(), |model| model.to_string());
        writeln!(
            out,
            "{}  {}  {model}, main firmware {}",
            planned.address, unit.serial_number, unit.firmware.main
        )?;
    }
    if !plan.is_empty() {
        writeln!(out, "\n{plan}")?;
    }
    for warning in plan.warnings() {
        writeln!(out, "warning: {warning}")?;
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
        let text = serde_json::to_string(plan).map_err(io::Error::from)?;
        writeln!(out, "{text}")?;
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
            writeln!(out, "nothing was written, and as things are nothing would be:")?;
            for why in against {
                writeln!(out, "  {why}")?;
            }
        }
    }
    let blocked = !plan.is_empty() && !against.is_empty();
    Ok(if blocked { Status::Findings } else { Status::Well })
}

/// An earlier run on one of these units that did not come to an end.
fn run_left(store: &Store, plan: &Plan) -> Result<Option<String>, Failure> {
    for (path, past) in store.left()? {
        let shared = past.plan.units.iter().find(|earlier| {
            let serial = earlier.unit.serial_number;
            plan.units.iter().any(|planned| planned.unit.serial_number == serial)
        });
        if let Some(shared) = shared {
            return Ok(Some(format!(
                "an earlier run on unit {} did not come to an end; see to it first: lvx restore {}",
                shared.unit.serial_number,
                path.display()
            )));
        }
    }
    Ok(None)
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
    files: &mut Files,
) -> Report {
    let (clients, addresses): (Vec<Client>, Vec<Address>) =
        opened.into_iter().map(|open| (open.client, open.address)).unzip();
    let reopen = |unit: usize| match addresses.get(unit) {
        Some(address) => address.open(),
        None => Err(pi18_transport::Error::gone("a unit that nobody named")),
    };
    let mut units = Units::new(clients, *host).reopened_by(reopen);
    carry_out(apply, &mut units, files)
}

/// How it ended, and what to do then.
pub(super) fn tell(out: &mut impl Write, report: &Report, files: &Files, format: Format) -> Status {
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
    if let Some(path) = files.path() {
        let path = path.display();
        match report.ending {
            Ending::Mixed => {
                progress(&format!("to try again to finish or to undo: lvx restore {path}"));
            }
            _ => progress(&format!(
                "to go back: lvx apply {}-SERIAL.yaml UNIT --one-unit, for each unit",
                path.to_string().trim_end_matches(".journal")
            )),
        }
    }
    match report.ending {
        Ending::NothingToDo | Ending::Applied => Status::Well,
        _ => Status::Unproved,
    }
}
