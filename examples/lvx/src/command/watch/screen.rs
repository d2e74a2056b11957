//! The terminal while it is used as a screen. It is restored in every way of ending.

use std::{
    io::{self, BufWriter, Stdout},
    mem::ManuallyDrop,
    panic,
    sync::{Mutex, Once, PoisonError},
    thread::{self, ThreadId},
};

use ratatui::{
    Frame, Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::{Hide, Show},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
    layout::Position,
};

/// The terminal as a screen. It is left when this is dropped, also by a panic.
pub(super) struct Screen {
    /// Its own destructor would print an error if the terminal is gone, and panic if that cannot be printed either.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Screen {
    /// Takes the terminal: raw mode and the alternate screen.
    ///
    /// # Errors
    /// If standard output and input are no terminal.
    pub(super) fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(keep_panics_readable);
        let output = BufWriter::new(io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(output))?;
        let mut screen = Self { terminal: ManuallyDrop::new(terminal) };
        screen.take()?;
        Ok(screen)
    }

    /// Takes the terminal again, after it was left or the program was stopped.
    pub(super) fn take(&mut self) -> io::Result<()> {
        // The shell may have changed the modes in the meantime.
        disable_raw_mode()?;
        *lock(&OWNER) = Some(thread::current().id());
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        self.clear()
    }

    /// Draws what has changed.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(render).map(drop)
    }

    /// Draws everything again the next time.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        // `Terminal::clear` would ask the terminal for the place of the cursor, and wait for the answer.
        let size = self.terminal.size()?;
        self.terminal.resize((Position::ORIGIN, size).into())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Restores the terminal. Does nothing if it is not taken.
pub(super) fn leave() {
    if lock(&OWNER).take().is_some() {
        // There is nowhere to report a failure: the terminal is gone.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Returns the message of a thread that panicked while the screen was used.
pub(super) fn panic_message() -> Option<String> {
    lock(&MESSAGE).take()
}

/// Makes panics restore the terminal before they print their message. That of another thread waits until the
/// screen was left, because the screen may be drawn at the same time.
fn keep_panics_readable() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let owner = *lock(&OWNER);
        if owner.is_some_and(|owner| owner != thread::current().id()) {
            *lock(&MESSAGE) = Some(info.to_string());
            return;
        }
        leave();
        previous(info);
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread that has taken the terminal.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);
/// The message of another thread that panicked.
static MESSAGE: Mutex<Option<String>> = Mutex::new(None);

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs::File, io::Read, process::Command};

    use rustix::{
        pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
        termios::{Winsize, tcgetattr, tcsetwinsize},
    };

    use super::*;

    /// What the test below does in a process of its own.
    const TASK: &str = "LVX_TEST_SCREEN_TASK";

    /// Does nothing, except as the child of another test.
    #[test]
    fn child_that_panics() {
        let Ok(task) = std::env::var(TASK) else { return };
        let screen = Screen::enter().unwrap();
        assert_ne!(task, "owner", "the owner panics");
        let panicked = thread::spawn(|| panic!("another thread panics")).join();
        assert!(panicked.is_err());
        drop(screen);
        eprintln!("after the screen: {}", panic_message().unwrap());
    }

    #[test]
    fn panic_is_printed_after_the_terminal_was_restored() {
        for (task, message) in [("owner", "the owner panics"), ("thread", "another thread panics")]
        {
            // Programs that other tests start at the same time must not hold the terminal open.
            let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
            let terminal = openpt(flags).unwrap();
            grantpt(&terminal).unwrap();
            unlockpt(&terminal).unwrap();
            let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
            tcsetwinsize(&terminal, size).unwrap();
            let path = ptsname(&terminal, Vec::new()).unwrap();
            let end = File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
            let before = tcgetattr(&end).unwrap();
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "command::watch::screen::tests::child_that_panics"])
                .arg("--nocapture")
                .env(TASK, task)
                .env("TERM", "xterm")
                .env_remove("RUST_BACKTRACE")
                .stdin(end.try_clone().unwrap())
                .stdout(end.try_clone().unwrap())
                .stderr(end.try_clone().unwrap())
                .spawn()
                .unwrap();
            let status = child.wait().unwrap();
            assert_eq!(status.success(), task == "thread", "{task}");
            let after = tcgetattr(&end).unwrap();
            assert_eq!(after.local_modes, before.local_modes, "{task}");
            assert_eq!(after.output_modes, before.output_modes, "{task}");
            // Reading ends with an error when no one has the other end.
            drop(end);
            let mut bytes = Vec::new();
            let _ = File::from(terminal).read_to_end(&mut bytes);
            let text = String::from_utf8_lossy(&bytes);
            let left = text.rfind("\u{1b}[?1049l").unwrap();
            assert!(text.find(message).unwrap() > left, "{task}: {text:?}");
            assert!(text.rfind("\u{1b}[?25h") > text.rfind("\u{1b}[?25l"), "{task}: {text:?}");
        }
    }
}
