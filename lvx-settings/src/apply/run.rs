//! Carries out the actions of an [`Apply`] over real links (`units`), and stores its records (`recorder`).

use std::time::Duration;

use pi18_transport::{Link, SetOutcome};

use super::{
    action::{Action, Event, Trouble, Write, outcome_name},
    machine::Apply,
    report::ApplyReport,
};
use crate::{Error, Plan, Unit};

mod hooks;
mod recorder;
mod units;

pub use hooks::Hooks;
pub use recorder::{Audit, Recorder};
pub use units::{Clock, Units};

/// Carries out a plan, and returns a report on the settings that the units have at the end.
///
/// This blocks until the run has ended. A step takes a few seconds, and longer if it has to wait, see
/// [`Options`](crate::Options).
///
/// ```
/// use lvx_settings::{
///     Apply, Ending, HostClock, Journal, Options, Permissions, Plan, Profile, Units, run,
/// };
///
/// let mut units = Units::open(["sim:0?frozen=on"], HostClock::system())?;
/// let profile = Profile::parse("night.yaml", "output_priority: solar_utility_battery\n")?;
/// let permissions = Permissions::default().with_part_of_bank();
/// let plan = Plan::for_profile(profile.profile(), units.read()?, &permissions)?;
///
/// let folder = tempfile::tempdir()?;
/// let mut journal = Journal::create(folder.path().join("night.journal"), &plan)?;
/// let report = run(Apply::new(plan, Options::default()), &mut units, &mut journal);
/// assert_eq!(report.ending, Ending::Applied);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run<L: Link>(
    mut apply: Apply,
    units: &mut Units<'_, L>,
    recorder: &mut dyn Recorder,
) -> ApplyReport {
    let mut interrupts = 0;
    loop {
        pass_on_interrupts(&mut apply, recorder, &mut interrupts);
        let action = apply.next_action();
        recorder.watch(&action);
        if let (Action::Done, Some(report)) = (&action, apply.report()) {
            recorder.end(report);
            return report.clone();
        }
        let event = act(&action, &apply, units, recorder);
        pass_on_interrupts(&mut apply, recorder, &mut interrupts);
        if let Some(event) = event {
            let now = units.now();
            apply.handle(event, now);
        }
    }
}

/// Carries out an action. Returns its result, or `None` for [`Action::Done`].
fn act<L: Link>(
    action: &Action,
    apply: &Apply,
    units: &mut Units<'_, L>,
    recorder: &mut dyn Recorder,
) -> Option<Event> {
    Some(match action {
        Action::Done => return None,
        Action::Survey { unit } => {
            let found = units.with(*unit, recorder, |client, host| Unit::read(client, host));
            Event::Surveyed(found.map(Box::new).map_err(|trouble| trouble.text))
        }
        Action::Backup => {
            let stored = recorder.begin(apply.plan(), apply.units());
            Event::Stored(stored.map_err(|error| error.to_string()))
        }
        Action::Record(record) => {
            let stored = recorder.record(record, units.host_time());
            Event::Stored(stored.map_err(|error| error.to_string()))
        }
        Action::Read { unit, query } => Event::Read(units.with(*unit, recorder, |client, host| {
            let reading = client.query(*query)?;
            Ok((reading.reply, host.time(reading.at)))
        })),
        Action::Write(write) => Event::Written(send(write, units, apply.plan(), recorder)),
        Action::Reopen { unit } => {
            let planned = apply.plan().units.iter();
            let serials: Vec<_> = planned.map(|planned| planned.unit.serial_number).collect();
            let mut other = None;
            let found = units.reopen(*unit, &serials, &mut other).map(Box::new);
            Event::Reopened { found, other }
        }
        Action::Pause(time) => {
            if *time >= LONG_PAUSE {
                units.release(apply.plan());
            }
            pause(*time, units, recorder);
            Event::Paused
        }
        Action::Confirmation(time) => {
            units.release(apply.plan());
            Event::Confirmed(await_confirmation(*time, units, recorder))
        }
    })
}

/// Interrupts the run if there was an interrupt since the last call.
fn pass_on_interrupts(apply: &mut Apply, recorder: &mut dyn Recorder, known: &mut u32) {
    let interrupts = recorder.interrupts();
    if interrupts > *known {
        *known = interrupts;
        apply.interrupt();
    }
}

fn send<L: Link>(
    write: &Write,
    units: &mut Units<'_, L>,
    plan: &Plan,
    recorder: &mut dyn Recorder,
) -> Result<SetOutcome, Trouble> {
    let (at, command, outcome) = units.with(write.unit, recorder, |client, host| {
        let at = host.time(client.now());
        let command = write.command.at(at);
        let command = command.ok_or_else(|| Error::plan("write", "no unit takes these values"))?;
        Ok((at, command, client.set(command)?))
    })?;
    if let Some(planned) = plan.units.get(write.unit) {
        recorder.audit(&Audit {
            at,
            address: planned.address.clone(),
            serial_number: planned.unit.serial_number,
            command: command.to_string(),
            settings: write.to,
            direction: write.direction,
            outcome: outcome_name(outcome),
        });
    }
    Ok(outcome)
}

/// Pauses for this time. An interrupt ends the pause within a second.
fn pause<L: Link>(time: Duration, units: &mut Units<'_, L>, recorder: &mut dyn Recorder) {
    const PART: Duration = Duration::from_secs(1);
    let mut left = time;
    while !left.is_zero() {
        let part = left.min(PART);
        units.pause(part);
        left = left.saturating_sub(part);
        if recorder.is_interrupted() {
            break;
        }
    }
}

/// Waits for a confirmation, an interrupt, or the end of `time`. Returns whether the new settings were confirmed.
fn await_confirmation<L: Link>(
    time: Duration,
    units: &mut Units<'_, L>,
    recorder: &mut dyn Recorder,
) -> bool {
    const INTERVAL: Duration = Duration::from_millis(500);
    let until = units.boot_time().saturating_add(time);
    loop {
        if recorder.is_confirmed() {
            return true;
        }
        let left = until.saturating_sub(units.boot_time());
        if left.is_zero() || recorder.is_interrupted() {
            return false;
        }
        units.pause(INTERVAL.min(left));
    }
}

/// Minimum length of a pause for which the links are closed.
const LONG_PAUSE: Duration = Duration::from_secs(5);
