//! The battery guard of this site, which applies to every profile.

use std::{
    io,
    path::{Path, PathBuf},
};

use lvx_settings::Battery;

use super::file::read_bytes;
use crate::terminal::Failure;

/// Reads the battery guard of this site; `None` if the default file is missing.
pub(crate) fn battery() -> Result<Option<Battery>, Failure> {
    let (path, is_named) = battery_path();
    if !is_named && !exists(&path)? {
        return Ok(None);
    }
    let (name, bytes) = read_bytes(&path)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(format_args!("{name}: expected UTF-8 text, found other bytes"))
    })?;
    Ok(Some(Battery::parse(&name, &text)?))
}

/// Returns whether the file, or a link with its name, exists.
///
/// # Errors
/// If this cannot be determined. A site has no guard only if the file is certainly missing.
fn exists(path: &Path) -> Result<bool, Failure> {
    let unknown = |path: &Path, error: &io::Error| {
        Failure::usage(format_args!(
            "{}: the battery guard of the site cannot be read: {error}",
            path.display()
        ))
    };
    match path.symlink_metadata() {
        Ok(_) => return Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unknown(path, &error)),
    }
    // A path below a dangling link is reported as missing, too.
    for folder in path.ancestors().skip(1) {
        if folder.is_symlink()
            && let Err(error) = folder.metadata()
        {
            return Err(unknown(folder, &error));
        }
    }
    Ok(false)
}

/// Returns the path of the guard, and whether `LVX_BATTERY` names it.
pub(crate) fn battery_path() -> (PathBuf, bool) {
    match std::env::var_os("LVX_BATTERY").filter(|path| !path.is_empty()) {
        Some(path) => (path.into(), true),
        None => (Path::new(DEFAULT).to_owned(), false),
    }
}

/// Path of the guard without `LVX_BATTERY`.
const DEFAULT: &str = "/etc/lvx/battery.yaml";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::{state::testing::Scratch, terminal::Status};

    #[test]
    fn guard_is_absent_only_if_its_path_is_missing() {
        let scratch = Scratch::new();
        let at = |name: &str| scratch.0.join(name);
        std::fs::write(at("file"), "").unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        assert!(!exists(&at("battery.yaml")).unwrap());
        assert!(!exists(&at("missing/lvx/battery.yaml")).unwrap());
        assert!(exists(&at("file")).unwrap());
        // The guard behind a dangling link exists; reading it fails.
        assert!(exists(&at("dangling")).unwrap());
        for unreadable in ["dangling/battery.yaml", "loop/battery.yaml", "file/battery.yaml"] {
            let failure = exists(&at(unreadable)).unwrap_err();
            let folder = unreadable.split('/').next().unwrap();
            assert!(failure.messages()[0].contains(folder), "{failure:?}");
            assert_eq!(failure.print(), Status::Usage, "{unreadable}");
        }
    }
}
