//! Making the links: once, or for as long as this program runs.

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use pi18_transport::{ClientConfig, Roster};

use super::{
    census::Census,
    folder::{Change, Folder},
    lock::Lock,
    map::UnitNames,
};
use crate::terminal::{Failure, Status, print_note};

/// Waits until all that is named is there, but no longer than `wait`, and tells what is not.
pub(super) fn once(
    names: &UnitNames,
    folder: &Folder,
    wait: Duration,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let mut roster = Roster::new(ClientConfig::default());
    let mut census = wait_for_all(names, &mut roster, wait);
    let mut done = apply_links(&census, folder, out)?;
    // The nodes are held until this returns: what they lead to cannot have changed hands.
    while roster.wait(Instant::now()) {
        census = Census::take(names, &roster);
        let more = apply_links(&census, folder, out)?;
        done = Done { changes: done.changes + more.changes, ..more };
    }
    if done.changes == 0 && done.troubles.is_empty() {
        for (name, node) in &census.links {
            writeln!(out, "{} -> {} (was so)", folder.link(name).display(), node.display())?;
        }
    }
    print_census(&census, &done, &mut BTreeSet::new());
    let wrong = if done.troubles.is_empty() { Status::Ok } else { Status::Usage };
    Ok(census.status().max(wrong))
}

/// Says what [`once`] would do.
pub(super) fn dry(
    names: &UnitNames,
    folder: &Folder,
    wait: Duration,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let mut roster = Roster::new(ClientConfig::default());
    let census = wait_for_all(names, &mut roster, wait);
    for change in folder.changes(&census.links)? {
        writeln!(out, "would be: {change}")?;
    }
    writeln!(out, "nothing was changed")?;
    print_census(&census, &Done::default(), &mut BTreeSet::new());
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
    units: &Path,
    names: UnitNames,
    folder: &Folder,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    crate::terminal::catch_signals(move || interrupt.store(true, Ordering::Relaxed))?;
    let mut roster = Roster::new(ClientConfig::default());
    let watched = watch_loop((units, names), folder, &mut roster, &interrupted, out);
    // However it ended: a link that nobody looks after may come to lead to a wrong unit. Until it is
    // gone the nodes are held.
    let cleared = apply_links(&Census::default(), folder, out);
    drop(roster);
    watched.and(cleared).map(|_| Status::Ok)
}

/// A change of units.yaml has its effect at once: to start anew would be to ask every unit anew, and
/// one that another program uses cannot be asked.
fn watch_loop(
    (units, mut names): (&Path, UnitNames),
    folder: &Folder,
    roster: &mut Roster,
    interrupted: &AtomicBool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // Those of an earlier run may be wrong by now.
    apply_links(&Census::default(), folder, out)?;
    let mut told = BTreeSet::new();
    let (start, mut read) = (Instant::now(), modified(units));
    while !interrupted.load(Ordering::Relaxed) {
        roster.wait(Instant::now() + LOOK);
        if modified(units) != read {
            read = modified(units);
            match UnitNames::read(units) {
                Ok(new) => names = new,
                // The names stay as they were.
                Err(failure) => drop(failure.print()),
            }
        }
        let census = Census::take(&names, roster);
        let done = apply_links(&census, folder, out)?;
        // At first everything is missing.
        if start.elapsed() > SETTLE {
            print_census(&census, &done, &mut told);
        }
    }
    Ok(())
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}

/// Takes away our links; all of them, or those that lead to nothing.
pub(super) fn clear(path: &Path, dead: bool, out: &mut impl Write) -> Result<Status, Failure> {
    let folder = Folder::new(path);
    let present = folder.present()?;
    let mut stay = present.clone();
    stay.retain(|_, node| dead && node.exists());
    let done = make(&folder.changes_from(&present, &stay), &folder, out)?;
    if !dead && Lock::is_held(path) {
        print_note(&format!(
            "{}: another lvx keeps the links here and makes them again; end it first \
             (`systemctl stop lvx-links`)",
            path.display()
        ));
    }
    let troubles = done.troubles.iter().map(|why| Failure::usage(why).print());
    Ok(troubles.max().unwrap_or(Status::Ok))
}

/// What became of the links.
#[derive(Default)]
struct Done {
    changes: usize,
    /// What could not be done, and why.
    troubles: Vec<String>,
}

/// Makes the links so.
fn apply_links(census: &Census, folder: &Folder, out: &mut impl Write) -> Result<Done, Failure> {
    make(&folder.changes(&census.links)?, folder, out)
}

/// One that cannot be made, or told, does not keep the others from being made.
fn make(changes: &[Change], folder: &Folder, out: &mut impl Write) -> Result<Done, Failure> {
    let mut done = Done::default();
    let mut told = Ok(());
    for change in changes {
        match folder.make(change) {
            Ok(()) => {
                told = told.and(say(change, out));
                done.changes += 1;
            }
            Err(why) => done.troubles.push(why),
        }
    }
    told.map(|()| done)
}

fn say(change: &Change, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{change}")?;
    out.flush()?;
    Ok(())
}

/// What is not as it should be, each thing as long as it is so once.
fn print_census(census: &Census, done: &Done, told: &mut BTreeSet<String>) {
    let missing = census.missing.iter().map(|unit| format!("{unit} is missing"));
    let now: BTreeSet<_> = missing
        .chain(census.refused.iter().cloned())
        .chain(census.others.iter().cloned())
        .chain(done.troubles.iter().cloned())
        .collect();
    now.difference(told).for_each(|text| print_note(text));
    *told = now;
}

/// How often to look whether it is interrupted.
const LOOK: Duration = Duration::from_millis(500);

/// How long units have to tell who they are before those that did not are called missing.
const SETTLE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_somebody_elses_keeps_no_other_from_being_made() {
        let path = std::env::temp_dir().join(format!("lvx-keep-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("a"), "somebody else's").unwrap();
        let links = ["a", "b"].map(|name| (name.to_owned(), "/dev/hidraw0".into())).into();
        let census = Census { links, ..Census::default() };
        let folder = Folder::new(&path);
        let done = apply_links(&census, &folder, &mut Vec::new()).unwrap();
        let present = folder.present().unwrap();
        std::fs::remove_dir_all(&path).unwrap();
        assert_eq!((done.changes, done.troubles.len()), (1, 1), "{:?}", done.troubles);
        assert!(present.keys().eq(["b"]), "{present:?}");
    }
}
