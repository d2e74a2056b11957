//! One program a device: an advisory lock on the device node, and who holds it.

use std::path::Path;

use crate::{Error, error::Kind};

/// Takes the lock that every program using this crate takes. It ends with the file.
#[cfg(target_os = "linux")]
pub(crate) fn exclusive(file: &std::fs::File, path: &Path, place: &str) -> Result<(), Error> {
    use std::fs::TryLockError;

    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(busy(path, place)),
        Err(TryLockError::Error(source)) => Err(Error::io(place, "locking", source)),
    }
}

/// The error that says who uses the device.
pub(crate) fn busy(path: &Path, place: &str) -> Error {
    let holder = holder(path).unwrap_or_else(|| "another program".to_owned());
    Error::new(place, Kind::Busy { holder }).hint("stop it, or wait until it is done")
}

/// The name and number of the process that locks this device, or at least has it open.
#[cfg(target_os = "linux")]
fn holder(path: &Path) -> Option<String> {
    let process = locking(path).or_else(|| having_open(path))?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(match name.trim() {
        "" => format!("process {process}"),
        name => format!("{name} (process {process})"),
    })
}

#[cfg(not(target_os = "linux"))]
fn holder(_path: &Path) -> Option<String> {
    None
}

/// From `/proc/locks`: `1: FLOCK  ADVISORY  WRITE 4711 00:05:128 0 EOF`.
#[cfg(target_os = "linux")]
fn locking(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let node = path.metadata().ok()?;
    let (major, minor) = (rustix::fs::major(node.dev()), rustix::fs::minor(node.dev()));
    let inode = format!("{major:02x}:{minor:02x}:{}", node.ino());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(4);
        let (process, file) = (words.next()?, words.next()?);
        (file == inode).then(|| process.to_owned())
    })
}

/// From `/proc/*/fd`, as far as this user may look.
#[cfg(target_os = "linux")]
fn having_open(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.map(|entry| entry.file_name().to_string_lossy().into_owned()).find(|process| {
        let numbered = process.bytes().all(|byte| byte.is_ascii_digit());
        let files = std::fs::read_dir(format!("/proc/{process}/fd"));
        numbered
            && *process != own
            && files.is_ok_and(|files| {
                files.flatten().any(|file| file.path().read_link().is_ok_and(|open| open == path))
            })
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn names_the_holder() {
        let path = std::env::temp_dir().join(format!("pi18-lock-{}", std::process::id()));
        let first = File::create(&path).unwrap();
        exclusive(&first, &path, "first").unwrap();
        let second = File::open(&path).unwrap();
        let error = exclusive(&second, &path, "second").unwrap_err();
        assert!(error.is_busy());
        let process = format!("(process {})", std::process::id());
        assert!(error.to_string().contains(&process), "{error}");
        drop(first);
        exclusive(&second, &path, "second").unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
