//! `lvx bridge check`: finds mistakes of a configuration.

use std::{io::Write, path::Path};

use lvx_bridge::config::{Config, ConfigFile, FileError, read_secret};

use crate::{
    input::read_text,
    terminal::{Failure, Status},
};

pub(super) fn run(path: &Path, out: &mut impl Write) -> Result<Status, Failure> {
    // The file may belong to another user, or be standard input: only the service checks its owner.
    let text = read_text(path, MAX_BYTES)?;
    let config = Config::parse(&path.display().to_string(), &text, &read_secret)?;
    let units: usize = config.banks.iter().map(|bank| bank.units.len()).sum();
    let packs: usize = config.banks.iter().map(|bank| bank.packs.len()).sum();
    let packs = match packs {
        0 => String::new(),
        packs => format!(", {packs} pack{}", plural(packs)),
    };
    writeln!(
        out,
        "{}: {} bank{}, {units} unit{}{packs}; no mistake",
        path.display(),
        config.banks.len(),
        plural(config.banks.len()),
        plural(units),
    )?;
    if let Err(FileError::File { why, .. }) = ConfigFile::new(path).text() {
        writeln!(out, "the service refuses it, though: {why}")?;
        return Ok(Status::Findings);
    }
    Ok(Status::Ok)
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Maximum size of a configuration in bytes.
const MAX_BYTES: usize = 256 * 1024;
