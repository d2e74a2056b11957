//! The lock of a folder of links: one process at a time keeps them.
//!
//! Anyone who can open a file can lock it, and everyone can open `/dev`. So the lock is a file that only
//! the folder's owner can open: root's are in `/run/lvx` (0700), another user's is in the folder itself
//! (0600). Whoever keeps the links of a folder must own it, so that each folder has exactly one lock.

use std::{
    fs::{self, File, Metadata, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use crate::{
    state::{Choice, Disk, Folder, RealDisk, effective_user},
    terminal::Failure,
};

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl Lock {
    /// Locks the links of `folder` for this process.
    pub(super) fn take(folder: &Path) -> Result<Self, Failure> {
        Self::take_as(folder, effective_user(), Path::new(RUN))
    }

    /// Returns whether another process keeps the links of `folder`, as far as this user can see.
    pub(super) fn is_held(folder: &Path) -> bool {
        let Ok(about) = fs::metadata(folder) else { return false };
        let (place, name) = place(folder, &about, effective_user(), Path::new(RUN));
        let place = Folder::open(&place, Choice::Named, &disk());
        let file = place.ok().flatten().and_then(|place| place.read(&name).ok());
        file.is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
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
        let (place, name) = place(folder, &about, user, run);
        let choice = if user == ROOT { Choice::Usual } else { Choice::Named };
        // The file stays when the lock is released: if it was removed, two processes could hold locks
        // on two files of one name.
        let file = Folder::create(&place, choice, &disk())
            .and_then(|place| place.append_or_create(&name))
            .map_err(|error| wrong(&place, "used for the lock", &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::Error(error)) => Err(wrong(&place.join(name), "locked", &error)),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(format_args!(
                "{}: another lvx keeps the links here, most likely lvx-links.service, which follows \
                 what is changed in units.yaml",
                folder.display()
            ))),
        }
    }
}

/// Returns where the lock file of a folder is, and its name. In [`RUN`] it is named for the folder's
/// identity, because a folder has many paths.
fn place(folder: &Path, about: &Metadata, user: u32, run: &Path) -> (PathBuf, String) {
    if user == ROOT {
        (run.to_owned(), format!("links-{:x}-{:x}.lock", about.dev(), about.ino()))
    } else {
        (folder.to_owned(), ".lvx-links.lock".to_owned())
    }
}

fn disk() -> Rc<dyn Disk> {
    Rc::new(RealDisk)
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
}
