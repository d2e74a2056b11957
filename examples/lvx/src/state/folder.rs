//! A folder that belongs to the effective user, and files in it.

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

/// An open folder; its files are opened relative to it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    file: File,
    disk: Rc<dyn Disk>,
}

/// Whose choice a folder is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Choice {
    /// The usual place: no other user needs to read it.
    Usual,
    /// Named by the user: its access rights are the user's decision, as far as others cannot write.
    Named,
}

impl Folder {
    /// Opens a folder; `None` if it does not exist.
    ///
    /// # Errors
    /// If it is no folder, belongs to another user, or others can write to it.
    pub(crate) fn open(
        path: &Path,
        choice: Choice,
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
        if choice == Choice::Usual && found.mode() & 0o077 != 0 {
            fchmod(&file, Mode::RWXU)?;
        }
        check_writers(&file.metadata()?)?;
        Ok(Some(Self { path: path.to_owned(), file, disk: Rc::clone(disk) }))
    }

    /// Opens a folder, and makes it and those above it if they do not exist.
    ///
    /// # Errors
    /// The same, and if it cannot be made.
    pub(crate) fn create(path: &Path, choice: Choice, disk: &Rc<dyn Disk>) -> io::Result<Self> {
        if let Some(folder) = Self::open(path, choice, disk)? {
            return Ok(folder);
        }
        make(path, disk.as_ref())?;
        Self::open(path, choice, disk)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a path leads to this folder.
    pub(crate) fn is(&self, path: &Path) -> bool {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match (path.metadata(), self.file.metadata()) {
            (Ok(other), Ok(own)) => (other.dev(), other.ino()) == (own.dev(), own.ino()),
            _ => false,
        }
    }

    /// The names of the files whose names end like this, sorted.
    pub(crate) fn names(&self, ending: &str) -> io::Result<Vec<String>> {
        names(&self.file, |name| name.ends_with(ending))
    }

    /// Makes a new file for appending.
    ///
    /// # Errors
    /// If there is such a name already, whatever it is, or the file cannot be made.
    pub(crate) fn create_new(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        self.at(name, flags)
    }

    /// Opens a file for reading and appending.
    ///
    /// # Errors
    /// If it is not a regular file of this user alone, or cannot be opened.
    pub(crate) fn append(&self, name: &str) -> io::Result<File> {
        let file = self.at(name, OFlags::RDWR | OFlags::APPEND)?;
        Self::checked(file)
    }

    /// The same; it is made if it does not exist.
    pub(crate) fn append_or_create(&self, name: &str) -> io::Result<File> {
        let file = self.at(name, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)?;
        Self::checked(file)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// If it is not a regular file of this user alone, or cannot be opened.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        let file = self.at(name, OFlags::RDONLY)?;
        Self::checked(file)
    }

    /// Reads a whole file of at most `max` bytes.
    pub(crate) fn read_bytes(&self, name: &str, max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.read(name)?.take(max + 1).read_to_end(&mut bytes)?;
        if u64::try_from(read).is_ok_and(|read| read > max) {
            return Err(io::Error::other(format!("it has more than {max} bytes")));
        }
        Ok(bytes)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        // Anything of that name counts, also what would not be opened.
        rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.file, name, AtFlags::empty())?)
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

    /// A file that is regular, has one name, is this user's, and that others cannot write.
    fn checked(file: File) -> io::Result<File> {
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("expected a regular file"));
        }
        check_owner(&found)?;
        if found.nlink() != 1 {
            return Err(io::Error::other("it has several names (hard links)"));
        }
        check_writers(&found)?;
        if found.mode() & 0o077 != 0 {
            // Earlier versions let others read it.
            fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        }
        Ok(file)
    }
}

/// Opens a file outside any folder of ours for reading: the last part of its path is no link, and it is
/// a regular file.
pub(crate) fn open_foreign(path: &Path) -> io::Result<File> {
    let file = File::from(open(path, OFlags::RDONLY | SAFE, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("expected a regular file"))
    }
}

/// The names in an open folder for which something holds, sorted. Names that are no text are skipped.
pub(super) fn names(folder: &File, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if let Some(name) = name.to_str().ok().filter(|name| wanted(name)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Makes a folder and those above it, each durable in its parent.
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
        // Another program was faster.
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Root does not go through folders that another user could exchange, as `sudo -E` would have it.
fn check_ancestors(path: &Path) -> io::Result<()> {
    if users::effective() != 0 {
        return Ok(());
    }
    let path = std::path::absolute(path)?;
    // The folder itself may be a link, and those above it too.
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
                "{} belongs to {}, who could exchange what is below it",
                part.display(),
                if open_to_all { "everybody".to_owned() } else { users::named(found.uid()) }
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
        "it belongs to {}, expected {}",
        users::named(found.uid()),
        users::named(own)
    )))
}

fn check_writers(found: &Metadata) -> io::Result<()> {
    if found.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "others can write to it (mode {:o}); take that away: chmod go-w",
        found.mode() & 0o7777
    )))
}

/// Follows no link, and does not wait, for example on a pipe.
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
    fn a_new_folder_is_private_and_durable_in_each_parent() {
        let scratch = Scratch::new();
        let recorder = Rc::new(DiskRecorder::default());
        let disk: Rc<dyn Disk> = recorder.clone();
        let path = scratch.0.join("a/b/lvx");
        let folder = Folder::create(&path, Choice::Usual, &disk).unwrap();
        let expected = [scratch.0.clone(), scratch.0.join("a"), scratch.0.join("a/b")];
        assert_eq!(recorder.paths(), expected);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o700);
        let file = folder.create_new("x").unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_usual_folder_becomes_private_and_a_named_one_that_others_write_is_refused() {
        let scratch = Scratch::new();
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
        Folder::open(&scratch.0, Choice::Named, &real()).unwrap().unwrap();
        assert_eq!(scratch.0.metadata().unwrap().mode() & 0o777, 0o755);
        Folder::open(&scratch.0, Choice::Usual, &real()).unwrap().unwrap();
        assert_eq!(scratch.0.metadata().unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o777)).unwrap();
        let error = Folder::open(&scratch.0, Choice::Named, &real()).unwrap_err().to_string();
        assert!(error.contains("others can write to it (mode 777)"), "{error}");
    }

    #[test]
    fn links_and_pipes_are_not_opened() {
        let scratch = Scratch::new();
        let folder = Folder::open(&scratch.0, Choice::Named, &real()).unwrap().unwrap();
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
