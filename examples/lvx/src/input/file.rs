//! Input files: regular files of limited size; `-` is standard input.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use pi18_transport::{open_file, read_bounded};

use crate::terminal::Failure;

/// Returns the name of a file in messages.
pub(crate) fn file_name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Opens a file for streaming.
pub(crate) fn open_input(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = if is_descriptor(path) { open_descriptor(path) } else { open_file(path) };
    Ok(Box::new(opened.map_err(|error| unreadable(path, &error))?))
}

/// Reads a whole file of at most `max_bytes`.
pub(crate) fn read_input(path: &Path, max_bytes: usize) -> Result<Vec<u8>, Failure> {
    read_bounded(open_input(path)?, max_bytes).map_err(|error| unreadable(path, &error))
}

/// Reads a whole UTF-8 text of at most `max_bytes`.
pub(crate) fn read_text(path: &Path, max_bytes: usize) -> Result<String, Failure> {
    String::from_utf8(read_input(path, max_bytes)?).map_err(|_| {
        let error = "expected UTF-8 text, found other bytes";
        Failure::usage(format_args!("{}: cannot be read: {error}", file_name(path)))
    })
}

/// Reads a profile, a plan or a battery guard. Returns its name in messages and its content.
pub(crate) fn read_bytes(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    Ok((file_name(path), read_input(path, MAX_BYTES)?))
}

/// Returns the error for a file that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::InvalidInput => {
            "; to read a pipe, use `-` and redirect standard input: `< PIPE`"
        }
        _ => "",
    };
    Failure::usage(format_args!("{}: cannot be read: {error}{hint}", file_name(path)))
}

/// Returns whether a path names standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Returns whether standard input has more data, or ends, within a second.
pub(crate) fn stdin_is_ready() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdin = io::stdin();
    let mut input = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut input, Some(&Timespec { tv_sec: 1, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// Returns whether a path is that of an open file descriptor, which shells create for `<(…)`.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// Opens a file descriptor of the shell: the pipe of a command, or a regular file.
fn open_descriptor(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::FileTypeExt;

    if path.metadata()?.file_type().is_fifo() { File::open(path) } else { open_file(path) }
}

/// Maximum size of a profile, a plan or a battery guard, in bytes.
const MAX_BYTES: usize = 16 << 20;
