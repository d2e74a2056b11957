//! A folder of the effective user, and its files.

use std::{
    ffi::CStr,
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags, fchmod, mkdirat, open, openat, unlinkat},
    io::Errno,
};

use super::{disk::Disk, users};

/// An open folder. Its files are opened relative to its descriptor.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    file: File,
    disk: Rc<dyn Disk>,
}

/// Origin of the path of a folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PathOrigin {
    /// Default path; the folder is made private.
    Default,
    /// Path given by the user; access rights are kept, but other users must not be able to write.
    Given,
}

impl Folder {
    /// Opens a folder; `None` if it does not exist.
    ///
    /// # Errors
    /// If the path is not a folder, or the folder belongs to another user or is writable by others.
    pub(crate) fn open(
        path: &Path,
        choice: PathOrigin,
        disk: &Rc<dyn Disk>,
    ) -> io::Result<Option<Self>> {
        check_ancestors(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let file = match open(path, flags, Mode::empty()) {
            Ok(folder) => File::from(folder),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let found = file.metadata()?;
        check_owner(&found)?;
        if choice == PathOrigin::Default && found.mode() & 0o077 != 0 {
            fchmod(&file, Mode::RWXU)?;
        }
        check_writers(&file.metadata()?)?;
        Ok(Some(Self { path: path.to_owned(), file, disk: Rc::clone(disk) }))
    }

    /// Opens a folder, after creating it and its parents if missing.
    ///
    /// # Errors
    /// As for [`Folder::open`], or if the folder cannot be created.
    pub(crate) fn create(path: &Path, choice: PathOrigin, disk: &Rc<dyn Disk>) -> io::Result<Self> {
        if let Some(folder) = Self::open(path, choice, disk)? {
            return Ok(folder);
        }
        make(path, disk.as_ref())?;
        Self::open(path, choice, disk)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether a path leads to this folder.
    pub(crate) fn is(&self, path: &Path) -> bool {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match (path.metadata(), self.file.metadata()) {
            (Ok(other), Ok(own)) => (other.dev(), other.ino()) == (own.dev(), own.ino()),
            _ => false,
        }
    }

    /// Returns the names with this suffix, sorted.
    pub(crate) fn names(&self, suffix: &str) -> io::Result<Vec<String>> {
        names(&self.file, |name| name.ends_with(suffix))
    }

    /// Creates a file for appending.
    ///
    /// # Errors
    /// If the name exists, or the file cannot be created.
    pub(crate) fn create_new(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        self.at(name, flags)
    }

    /// Opens a file for reading and appending.
    ///
    /// # Errors
    /// If it is not a regular file of this user with one name, is writable by others, or cannot be opened.
    pub(crate) fn append(&self, name: &str) -> io::Result<File> {
        let file = self.at(name, OFlags::RDWR | OFlags::APPEND)?;
        Self::checked(file)
    }

    /// Opens a file for reading and appending, after creating it if missing.
    pub(crate) fn append_or_create(&self, name: &str) -> io::Result<File> {
        let file = self.at(name, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)?;
        Self::checked(file)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// If it is not a regular file of this user with one name, is writable by others, or cannot be opened.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        let file = self.at(name, OFlags::RDONLY)?;
        Self::checked(file)
    }

    /// Reads a whole file of at most `max` bytes.
    pub(crate) fn read_bytes(&self, name: &str, max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.read(name)?.take(max + 1).read_to_end(&mut bytes)?;
        if u64::try_from(read).is_ok_and(|read| read > max) {
            return Err(io::Error::other(format!("expected at most {max} bytes, found more")));
        }
        Ok(bytes)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        // Includes files that would not be opened, such as symbolic links.
        rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.file, name, AtFlags::empty())?)
    }

    /// Replaces a file as a whole: after a crash it has the old or the new content.
    #[cfg(feature = "bridge")]
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        // Left by a program that was killed.
        match self.remove(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = self.create_new(&new)?;
        let written = io::Write::write_all(&mut file, content)
            .and_then(|()| self.sync_file(&file, &new))
            .and_then(|()| Ok(rustix::fs::renameat(&self.file, &*new, &self.file, name)?));
        if let Err(error) = written {
            let _ = self.remove(&new);
            return Err(error);
        }
        self.sync()
    }

    /// Makes the content of a file of this folder durable.
    pub(crate) fn sync_file(&self, file: &File, name: &str) -> io::Result<()> {
        self.disk.sync(file, &self.path.join(name))
    }

    /// Makes the names in this folder durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.file, &self.path)
    }

    fn at(&self, name: &str, flags: OFlags) -> io::Result<File> {
        if name.contains('/') {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(File::from(openat(&self.file, name, flags | SAFE, Mode::RUSR | Mode::WUSR)?))
    }

    /// Checks that a file is regular, has one name, belongs to this user, and is not writable by others.
    fn checked(file: File) -> io::Result<File> {
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("expected a regular file"));
        }
        check_owner(&found)?;
        if found.nlink() != 1 {
            return Err(io::Error::other("expected a file with one name, found hard links"));
        }
        check_writers(&found)?;
        if found.mode() & 0o077 != 0 {
            // Files of earlier versions may be readable by others.
            fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        }
        Ok(file)
    }
}

/// Opens a regular file outside the state folders for reading. The last part of the path must not be a
/// symbolic link.
pub(crate) fn open_foreign(path: &Path) -> io::Result<File> {
    let file = File::from(open(path, OFlags::RDONLY | SAFE, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("expected a regular file"))
    }
}

/// Returns the names in an open folder that match, sorted. Skips names that are not UTF-8.
pub(super) fn names(folder: &File, matches: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if let Some(name) = name.to_str().ok().filter(|name| matches(name)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Creates a folder and its missing parents, each durable in its parent.
fn make(path: &Path, disk: &dyn Disk) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !parent.is_dir() {
        make(parent, disk)?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = File::from(open(parent, flags, Mode::empty())?);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    match mkdirat(&folder, name, Mode::RWXU) {
        Ok(()) => disk.sync(&folder, parent),
        // Another program created it meanwhile.
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Rejects paths of root through folders that another user can replace; `sudo -E` may set such paths.
fn check_ancestors(path: &Path) -> io::Result<()> {
    if users::effective() != 0 {
        return Ok(());
    }
    let path = std::path::absolute(path)?;
    // The folder and its parents may be symbolic links.
    let real = |path: &Path| fs::canonicalize(path).ok();
    let target = real(&path).and_then(|target| Some(target.parent()?.to_owned()));
    let above = path.ancestors().skip(1).find_map(real);
    let reals = [target, above].into_iter().flatten();
    let reals: Vec<_> =
        reals.flat_map(|path| path.ancestors().map(Path::to_owned).collect::<Vec<_>>()).collect();
    for part in path.ancestors().skip(1).chain(reals.iter().map(PathBuf::as_path)) {
        let Ok(found) = part.symlink_metadata() else { continue };
        let open_to_all = found.is_dir() && found.mode() & 0o002 != 0 && found.mode() & 0o1000 == 0;
        if found.uid() != 0 || open_to_all {
            return Err(io::Error::other(format!(
                "{} can be changed by {}, who can replace folders below it",
                part.display(),
                if open_to_all { "all users".to_owned() } else { users::named(found.uid()) }
            )));
        }
    }
    Ok(())
}

fn check_owner(found: &Metadata) -> io::Result<()> {
    let own = users::effective();
    if found.uid() == own {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "expected owner {}, found {}",
        users::named(own),
        users::named(found.uid())
    )))
}

fn check_writers(found: &Metadata) -> io::Result<()> {
    if found.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "other users can write to it (mode {:o}); to change that: chmod go-w",
        found.mode() & 0o7777
    )))
}

/// Flags that do not follow symbolic links and do not block, for example on a pipe.
pub(super) const SAFE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::state::{
        disk::RealDisk,
        testing::{DiskRecorder, Scratch},
    };

    fn real() -> Rc<dyn Disk> {
        Rc::new(RealDisk)
    }

    #[test]
    fn new_folder_is_private_and_durable_in_each_parent() {
        let scratch = Scratch::new();
        let recorder = Rc::new(DiskRecorder::default());
        let disk: Rc<dyn Disk> = recorder.clone();
        let path = scratch.0.join("a/b/lvx");
        let folder = Folder::create(&path, PathOrigin::Default, &disk).unwrap();
        let expected = [scratch.0.clone(), scratch.0.join("a"), scratch.0.join("a/b")];
        assert_eq!(recorder.paths(), expected);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o700);
        let file = folder.create_new("x").unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn default_folder_is_made_private_and_given_one_writable_by_others_is_refused() {
        let scratch = Scratch::new();
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
        Folder::open(&scratch.0, PathOrigin::Given, &real()).unwrap().unwrap();
        assert_eq!(scratch.0.metadata().unwrap().mode() & 0o777, 0o755);
        Folder::open(&scratch.0, PathOrigin::Default, &real()).unwrap().unwrap();
        assert_eq!(scratch.0.metadata().unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o777)).unwrap();
        let error = Folder::open(&scratch.0, PathOrigin::Given, &real()).unwrap_err().to_string();
        assert!(error.contains("other users can write to it (mode 777)"), "{error}");
    }

    #[test]
    fn links_and_pipes_are_refused() {
        let scratch = Scratch::new();
        let folder = Folder::open(&scratch.0, PathOrigin::Given, &real()).unwrap().unwrap();
        let target = scratch.0.join("target");
        fs::write(&target, "precious").unwrap();
        let single = scratch.0.join("single");
        fs::write(&single, "precious").unwrap();
        symlink(&single, scratch.0.join("link")).unwrap();
        fs::hard_link(&target, scratch.0.join("second")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            scratch.0.join("pipe"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        for name in ["link", "second", "pipe"] {
            assert!(folder.read(name).is_err(), "{name}");
            assert!(folder.append_or_create(name).is_err(), "{name}");
            assert!(folder.create_new(name).is_err(), "{name}");
        }
        assert_eq!(fs::read_to_string(target).unwrap(), "precious");
        assert!(open_foreign(&scratch.0.join("pipe")).is_err());
        assert!(folder.read("../x").is_err());
    }
}
