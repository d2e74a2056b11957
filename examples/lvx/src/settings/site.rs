//! The battery guard of this site: stated once, for every profile.

use std::path::{Path, PathBuf};

use lvx_settings::Battery;

use super::read;
use crate::outcome::Failure;

/// The battery guard of this site; `None` if there is no file and none was named.
pub(super) fn battery() -> Result<Option<Battery>, Failure> {
    let (path, is_named) = path();
    if !is_named && !path.exists() {
        return Ok(None);
    }
    let (name, bytes) = read(&path)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format_args!("{name}: expected text in UTF-8")))?;
    Ok(Some(Battery::parse(&name, &text)?))
}

/// Where the guard is, and whether the user named the place.
pub(super) fn path() -> (PathBuf, bool) {
    match std::env::var_os("LVX_BATTERY").filter(|path| !path.is_empty()) {
        Some(path) => (path.into(), true),
        None => (Path::new(USUAL).to_owned(), false),
    }
}

const USUAL: &str = "/etc/lvx/battery.yaml";
