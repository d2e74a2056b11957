//! A folder of entries.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, fchmod, mkdirat, open, openat, statat},
    io::Errno,
};

use crate::state::{disk::Disk, users};

/// An open folder of entries.
#[derive(Debug)]
pub(super) struct RunsFolder {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl RunsFolder {
    /// Opens a folder; `None` if it is missing, or users other than the owner of a file can delete it.
    pub(super) fn open(path: &Path) -> Option<Rc<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = File::from(open(path, flags, Mode::empty()).ok()?);
        let found = file.metadata().ok()?;
        let own = [0, users::effective()].contains(&found.uid());
        let sticky = found.mode() & 0o022 == 0 || found.mode() & 0o1000 != 0;
        (own && sticky).then(|| Rc::new(Self { path: path.to_owned(), file }))
    }

    /// Returns the owner of a regular file; `None` for other files.
    pub(super) fn owner(&self, name: &str) -> Option<u32> {
        let found = statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        (FileType::from_raw_mode(found.st_mode) == FileType::RegularFile).then_some(found.st_uid)
    }

    pub(super) fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.sync(&self.file, &self.path)
    }
}

/// Creates the folder that survives a restart and its parent. Sets their modes independent of the umask.
pub(super) fn make_lasting(path: &Path, disk: &dyn Disk) -> io::Result<()> {
    let holder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let above = holder.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_level(above, holder, 0o755, disk)?;
    make_level(holder, path, 0o1777, disk)
}

fn make_level(parent: &Path, path: &Path, mode: u32, disk: &dyn Disk) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let holder = File::from(open(parent, flags, Mode::empty())?);
    match mkdirat(&holder, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let folder = File::from(openat(&holder, name, flags, Mode::empty())?);
    fchmod(&folder, Mode::from_raw_mode(mode))?;
    disk.sync(&folder, path)?;
    disk.sync(&holder, parent)
}

/// Folder that survives a restart and that no service cleans up.
pub(super) const LASTING: &str = "/var/lib/lvx/runs";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{DiskRecorder, Scratch};

    #[test]
    fn lasting_folder_is_accessible_to_all_users_and_durable() {
        let scratch = Scratch::new();
        let recorder = DiskRecorder::default();
        let (holder, runs) = (scratch.0.join("lvx"), scratch.0.join("lvx/runs"));
        // As created with a umask of 077.
        let private = Mode::from_raw_mode(0o700);
        rustix::fs::mkdir(&holder, private).unwrap();
        make_lasting(&runs, &recorder).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
        assert_eq!((mode(&holder), mode(&runs)), (0o755, 0o1777));
        assert_eq!(recorder.paths(), [&holder, &scratch.0, &runs, &holder].map(Clone::clone));
        assert!(RunsFolder::open(&runs).is_some());
    }

    #[test]
    fn folder_where_others_can_delete_files_is_not_used() {
        let scratch = Scratch::new();
        for (mode, usable) in [(0o777, false), (0o1777, true), (0o755, true)] {
            let file = File::open(&scratch.0).unwrap();
            fchmod(&file, Mode::from_raw_mode(mode)).unwrap();
            assert_eq!(RunsFolder::open(&scratch.0).is_some(), usable, "{mode:o}");
        }
    }
}
