//! Files that decide what the bridge may do: their owner and mode are checked on the descriptor that is read.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use lvx_settings::Diagnostics;
use rustix::fs::{Mode, OFlags, open};

use super::{Config, Secret};

/// The file of the configuration.
#[derive(Clone, Debug)]
pub struct ConfigFile(PathBuf);

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read, or is not trustworthy.
    #[error("{}: {why}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file has mistakes.
    #[error("{0}")]
    Mistakes(Box<Diagnostics>),
}

impl ConfigFile {
    /// Names a file, which is opened by each [`read`](Self::read).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the configuration and its secrets.
    ///
    /// # Errors
    /// If the file cannot be read, belongs to another user than this one or root, or can be written by others; if it
    /// has mistakes.
    pub fn read(&self) -> Result<Config, FileError> {
        let text = self.text()?;
        let name = self.0.display().to_string();
        Config::parse(&name, &text, &read_secret)
            .map_err(|mistakes| FileError::Mistakes(Box::new(mistakes)))
    }

    /// Returns the text of the file, after the same checks.
    ///
    /// # Errors
    /// As for [`read`](Self::read), without the mistakes.
    pub fn text(&self) -> Result<String, FileError> {
        // A link may lead to the file, as on systems that generate their configuration.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let bytes = checked(&self.0, flags, 0o022, MAX_CONFIG)
            .map_err(|why| FileError::File { path: self.0.clone(), why })?;
        String::from_utf8(bytes).map_err(|error| FileError::File {
            path: self.0.clone(),
            why: format!(
                "expected text in UTF-8, found other bytes after byte {}",
                error.utf8_error().valid_up_to()
            ),
        })
    }
}

/// Reads a secret: from the file at an absolute path, or the systemd credential of this name. A line feed at the end
/// does not belong to it.
///
/// A file must belong to this user or root; others must not be able to read it, and its group not to write it.
///
/// # Errors
/// One line: what is wrong with the file.
pub fn read_secret(place: &str) -> Result<Secret, String> {
    let bytes = if place.starts_with('/') {
        let flags = OFlags::RDONLY | SAFE;
        checked(Path::new(place), flags, 0o027, MAX_SECRET)
            .map_err(|why| format!("{place}: {why}"))?
    } else {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty());
        credential(folder.as_deref().map(Path::new), place)?
    };
    let text = String::from_utf8(bytes).map_err(|_| format!("{place}: expected text in UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.contains(char::is_control) {
        return Err(format!("{place}: expected one line of text"));
    }
    Ok(Secret::new(text))
}

/// Reads the private key of a certificate. The same owners and modes as for a secret are expected, but a link may lead to
/// the file.
///
/// # Errors
/// One line, without the path: what is wrong with the file.
pub(crate) fn read_key(path: &Path) -> Result<Vec<u8>, String> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    checked(path, flags, 0o027, MAX_CONFIG)
}

/// Reads a credential of the service manager, which keeps it from other users.
fn credential(folder: Option<&Path>, name: &str) -> Result<Vec<u8>, String> {
    let folder = folder.ok_or_else(|| {
        format!("expected systemd to pass the credential {name}, found none; add LoadCredential={name}:… to the unit, \
                 or write an absolute path")
    })?;
    if name.contains('/') || matches!(name, "." | "..") {
        return Err(format!("expected the name of a credential, found {name:?}"));
    }
    let path = folder.join(name);
    let file = open(&path, OFlags::RDONLY | SAFE, Mode::empty());
    let file = file.map(File::from).map_err(|error| format!("credential {name}: {error}"))?;
    content(&file, MAX_SECRET).map_err(|why| format!("credential {name}: {why}"))
}

/// Reads a file after a check of owner and mode.
fn checked(path: &Path, flags: OFlags, forbidden: u32, max: u64) -> Result<Vec<u8>, String> {
    let file = open(path, flags, Mode::empty()).map(File::from);
    let file = file.map_err(|error| format!("cannot be opened: {error}"))?;
    let found = file.metadata().map_err(|error| error.to_string())?;
    let own = rustix::process::geteuid().as_raw();
    trusted(found.uid(), found.mode(), own, forbidden)?;
    content(&file, max)
}

/// Checks the owner and the mode of a file.
fn trusted(uid: u32, mode: u32, own: u32, forbidden: u32) -> Result<(), String> {
    if uid != own && uid != 0 {
        return Err(format!("expected owner {own} or root, found {uid}; to change that: chown"));
    }
    if mode & forbidden != 0 {
        let verb = if mode & forbidden & 0o007 & !0o002 == 0 { "change" } else { "read" };
        let mode = mode & 0o7777;
        let fix = if forbidden & 0o004 == 0 { "go-w" } else { "g-w,o=" };
        return Err(format!(
            "other users can {verb} it (mode {mode:o}); to change that: chmod {fix}"
        ));
    }
    Ok(())
}

/// Reads a regular file of limited size.
fn content(file: &File, max: u64) -> Result<Vec<u8>, String> {
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("expected a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let read =
        file.take(max + 1).read_to_end(&mut bytes).map_err(|error: io::Error| error.to_string())?;
    if u64::try_from(read).is_ok_and(|read| read > max) {
        return Err(format!("expected at most {max} bytes, found more"));
    }
    Ok(bytes)
}

/// Flags that do not follow a symbolic link and do not block.
const SAFE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// Maximum size of a configuration in bytes.
const MAX_CONFIG: u64 = 256 * 1024;

/// Maximum size of a secret in bytes.
const MAX_SECRET: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn with_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn secret_is_read_from_a_private_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "correct horse\n").unwrap();
        let place = path.display().to_string();
        for mode in [0o600, 0o640, 0o400] {
            with_mode(&path, mode);
            assert_eq!(read_secret(&place).unwrap().reveal(), "correct horse");
        }
        for mode in [0o644, 0o660, 0o604] {
            with_mode(&path, mode);
            let error = read_secret(&place).unwrap_err();
            assert!(error.contains("other users can"), "{mode:o} {error}");
            assert!(read_key(&path).unwrap_err().contains("other users can"), "{mode:o}");
        }
        with_mode(&path, 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read_secret(&link.display().to_string()).unwrap_err().contains("cannot be opened"));
        // Programs that renew certificates replace a link.
        assert_eq!(read_key(&link).unwrap(), b"correct horse\n");
        for text in ["", "\n", "two\nlines\n"] {
            fs::write(&path, text).unwrap();
            assert!(read_secret(&place).unwrap_err().ends_with("expected one line of text"));
        }
    }

    #[test]
    fn credential_is_read_from_the_folder_of_the_service_manager() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mqtt"), "x").unwrap();
        assert_eq!(credential(Some(folder.path()), "mqtt").unwrap(), b"x");
        assert!(
            credential(Some(folder.path()), "..").unwrap_err().contains("name of a credential")
        );
        assert!(credential(None, "mqtt").unwrap_err().contains("LoadCredential=mqtt"));
    }

    #[test]
    fn file_of_another_user_is_refused() {
        assert!(trusted(1000, 0o600, 1000, 0o022).is_ok());
        assert!(trusted(0, 0o644, 1000, 0o022).is_ok());
        assert_eq!(
            trusted(1001, 0o600, 1000, 0o022).unwrap_err(),
            "expected owner 1000 or root, found 1001; to change that: chown"
        );
        assert_eq!(
            trusted(0, 0o100_664, 1000, 0o022).unwrap_err(),
            "other users can change it (mode 664); to change that: chmod go-w"
        );
    }
}
