//! Profiles and saved plans.

use std::path::Path;

use lvx_settings::{ParsedProfile, Profile};

use super::{
    file::{file_name, read_input},
    options::with_options,
};
use crate::terminal::Failure;

/// Reads a profile; `-` is standard input.
pub(crate) fn read_profile(path: &Path) -> Result<ParsedProfile, Failure> {
    let (name, bytes) = read_bytes(path)?;
    Ok(Profile::parse_bytes(&name, &bytes).map_err(with_options)?)
}

/// Reads a file. Returns its name in messages and its content.
pub(crate) fn read_bytes(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    Ok((file_name(path), read_input(path, MAX_BYTES)?))
}

/// Maximum size of a profile or plan, in bytes.
const MAX_BYTES: usize = 16 << 20;
