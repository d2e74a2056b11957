//! The lock of a folder of links, so that only one process maintains them.
//!
//! Every user who can open a file can lock it, and all users can open `/dev`. Therefore, the lock is a file that
//! only the owner of the folder can open: in `/run/lvx-links` (0700) for root, otherwise in the folder itself
//! (0600). Only the owner of a folder can maintain its links, so each folder has exactly one lock.

use std::{
    fs::{self, File, Metadata, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use crate::{
    state::{Disk, Folder, PathOrigin, RealDisk, effective_user},
    terminal::Failure,
};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl Lock {
    /// Locks the links of `folder` for this process.
    pub(super) fn take(folder: &Path) -> Result<Self, Failure> {
        Self::take_as(folder, effective_user(), Path::new(RUN))
    }

    /// Returns whether another process maintains the links of `folder`; `false` if this user cannot open the lock.
    pub(super) fn is_held(folder: &Path) -> bool {
        let Ok(metadata) = fs::metadata(folder) else { return false };
        let (place, name) = place(folder, &metadata, effective_user(), Path::new(RUN));
        let place = Folder::open(&place, PathOrigin::Given, &disk());
        let file = place.ok().flatten().and_then(|place| place.read(&name).ok());
        file.is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    fn take_as(folder: &Path, user: u32, run: &Path) -> Result<Self, Failure> {
        let metadata = fs::metadata(folder).map_err(|error| failure(folder, "opened", &error))?;
        if metadata.uid() != user {
            return Err(Failure::usage(format_args!(
                "{}: expected a folder of user {user}, found one of user {}; run as that user \
                 (sudo for root), or use --dir",
                folder.display(),
                metadata.uid()
            )));
        }
        let (place, name) = place(folder, &metadata, user, run);
        let choice = if user == ROOT { PathOrigin::Default } else { PathOrigin::Given };
        // The file is kept after the lock is released: otherwise two processes could lock two files of
        // the same name.
        let file = Folder::create(&place, choice, &disk())
            .and_then(|place| place.append_or_create(&name))
            .map_err(|error| failure(&place, "used for the lock", &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::Error(error)) => Err(failure(&place.join(name), "locked", &error)),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(format_args!(
                "{}: another lvx maintains the links in this folder, most likely lvx-links.service, \
                 which applies changes of units.yaml automatically",
                folder.display()
            ))),
        }
    }
}

/// Returns the folder and the name of the lock file. In [`RUN`], the name contains the device and inode
/// number of the locked folder, because a folder can have several paths.
fn place(folder: &Path, metadata: &Metadata, user: u32, run: &Path) -> (PathBuf, String) {
    if user == ROOT {
        (run.to_owned(), format!("links-{:x}-{:x}.lock", metadata.dev(), metadata.ino()))
    } else {
        (folder.to_owned(), ".lvx-links.lock".to_owned())
    }
}

fn disk() -> Rc<dyn Disk> {
    Rc::new(RealDisk)
}

fn failure(path: &Path, what: &str, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "; run as root (sudo), or use --dir",
        _ => "",
    };
    Failure::usage(format_args!("{}: cannot be {what}: {error}{hint}", path.display()))
}

/// Folder of root's locks, the `RuntimeDirectory` of the service.
const RUN: &str = "/run/lvx-links";

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of links and a folder of locks, removed at the end of the test.
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
    fn lock_on_the_shared_folder_itself_has_no_effect() {
        let scratch = Scratch::new("anyone");
        let anyone = File::open(scratch.dev()).unwrap();
        anyone.lock().unwrap();
        assert!(!Lock::is_held(&scratch.dev()));
        assert!(Lock::take(&scratch.dev()).is_ok());
    }

    #[test]
    fn second_process_is_refused_until_the_first_ends_even_by_another_path() {
        let scratch = Scratch::new("two");
        let other = scratch.0.join("other");
        std::os::unix::fs::symlink("dev", &other).unwrap();
        let first = Lock::take(&scratch.dev()).unwrap();
        assert!(Lock::is_held(&other) && Lock::take(&other).is_err());
        drop(first);
        assert!(!Lock::is_held(&other) && Lock::take(&other).is_ok());
    }

    #[test]
    fn lock_file_and_its_folder_are_private() {
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
}
