//! The socket file: created with its owner and access rights, replaced only if no one listens, removed at the end.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Gid, Mode, OFlags, chmod, chown},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with},
};

/// A socket that listens, until it is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file.
    file: (u64, u64),
    /// Is locked while the socket is in use.
    _lock: File,
}

impl Socket {
    /// Creates the socket, for its owner and the members of `group`.
    ///
    /// # Errors
    /// If another program listens there, something else is at the path, or the folder cannot be written.
    pub(super) fn create(path: &Path, group: &str) -> io::Result<Self> {
        let placed =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        Self::create_at(path, group).map_err(placed)
    }

    fn create_at(path: &Path, group: &str) -> io::Result<Self> {
        let lock = lock(&beside(path, "lock"))?;
        check_free(path)?;
        let flags = SocketFlags::CLOEXEC;
        let fd: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // The socket gets its access rights before anyone can connect to it.
        let new = beside(path, "new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        bind(&fd, &SocketAddrUnix::new(&new)?)?;
        chmod(&new, Mode::RUSR | Mode::WUSR)?;
        if let Err(error) = share(&new, group) {
            tracing::warn!(
                "lease: {}: cannot be given to group {group}: {error}; only its owner and root can use it",
                path.display()
            );
        }
        listen(&fd, BACKLOG)?;
        fs::rename(&new, path)?;
        let found = path.symlink_metadata()?;
        let file = (found.dev(), found.ino());
        Ok(Self { listener: fd.into(), path: path.to_owned(), file, _lock: lock })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_own =
            self.path.symlink_metadata().is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if is_own && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("lease: {}: cannot be removed: {error}", self.path.display());
        }
    }
}

/// Lets the members of a group use the socket.
fn share(path: &Path, group: &str) -> io::Result<()> {
    let gid = group_id(group).ok_or(io::ErrorKind::NotFound)?;
    chown(path, None, Some(gid))?;
    Ok(chmod(path, Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP)?)
}

/// Locks a file, so that two bridges do not use one socket.
fn lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(flags.bits().try_into().unwrap_or_default());
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(in_use()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Checks that nothing is at the path, or a socket on which no one listens.
fn check_free(path: &Path) -> io::Result<()> {
    let found = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        let why = "expected a socket or nothing, found another file";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(in_use()),
    }
}

fn in_use() -> io::Error {
    let why = "another bridge uses this socket; stop it, or configure another lease.socket";
    io::Error::new(io::ErrorKind::AddrInUse, why)
}

/// Returns the path with this ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Returns the number of a group in `/etc/group`.
fn group_id(name: &str) -> Option<Gid> {
    let groups = pi18_transport::read_file(Path::new("/etc/group"), MAX_GROUPS).ok()?;
    let groups = String::from_utf8_lossy(&groups);
    let fields = |line: &str| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        let number = fields.nth(1)?.parse().ok()?;
        is_it.then_some(number)
    };
    groups.lines().find_map(fields).map(Gid::from_raw)
}

/// Number of connections that wait for the server.
const BACKLOG: i32 = 16;

/// Maximum size of `/etc/group` in bytes.
const MAX_GROUPS: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.sock");
        drop(UnixListener::bind(&path).unwrap());
        let first = Socket::create(&path, "no-such-group").unwrap();
        let mode = path.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{mode:o}");
        let error = Socket::create(&path, "no-such-group").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("another bridge uses this socket"), "{error}");
        assert!(UnixStream::connect(&path).is_ok());
        drop(first);
        assert!(!path.exists());
        // A program that does not lock.
        let other = UnixListener::bind(&path).unwrap();
        let error = Socket::create(&path, "no-such-group").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(other);
    }

    #[test]
    fn file_at_the_path_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.sock");
        fs::write(&path, "notes").unwrap();
        let error = Socket::create(&path, "root").unwrap_err();
        assert!(error.to_string().ends_with("expected a socket or nothing, found another file"));
        assert_eq!(fs::read(&path).unwrap(), b"notes");
        fs::remove_file(&path).unwrap();
        // A link is no socket, even if it leads to one.
        let socket = folder.path().join("other.sock");
        drop(UnixListener::bind(&socket).unwrap());
        std::os::unix::fs::symlink(&socket, &path).unwrap();
        assert!(Socket::create(&path, "root").is_err());
        assert!(socket.exists());
    }

    #[test]
    fn members_of_the_group_can_connect() {
        // Only root can give a file to any group.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.sock");
        let _socket = Socket::create(&path, "plugdev").unwrap();
        let found = path.metadata().unwrap();
        let expected = group_id("plugdev").map_or((0o600, 0), |gid| (0o660, gid.as_raw()));
        assert_eq!((found.mode() & 0o777, found.gid()), expected);
    }
}
