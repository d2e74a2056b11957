//! The tasks about settings: compare, check, apply, and what follows from applying.

#[cfg(unix)]
pub(crate) mod apply;
#[cfg(unix)]
pub(crate) mod confirm;
#[cfg(unix)]
mod consent;
pub(crate) mod diff;
#[cfg(unix)]
mod planning;
pub(crate) mod profile;
#[cfg(unix)]
pub(crate) mod restore;
#[cfg(unix)]
pub(crate) mod runs;
mod site;
mod units;
pub(crate) mod validate;

use std::path::Path;

use lvx_settings::{ParsedProfile, Profile};

use crate::{input, outcome::Failure};

/// Reads a profile; `-` is standard input.
fn read_profile(path: &Path) -> Result<ParsedProfile, Failure> {
    let (name, bytes) = read(path)?;
    Ok(Profile::parse_bytes(&name, &bytes)?)
}

/// A file and what it is called.
fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    Ok((input::name(path), input::read(path, MAX_BYTES)?))
}

/// Larger than any profile or plan.
const MAX_BYTES: usize = 16 << 20;
