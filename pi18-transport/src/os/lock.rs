//! An advisory lock on a device node, so that only one program at a time uses it, and the program that holds
//! the lock.

use std::path::Path;
#[cfg(all(feature = "hidraw", target_os = "linux"))]
use std::time::{Duration, Instant};

use crate::{Error, ErrorKind};

/// How long to wait for a device that is in use. A program that probes a node holds it for one second if
/// the unit does not reply.
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Locks an open device node against other programs that use this crate, and waits up to `patience` for
/// them. Closing the file releases the lock.
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub(crate) fn exclusive(
    file: &std::fs::File,
    path: &Path,
    place: &str,
    patience: Duration,
) -> Result<(), Error> {
    use std::fs::TryLockError;

    let end = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(busy(path, place)),
            Err(TryLockError::Error(source)) => return Err(Error::io(place, "locking", source)),
        }
    }
}

/// Returns the error of a device in use, with the name of the program that uses it.
pub(crate) fn busy(path: &Path, place: &str) -> Error {
    let holder = holder(path).unwrap_or_else(|| "another program".to_owned());
    Error::new(ErrorKind::Busy, place, format!("is in use by {holder}"))
        .with_hint("stop it, or wait until it has finished")
}

/// Returns the name and number of the process that has locked a device, or else has it open.
#[cfg(target_os = "linux")]
fn holder(path: &Path) -> Option<String> {
    process_with_lock(path).or_else(|| process_with_open(path))
}

#[cfg(not(target_os = "linux"))]
fn holder(_path: &Path) -> Option<String> {
    None
}

/// Searches `/proc/locks`, with lines such as `1: FLOCK  ADVISORY  WRITE 4711 00:05:128 0 EOF`.
#[cfg(target_os = "linux")]
fn process_with_lock(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let node = path.metadata().ok()?;
    let (major, minor) = (rustix::fs::major(node.dev()), rustix::fs::minor(node.dev()));
    let inode = format!("{major:02x}:{minor:02x}:{}", node.ino());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(4);
        let (process, file) = (words.next()?, words.next()?);
        (file == inode).then(|| describe(process))
    })
}

/// Searches `/proc/*/fd` for another process that has a device open. Without root privileges, only
/// processes of the same user are found.
#[cfg(target_os = "linux")]
pub(crate) fn process_with_open(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut names = processes.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let process = names.find(|process| {
        let is_process = process.bytes().all(|byte| byte.is_ascii_digit());
        let files = std::fs::read_dir(format!("/proc/{process}/fd"));
        is_process
            && *process != own
            && files.is_ok_and(|files| {
                files.flatten().any(|file| file.path().read_link().is_ok_and(|open| open == path))
            })
    })?;
    Some(describe(&process))
}

#[cfg(target_os = "linux")]
fn describe(process: &str) -> String {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    match name.trim() {
        "" => format!("process {process}"),
        name => format!("{name} (process {process})"),
    }
}

#[cfg(all(test, feature = "hidraw", target_os = "linux"))]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn busy_error_names_the_process_with_the_lock() {
        let path = std::env::temp_dir().join(format!("pi18-lock-{}", std::process::id()));
        let first = File::create(&path).unwrap();
        exclusive(&first, &path, "first", Duration::ZERO).unwrap();
        let second = File::open(&path).unwrap();
        let error = exclusive(&second, &path, "second", Duration::ZERO).unwrap_err();
        assert!(error.is_busy());
        let process = format!("(process {})", std::process::id());
        assert!(error.to_string().contains(&process), "{error}");
        drop(first);
        exclusive(&second, &path, "second", Duration::ZERO).unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
