//! Creating the links: once, or until interrupted.

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
    unit_names::UnitNames,
};
use crate::terminal::{Failure, Status, print_note};

/// Creates the links once all named units are found or `wait` has passed. Prints the missing units.
pub(super) fn once(
    names: &UnitNames,
    folder: &Folder,
    wait: Duration,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let mut roster = Roster::new(ClientConfig::default());
    let mut census = wait_for_all(names, &mut roster, wait);
    let mut outcome = apply_links(&census, folder, out)?;
    // The roster keeps the nodes open, so the kernel cannot give them to other units meanwhile.
    while roster.wait(Instant::now()) {
        census = Census::new(names, &roster);
        let more = apply_links(&census, folder, out)?;
        outcome = Outcome { changes: outcome.changes + more.changes, ..more };
    }
    if outcome.changes == 0 && outcome.errors.is_empty() {
        for (name, node) in &census.links {
            writeln!(out, "{} -> {} (unchanged)", folder.link(name).display(), node.display())?;
        }
    }
    print_census(&census, &outcome, &mut BTreeSet::new());
    let failed = if outcome.errors.is_empty() { Status::Ok } else { Status::Usage };
    Ok(census.status().max(failed))
}

/// Prints the changes that [`once`] would make.
pub(super) fn dry_run(
    names: &UnitNames,
    folder: &Folder,
    wait: Duration,
    out: &mut impl Write,
) -> Result<Status, Failure> {
    let mut roster = Roster::new(ClientConfig::default());
    let census = wait_for_all(names, &mut roster, wait);
    for change in folder.changes(&census.links)? {
        writeln!(out, "would change: {change}")?;
    }
    writeln!(out, "nothing was changed")?;
    print_census(&census, &Outcome::default(), &mut BTreeSet::new());
    Ok(census.status())
}

fn wait_for_all(names: &UnitNames, roster: &mut Roster, wait: Duration) -> Census {
    let deadline = Instant::now() + wait;
    loop {
        let has_changed = roster.wait(deadline);
        let census = Census::new(names, roster);
        if census.is_complete() || !has_changed {
            return census;
        }
    }
}

/// Keeps the links up to date until interrupted, then removes them.
///
/// The [`Roster`] keeps the node of each unit open. The kernel can then give the node to another device
/// only after its link was removed, so no link ever leads to a wrong unit.
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
    // Remove the links even after an error: without maintenance, a link may later lead to a wrong unit. The
    // nodes stay open until the links are removed.
    let cleared = apply_links(&Census::default(), folder, out);
    drop(roster);
    watched.and(cleared).map(|_| Status::Ok)
}

/// Updates the links until interrupted.
///
/// Rereads units.yaml after each change instead of requiring a restart, which would query all units again:
/// units that another program uses cannot be queried.
fn watch_loop(
    (units, mut names): (&Path, UnitNames),
    folder: &Folder,
    roster: &mut Roster,
    interrupted: &AtomicBool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // Links of an earlier process may be outdated.
    apply_links(&Census::default(), folder, out)?;
    let mut printed = BTreeSet::new();
    let (start, mut last_modified) = (Instant::now(), modified(units));
    while !interrupted.load(Ordering::Relaxed) {
        roster.wait(Instant::now() + POLL_INTERVAL);
        if modified(units) != last_modified {
            last_modified = modified(units);
            match UnitNames::read(units) {
                Ok(new) => names = new,
                // Keep the old names.
                Err(failure) => drop(failure.print()),
            }
        }
        let census = Census::new(&names, roster);
        let outcome = apply_links(&census, folder, out)?;
        // At first, all units are missing, because none has been queried yet.
        if start.elapsed() > SETTLE {
            print_census(&census, &outcome, &mut printed);
        }
    }
    Ok(())
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}

/// Removes the links of `lvx`: all, or only those to missing nodes.
pub(super) fn clear(path: &Path, only_dead: bool, out: &mut impl Write) -> Result<Status, Failure> {
    let folder = Folder::new(path);
    let present = folder.present()?;
    let mut kept = present.clone();
    kept.retain(|_, node| only_dead && node.exists());
    let outcome = make(&folder.changes_from(&present, &kept), &folder, out)?;
    if !only_dead && Lock::is_held(path) {
        print_note(&format!(
            "{}: another lvx maintains these links and will create them again; stop it first \
             (`systemctl stop lvx-links`)",
            path.display()
        ));
    }
    let errors = outcome.errors.iter().map(|why| Failure::usage(why).print());
    Ok(errors.max().unwrap_or(Status::Ok))
}

/// The result of changing the links.
#[derive(Default)]
struct Outcome {
    changes: usize,
    /// Errors of failed changes.
    errors: Vec<String>,
}

/// Creates and removes links so that they match the census.
fn apply_links(census: &Census, folder: &Folder, out: &mut impl Write) -> Result<Outcome, Failure> {
    make(&folder.changes(&census.links)?, folder, out)
}

/// Makes all changes, even after an error or if one cannot be printed.
fn make(changes: &[Change], folder: &Folder, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let mut output = Ok(());
    for change in changes {
        match folder.make(change) {
            Ok(()) => {
                output = output.and(print_change(change, out));
                outcome.changes += 1;
            }
            Err(why) => outcome.errors.push(why),
        }
    }
    output.map(|()| outcome)
}

fn print_change(change: &Change, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{change}")?;
    out.flush()?;
    Ok(())
}

/// Prints each problem that the previous call did not print.
fn print_census(census: &Census, outcome: &Outcome, printed: &mut BTreeSet<String>) {
    let missing = census.missing.iter().map(|unit| format!("{unit} is missing"));
    let now: BTreeSet<_> = missing
        .chain(census.refused.iter().cloned())
        .chain(census.others.iter().cloned())
        .chain(outcome.errors.iter().cloned())
        .collect();
    now.difference(printed).for_each(|text| print_note(text));
    *printed = now;
}

/// Time between two checks for an interrupt.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Time after the start in which missing units are not reported.
const SETTLE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_links_are_created_after_an_error() {
        let path = std::env::temp_dir().join(format!("lvx-keep-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("a"), "not a link of lvx").unwrap();
        let links = ["a", "b"].map(|name| (name.to_owned(), "/dev/hidraw0".into())).into();
        let census = Census { links, ..Census::default() };
        let folder = Folder::new(&path);
        let outcome = apply_links(&census, &folder, &mut Vec::new()).unwrap();
        let present = folder.present().unwrap();
        std::fs::remove_dir_all(&path).unwrap();
        assert_eq!((outcome.changes, outcome.errors.len()), (1, 1), "{:?}", outcome.errors);
        assert!(present.keys().eq(["b"]), "{present:?}");
    }
}
