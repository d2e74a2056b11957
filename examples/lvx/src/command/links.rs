//! `lvx links`: maintains device names that follow the serial numbers of units.

mod census;
mod folder;
mod init;
mod keep;
mod lock;
mod print;
mod trusted;
mod unit_names;

use std::io::Write;

#[cfg(feature = "bridge")]
pub(super) use self::print::{check_names, check_paths};
use self::{folder::Folder, unit_names::UnitNames};
use crate::{
    args::{InstallFile, Links, LinksTask},
    terminal::{Failure, Status},
};

pub(crate) fn run(args: &Links, out: &mut impl Write) -> Result<Status, Failure> {
    if args.task.is_some() && (args.watch || args.dry_run || args.print.is_some()) {
        return Err(Failure::usage(
            "--watch, --dry-run and --print cannot be combined with a subcommand; put options of a subcommand \
             after it: `lvx links init --dry-run`",
        ));
    }
    match &args.task {
        Some(LinksTask::Init { prefix, dry_run }) => {
            return init::run(&args.units, prefix, *dry_run, out);
        }
        // Needs no lock: links must always be removable.
        Some(LinksTask::Clear { dead }) => return keep::clear(&args.dir, *dead, out),
        None => {}
    }
    if let Some(what) = args.print {
        print::check(args)?;
        let text = match what {
            InstallFile::Udev => print::udev(&args.lvx, &args.group, &args.dir),
            InstallFile::Systemd => print::systemd(&args.lvx, &args.units, &args.dir),
        };
        out.write_all(text.as_bytes())?;
        return Ok(Status::Ok);
    }
    let names = UnitNames::read(&args.units)?;
    if args.dry_run {
        return keep::dry_run(&names, &Folder::new(&args.dir), args.wait, out);
    }
    let folder = Folder::locked(&args.dir)?;
    if args.watch {
        keep::watch(&args.units, names, &folder, out)
    } else {
        keep::once(&names, &folder, args.wait, out)
    }
}
