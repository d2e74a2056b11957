//! Reads files that a user names: regular files of limited size.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    path::Path,
};

/// Opens a regular file for reading.
///
/// Unlike [`File::open`], this neither opens a device, which can have side effects, nor blocks on a
/// named pipe.
///
/// # Errors
/// If the file cannot be opened, or is not a regular file.
pub fn open_file(path: &Path) -> io::Result<File> {
    // Check before opening: opening a device can already affect it.
    check(&path.metadata()?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // Another file may be at the path by now: do not block on it, and check it again below.
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;

        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().try_into().unwrap_or_default());
    }
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Reads a whole regular file of at most `max_bytes`.
///
/// ```
/// use std::path::Path;
///
/// let error = pi18_transport::read_file(Path::new("/dev/zero"), 1000).unwrap_err();
/// assert_eq!(error.to_string(), "expected a regular file, found a device");
/// ```
///
/// # Errors
/// If the file cannot be read, is not a regular file, or is larger.
pub fn read_file(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    read_bounded(open_file(path)?, max_bytes)
}

/// Reads an input of at most `max_bytes` to its end.
///
/// ```
/// assert_eq!(pi18_transport::read_bounded(&b"GS"[..], 2)?, b"GS");
/// assert!(pi18_transport::read_bounded(&b"GS"[..], 1).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// If the input cannot be read, or is longer.
pub fn read_bounded(input: impl Read, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    input.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        let why = format!("expected at most {max_bytes} bytes, found more");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let why = format!("expected a regular file, found {}", kind(metadata));
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    let kind = metadata.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_larger_than_the_limit_is_an_error() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let bytes = read_file(path, 1 << 20).unwrap();
        assert!(bytes.starts_with(b"[package]"));
        assert_eq!(read_file(path, bytes.len()).unwrap(), bytes);
        let error = read_file(path, bytes.len() - 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn folder_device_and_pipe_are_not_read() {
        let found = |path: &str| read_file(Path::new(path), 9).unwrap_err().to_string();
        assert_eq!(found("/"), "expected a regular file, found a folder");
        assert_eq!(found("/dev/zero"), "expected a regular file, found a device");
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        let found = found(pipe.to_str().unwrap());
        assert_eq!(found, "expected a regular file, found a named pipe");
    }
}
