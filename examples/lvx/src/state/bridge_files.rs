//! The files of the bridge, in a state folder.

use std::{
    fs::TryLockError,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use lvx_bridge::storage::{Storage, StorageLock};

use super::{
    disk::{Disk, RealDisk},
    folder::{Folder, PathOrigin},
    places::{SERVICE, default_folder},
    users,
};
use crate::args::StateDir;

/// The state folder of the bridge. It is opened and checked for each file.
#[derive(Clone, Debug)]
pub(crate) struct BridgeFiles {
    path: PathBuf,
    origin: PathOrigin,
}

impl BridgeFiles {
    /// Finds the state folder: the given one, that of the service manager, that of the installed service if it
    /// belongs to this user, or the default one. `None` if there is no home either.
    pub(crate) fn new(dir: &StateDir) -> Option<Self> {
        let given = |path| Self { path, origin: PathOrigin::Given };
        if let Some(path) = dir.state_dir.clone() {
            return Some(given(path));
        }
        // systemd separates several folders by colons.
        let managed = std::env::var("STATE_DIRECTORY").ok();
        let managed = managed.and_then(|all| all.split(':').next().map(PathBuf::from));
        if let Some(path) = managed.filter(|path| path.is_absolute()) {
            return Some(given(path));
        }
        let service = Path::new(SERVICE);
        if service.metadata().is_ok_and(|found| found.uid() == users::effective()) {
            return Some(given(service.to_owned()));
        }
        Some(Self { path: default_folder()?, origin: PathOrigin::Default })
    }

    /// Returns the path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn folder(&self) -> io::Result<Folder> {
        let disk: Rc<dyn Disk> = Rc::new(RealDisk);
        Folder::create(&self.path, self.origin, &disk)
    }
}

impl Storage for BridgeFiles {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.folder()?.read_bytes(name, MAX_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.folder()?.replace(name, content)
    }

    fn path(&self, name: &str) -> io::Result<Option<PathBuf>> {
        self.folder()?;
        Ok(Some(self.path.join(name)))
    }

    fn lock(&self, name: &str) -> io::Result<Option<StorageLock>> {
        // The file is kept: otherwise two programs could lock two files of the same name.
        let file = self.folder()?.append_or_create(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(StorageLock::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Maximum size of a file of the bridge, in bytes.
const MAX_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::state::testing::Scratch;

    fn files(scratch: &Scratch) -> BridgeFiles {
        BridgeFiles { path: scratch.0.clone(), origin: PathOrigin::Given }
    }

    #[test]
    fn file_is_replaced_as_a_whole() {
        let scratch = Scratch::new();
        let files = files(&scratch);
        assert_eq!(files.load("a").unwrap(), None);
        files.save("a", b"one").unwrap();
        // Left by a program that was killed.
        std::fs::write(scratch.0.join("a.new"), "half").unwrap();
        files.save("a", b"two").unwrap();
        assert_eq!(files.load("a").unwrap().unwrap(), b"two");
        assert!(!scratch.0.join("a.new").exists());
        assert!(files.save("../a", b"two").is_err());
    }

    #[test]
    fn file_of_others_is_refused() {
        let scratch = Scratch::new();
        let files = files(&scratch);
        files.save("a", b"one").unwrap();
        let open = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(scratch.0.join("a"), open).unwrap();
        assert!(files.load("a").unwrap_err().to_string().contains("other users can write"));
        std::os::unix::fs::symlink("/etc/passwd", scratch.0.join("b")).unwrap();
        assert!(files.load("b").is_err());
    }

    #[test]
    fn lock_is_held_once() {
        let scratch = Scratch::new();
        let files = files(&scratch);
        let lock = files.lock("unit.lock").unwrap().unwrap();
        assert!(files.lock("unit.lock").unwrap().is_none());
        drop(lock);
        assert!(files.lock("unit.lock").unwrap().is_some());
    }
}
