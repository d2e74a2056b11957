//! Making the links: once, or for as long as this program runs.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use pi18_transport::{Config, Roster};

use super::{
    census::Census,
    folder::{Change, Folder},
    map::UnitNames,
};
use crate::outcome::{Failure, Status, progress};

/// Waits until all that is named is there, but no longer than `wait`, and tells what is not.
pub(super) fn once(
    names: &UnitNames,
    folder: &Folder,
    wait: Duration,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let mut roster = Roster::new(Config::default());
    let census = wait_for_all(names, &mut roster, wait);
    let mut changed = bring_about(&census, folder, out)?;
    // The nodes are held until this returns: what they lead to cannot have changed hands.
    let mut census = census;
    while roster.wait(Instant::now()) {
        census = Census::take(names, &roster);
        changed += bring_about(&census, folder, out)?;
    }
    if changed == 0 {
        for (name, node) in &census.links {
            writeln!(out, "{} -> {} (was so)", folder.link(name).display(), node.display())?;
        }
    }
    tell(&census, &mut BTreeSet::new());
    Ok(census.status())
}

/// Says what [`once`] would do.
pub(super) fn dry(
    names: &UnitNames,
    folder: &Folder,
    wait: Duration,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let mut roster = Roster::new(Config::default());
    let census = wait_for_all(names, &mut roster, wait);
    for change in folder.changes(&census.links)? {
        writeln!(out, "would be: {change}")?;
    }
    writeln!(out, "nothing was changed")?;
    tell(&census, &mut BTreeSet::new());
    Ok(census.status())
}

fn wait_for_all(names: &UnitNames, roster: &mut Roster, wait: Duration) -> Census {
    let deadline = Instant::now() + wait;
    loop {
        let different = roster.wait(deadline);
        let census = Census::take(names, roster);
        if census.is_complete() || !different {
            return census;
        }
    }
}

/// Keeps the links right until it is interrupted, then takes them away: nobody looks after them any
/// more.
///
/// The [`Roster`] holds the node of every unit, so that it is not given to another one before its link
/// is gone: no link ever leads to a wrong unit.
pub(super) fn watch(
    names: &UnitNames,
    folder: &Folder,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    ctrlc::set_handler(move || interrupt.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::usage(format_args!("signals: {error}")))?;
    // Those of an earlier run may be wrong by now.
    bring_about(&Census::default(), folder, out)?;
    let mut roster = Roster::new(Config::default());
    let mut told = BTreeSet::new();
    let start = Instant::now();
    while !interrupted.load(Ordering::Relaxed) {
        roster.wait(Instant::now() + LOOK);
        let census = Census::take(names, &roster);
        bring_about(&census, folder, out)?;
        // At first everything is missing.
        if start.elapsed() > SETTLE {
            tell(&census, &mut told);
        }
    }
    bring_about(&Census::default(), folder, out)?;
    Ok(Status::Well)
}

/// Takes away our links; all of them, or those that lead to nothing.
pub(super) fn clear(folder: &Folder, dead: bool, out: &mut impl Write) -> Result<Status, Failure> {
    let mut links = folder.present()?;
    links.retain(|_, node| dead && node.exists());
    for change in folder.changes(&links)? {
        folder.make(&change)?;
        writeln!(out, "{change}")?;
    }
    Ok(Status::Well)
}

/// How many changes there were.
fn bring_about(census: &Census, folder: &Folder, out: &mut impl Write) -> Result<usize, Failure> {
    let changes = folder.changes(&census.links)?;
    for change in &changes {
        folder.make(change)?;
        say(change, out)?;
    }
    Ok(changes.len())
}

fn say(change: &Change, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{change}")?;
    out.flush()?;
    Ok(())
}

/// What is not as it should be, each thing as long as it is so once.
fn tell(census: &Census, told: &mut BTreeSet<String>) {
    let missing = census.missing.iter().map(|unit| format!("{unit} is missing"));
    let now: BTreeSet<_> = missing
        .chain(census.refused.iter().cloned())
        .chain(census.others.iter().cloned())
        .collect();
    now.difference(told).for_each(|text| progress(text));
    *told = now;
}

/// How often to look whether it is interrupted.
const LOOK: Duration = Duration::from_millis(500);

/// How long units have to tell who they are before those that did not are called missing.
const SETTLE: Duration = Duration::from_secs(3);
