//! Runs a program.

use std::{
    io::{self, Write},
    os::unix::{fs::MetadataExt, net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, geteuid, kill_process_group, pidfd_open},
};

/// Runs a program without a shell, with an empty environment and `text` on its standard input, and waits for its end.
/// When it has ended, after `timeout`, or when the other end of `stopped` is closed, all of its process group is killed.
pub(super) fn run(
    program: &Path,
    arguments: &[String],
    timeout: Duration,
    text: &str,
    stopped: &UnixStream,
) -> Result<(), String> {
    let program = check(program)?;
    let mut child = Command::new(&program)
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A program may end without reading.
        let _ = input.write_all(text.as_bytes());
    }
    let end = wait(&child, timeout, stopped);
    // The leader is not reaped yet, so the number of the group still belongs to it.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    match end {
        Ok(End::Timeout) => {
            Err(format!("did not end within {} s and was killed", timeout.as_secs()))
        }
        Ok(End::Stopped) => Err("was killed, because the bridge stops or reloads".to_owned()),
        Ok(End::Exited) if status.success() => Ok(()),
        Ok(End::Exited) => Err(format!("expected exit status 0, found {status}")),
        Err(error) => Err(format!("cannot be waited for: {error}")),
    }
}

/// Why a program is no longer waited for.
enum End {
    Exited,
    Timeout,
    Stopped,
}

/// Waits for the end of a program.
fn wait(child: &Child, timeout: Duration, stopped: &UnixStream) -> io::Result<End> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let id = id.ok_or_else(|| io::Error::other("it has no process id"))?;
    let process = pidfd_open(id, PidfdFlags::empty())?;
    let timeout =
        Timespec::try_from(timeout).map_err(|_| io::Error::other("timeout is too long"))?;
    let mut events = [PollFd::new(&process, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
    poll(&mut events, Some(&timeout))?;
    let [process, stopped] = events.map(|event| !event.revents().is_empty());
    Ok(match (process, stopped) {
        (true, _) => End::Exited,
        (_, true) => End::Stopped,
        (false, false) => End::Timeout,
    })
}

/// Returns the path without links, if no other user can replace the program: neither the file nor a folder above it.
fn check(program: &Path) -> Result<PathBuf, String> {
    if !program.is_absolute() {
        return Err(format!("expected an absolute path, found {}", program.display()));
    }
    let path = program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?;
    let own = geteuid().as_raw();
    for (place, part) in path.ancestors().enumerate() {
        let meta =
            part.symlink_metadata().map_err(|error| format!("{}: {error}", part.display()))?;
        let is_file = place == 0;
        if is_file && !meta.is_file() {
            return Err(format!("expected a file, found something else at {}", part.display()));
        }
        if meta.uid() != own && meta.uid() != 0 {
            return Err(format!(
                "expected {} to belong to root or to the user of the bridge",
                part.display()
            ));
        }
        // In a folder with the sticky bit, others can add files, but not replace this one.
        let is_sticky = !is_file && meta.mode() & 0o1000 != 0;
        if meta.mode() & 0o022 != 0 && !is_sticky {
            return Err(format!(
                "expected {} to be writable by its owner only; chmod go-w it",
                part.display()
            ));
        }
    }
    Ok(path)
}
