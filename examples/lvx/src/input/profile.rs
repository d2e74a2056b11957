//! Profiles.

use std::path::Path;

use lvx_settings::{ParsedProfile, Profile};

use super::{file::read_bytes, options::with_options};
use crate::terminal::Failure;

/// Reads a profile; `-` is standard input.
pub(crate) fn read_profile(path: &Path) -> Result<ParsedProfile, Failure> {
    let (name, bytes) = read_bytes(path)?;
    Ok(Profile::parse_bytes(&name, &bytes).map_err(with_options)?)
}
