//! The tasks about settings: compare, check, apply, and what follows from applying.

pub(crate) mod apply;
pub(crate) mod confirm;
mod consent;
pub(crate) mod diff;
mod journals;
pub(crate) mod profile;
pub(crate) mod restore;
mod units;
pub(crate) mod validate;

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use lvx_settings::{ParsedProfile, Profile};

use crate::outcome::Failure;

/// Reads a profile; `-` is standard input.
fn read_profile(path: &Path) -> Result<ParsedProfile, Failure> {
    let (name, bytes) = read(path)?;
    Ok(Profile::parse_bytes(&name, &bytes)?)
}

/// A file and what it is called.
fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let from_stdin = path == Path::new("-");
    let name = if from_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    // One byte more than is taken, so that a longer file is told.
    let read = if from_stdin {
        io::stdin().take(MOST_BYTES).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::usage(format_args!("{name}: cannot be read: {error}")))?;
    Ok((name, bytes))
}

/// Larger than any profile or plan.
const MOST_BYTES: u64 = 16 << 20;
