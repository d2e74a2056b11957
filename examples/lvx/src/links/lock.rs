//! The lock of a folder of links: one process at a time keeps them.
//!
//! Anyone who can open a file can lock it, and everyone can open `/dev`. So the lock is a file that only
//! the folder's owner can open: root's are in `/run/lvx` (0700), another user's is in the folder itself
//! (0600). Whoever keeps the links of a folder must own it, so that each folder has exactly one lock.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::outcome::Failure;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl Lock {
    /// Locks the links of `folder` for this process.
    pub(super) fn take(folder: &Path) -> Result<Self, Failure> {
        Self::take_as(folder, rustix::process::geteuid().as_raw(), Path::new(RUN))
    }

    /// Returns whether another process keeps the links of `folder`, as far as this user can see.
    pub(super) fn is_held(folder: &Path) -> bool {
        let user = rustix::process::geteuid().as_raw();
        let Ok(about) = fs::metadata(folder) else { return false };
        File::open(path_of(folder, &about, user, Path::new(RUN)))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    fn take_as(folder: &Path, user: u32, run: &Path) -> Result<Self, Failure> {
        let about = fs::metadata(folder).map_err(|error| wrong(folder, "opened", &error))?;
        if about.uid() != user {
            return Err(Failure::usage(format_args!(
                "{}: expected a folder of user {user}, found one of user {}; run it as that user \
                 (sudo for root), or choose --dir",
                folder.display(),
                about.uid()
            )));
        }
        if user == ROOT {
            private(run, user)?;
        }
        let path = path_of(folder, &about, user, run);
        let file = open(&path).map_err(|error| wrong(&path, "opened", &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::Error(error)) => Err(wrong(&path, "locked", &error)),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(format_args!(
                "{}: another lvx keeps the links here, most likely lvx-links.service, which follows \
                 what is changed in units.yaml",
                folder.display()
            ))),
        }
    }
}

/// Returns the lock file of a folder. In [`RUN`] it is named for the folder's identity, because a
/// folder has many paths.
fn path_of(folder: &Path, about: &Metadata, user: u32, run: &Path) -> PathBuf {
    if user == ROOT {
        run.join(format!("links-{:x}-{:x}.lock", about.dev(), about.ino()))
    } else {
        folder.join(".lvx-links.lock")
    }
}

/// Makes the folder of locks if it is missing, and rejects one that others could use.
fn private(run: &Path, user: u32) -> Result<(), Failure> {
    match DirBuilder::new().mode(0o700).create(run) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(wrong(run, "made", &error));
        }
        _ => {}
    }
    let about = fs::symlink_metadata(run).map_err(|error| wrong(run, "read", &error))?;
    if about.is_dir() && about.uid() == user && about.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::usage(format_args!(
        "{}: expected a folder that only user {user} can use (mode 700), found mode {:o} of user {}; \
         remove it",
        run.display(),
        about.mode() & 0o7777,
        about.uid()
    )))
}

/// The file stays when the lock is released: if it was removed, two processes could hold locks on two
/// files of one name.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
}

fn wrong(path: &Path, what: &str, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "; run it as root (sudo), or choose --dir",
        _ => "",
    };
    Failure::usage(format_args!("{}: cannot be {what}: {error}{hint}", path.display()))
}

/// Where root's locks are: the unit's `RuntimeDirectory`.
const RUN: &str = "/run/lvx";

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder of links and a folder of locks, gone at the end of the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lvx-lock-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("dev")).unwrap();
            Self(path)
        }

        fn dev(&self) -> PathBuf {
            self.0.join("dev")
        }

        fn run(&self) -> PathBuf {
            self.0.join("run")
        }

        fn owner(&self) -> u32 {
            self.dev().metadata().unwrap().uid()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn lock_of_the_shared_folder_itself_keeps_nobody_out() {
        let scratch = Scratch::new("anyone");
        let anyone = File::open(scratch.dev()).unwrap();
        anyone.lock().unwrap();
        assert!(!Lock::is_held(&scratch.dev()));
        assert!(Lock::take(&scratch.dev()).is_ok());
    }

    #[test]
    fn second_keeper_by_another_path_is_refused_until_the_first_ends() {
        let scratch = Scratch::new("two");
        let other = scratch.0.join("other");
        std::os::unix::fs::symlink("dev", &other).unwrap();
        let first = Lock::take(&scratch.dev()).unwrap();
        assert!(Lock::is_held(&other) && Lock::take(&other).is_err());
        drop(first);
        assert!(!Lock::is_held(&other) && Lock::take(&other).is_ok());
    }

    #[test]
    fn lock_file_and_its_folder_are_their_owners_alone() {
        let scratch = Scratch::new("modes");
        let _held = Lock::take_as(&scratch.dev(), scratch.owner(), &scratch.run()).unwrap();
        let folder = if scratch.owner() == ROOT {
            assert_eq!(scratch.run().metadata().unwrap().mode() & 0o777, 0o700);
            scratch.run()
        } else {
            scratch.dev()
        };
        let mut files = fs::read_dir(folder).unwrap().flatten();
        assert_eq!(files.next().unwrap().metadata().unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn folder_of_another_user_is_refused() {
        let scratch = Scratch::new("foreign");
        let refused = Lock::take_as(&scratch.dev(), scratch.owner() + 1, &scratch.run());
        let text = format!("{:?}", refused.unwrap_err());
        assert!(text.contains("expected a folder of user"), "{text}");
    }

    #[test]
    fn folder_of_locks_that_others_could_use_is_refused() {
        let scratch = Scratch::new("shared");
        fs::create_dir(scratch.run()).unwrap();
        fs::set_permissions(scratch.run(), fs::Permissions::from_mode(0o755)).unwrap();
        let text = format!("{:?}", private(&scratch.run(), scratch.owner()).unwrap_err());
        assert!(text.contains("found mode 755"), "{text}");
        fs::remove_dir(scratch.run()).unwrap();
        std::os::unix::fs::symlink("dev", scratch.run()).unwrap();
        assert!(private(&scratch.run(), scratch.owner()).is_err());
    }

    #[test]
    fn link_in_place_of_the_lock_file_is_not_followed() {
        let scratch = Scratch::new("link");
        let path = scratch.0.join("lock");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        assert!(open(&path).is_err());
    }
}
