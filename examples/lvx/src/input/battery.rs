//! The battery guard of this site: stated once, for every profile.

use std::{
    io,
    path::{Path, PathBuf},
};

use lvx_settings::Battery;

use super::profile::read_bytes;
use crate::terminal::Failure;

/// The battery guard of this site; `None` if there is no file and none was named.
pub(crate) fn battery() -> Result<Option<Battery>, Failure> {
    let (path, is_named) = battery_path();
    if !is_named && !is_there(&path)? {
        return Ok(None);
    }
    let (name, bytes) = read_bytes(&path)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format_args!("{name}: expected text in UTF-8")))?;
    Ok(Some(Battery::parse(&name, &text)?))
}

/// Returns whether the file or a link to it is there. A guard that cannot be looked for may exist, so
/// only a path that is certainly missing means that there is none.
fn is_there(path: &Path) -> Result<bool, Failure> {
    let unsure = |path: &Path, error: &io::Error| {
        Failure::usage(format_args!(
            "{}: the battery guard of the site cannot be read: {error}",
            path.display()
        ))
    };
    match path.symlink_metadata() {
        Ok(_) => return Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unsure(path, &error)),
    }
    // A folder that is a dangling link is reported as missing too.
    for folder in path.ancestors().skip(1) {
        if folder.is_symlink()
            && let Err(error) = folder.metadata()
        {
            return Err(unsure(folder, &error));
        }
    }
    Ok(false)
}

/// Where the guard is, and whether the user named the place.
pub(crate) fn battery_path() -> (PathBuf, bool) {
    match std::env::var_os("LVX_BATTERY").filter(|path| !path.is_empty()) {
        Some(path) => (path.into(), true),
        None => (Path::new(USUAL).to_owned(), false),
    }
}

const USUAL: &str = "/etc/lvx/battery.yaml";

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::{state::testing::Scratch, terminal::Status};

    #[test]
    fn guard_is_absent_only_if_its_path_is_certainly_missing() {
        let scratch = Scratch::new();
        let at = |name: &str| scratch.0.join(name);
        std::fs::write(at("file"), "").unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        assert!(!is_there(&at("battery.yaml")).unwrap());
        assert!(!is_there(&at("missing/lvx/battery.yaml")).unwrap());
        assert!(is_there(&at("file")).unwrap());
        // A link that leads nowhere is read, and that fails.
        assert!(is_there(&at("dangling")).unwrap());
        for unsure in ["dangling/battery.yaml", "loop/battery.yaml", "file/battery.yaml"] {
            let failure = is_there(&at(unsure)).unwrap_err();
            let folder = unsure.split('/').next().unwrap();
            assert!(failure.messages()[0].contains(folder), "{failure:?}");
            assert_eq!(failure.print(), Status::Usage, "{unsure}");
        }
    }
}
