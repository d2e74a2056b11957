//! `lvx links`: names under `/dev` that stay with a unit.

mod census;
mod folder;
mod init;
mod keep;
mod map;
mod print;

use std::io::Write;

use self::{folder::Folder, map::UnitNames};
use crate::{
    args::links::{Links, LinksTask, Printed},
    outcome::{Failure, Status},
};

pub(crate) fn run(args: &Links, out: &mut impl Write) -> Result<Status, Failure> {
    let folder = Folder::new(&args.dir);
    match &args.task {
        Some(LinksTask::Init { prefix, dry_run }) => {
            return init::run(&args.units, prefix, *dry_run, out);
        }
        Some(LinksTask::Clear { dead }) => return keep::clear(&folder, *dead, out),
        None => {}
    }
    if let Some(what) = args.print {
        let text = match what {
            Printed::Udev => print::udev(&args.lvx, &args.group),
            Printed::Systemd => print::systemd(&args.lvx, &args.units, &args.dir),
        };
        out.write_all(text.as_bytes())?;
        return Ok(Status::Well);
    }
    let names = UnitNames::read(&args.units)?;
    if args.dry_run {
        keep::dry(&names, &folder, args.wait, out)
    } else if args.watch {
        keep::watch(&names, &folder, out)
    } else {
        keep::once(&names, &folder, args.wait, out)
    }
}
