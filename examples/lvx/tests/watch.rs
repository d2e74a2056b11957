//! `lvx watch` on a real terminal: keys, sizes, and the terminal after every way of ending.
#![cfg(all(feature = "watch", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::{
    fs::File,
    io::{Read, Write},
    net::TcpListener,
    os::{fd::AsFd, unix::net::UnixListener},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize},
};

/// A program on a terminal of its own.
struct Screen {
    terminal: File,
    /// The other end, which keeps the terminal alive after the program has ended.
    end: File,
    child: Program,
    before: Termios,
    /// Everything that the program has written.
    text: String,
    shown: Shown,
}

/// A program that is killed at the end of a test that failed.
struct Program(Child);

impl Program {
    /// Waits for the end.
    #[track_caller]
    fn end(mut self) -> ExitStatus {
        let process = pidfd_open(Pid::from_child(&self.0), PidfdFlags::empty()).unwrap();
        let is_over = is_readable(&process, GUARD);
        assert!(is_over, "the program did not end");
        self.0.wait().unwrap()
    }
}

/// Waits until there is something to read. Returns whether there is.
fn is_readable(file: &impl AsFd, time: Duration) -> bool {
    let nanos = i64::from(time.subsec_nanos());
    let time = Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap(), tv_nsec: nanos };
    poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&time)).unwrap() > 0
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the terminal shows: the part of a terminal that `lvx watch` uses.
struct Shown {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// The beginning of a sequence whose end was not read yet.
    begun: Vec<u8>,
}

impl Shown {
    fn new(columns: usize, rows: usize) -> Self {
        Self { lines: vec![vec![' '; columns]; rows], row: 0, column: 0, begun: Vec::new() }
    }

    fn contains(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.iter().collect::<String>().contains(text))
    }

    fn take(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.begun);
        let mut rest = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap(),
        };
        let mut left = bytes.len() - rest.len();
        while let Some(letter) = rest.chars().next() {
            if letter == '\u{1b}' {
                let end = rest.find(|letter: char| letter.is_ascii_alphabetic());
                let Some(end) = end else {
                    left += rest.len();
                    break;
                };
                self.sequence(&rest[2..end], &rest[end..=end]);
                rest = &rest[end + 1..];
                continue;
            }
            if let Some(cell) =
                self.lines.get_mut(self.row).and_then(|line| line.get_mut(self.column))
            {
                *cell = letter;
            }
            self.column += 1;
            rest = &rest[letter.len_utf8()..];
        }
        self.begun = bytes[bytes.len() - left..].to_vec();
    }

    fn sequence(&mut self, numbers: &str, last: &str) {
        match last {
            "H" => {
                let (row, column) = numbers.split_once(';').unwrap_or(("1", "1"));
                self.row = row.parse::<usize>().unwrap() - 1;
                self.column = column.parse::<usize>().unwrap() - 1;
            }
            "J" => self.lines.iter_mut().for_each(|line| line.fill(' ')),
            _ => {}
        }
    }
}

impl Screen {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        // Programs that other tests start at the same time must not hold the terminal open.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        resize(&terminal, 80, 24);
        let path = ptsname(&terminal, Vec::new()).unwrap();
        let end = File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
        let before = tcgetattr(&end).unwrap();
        // `setsid` makes it the controlling terminal, so that a new size is a signal.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(env!("CARGO_BIN_EXE_lvx"))
            .args(arguments)
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .envs(variables.iter().copied())
            .stdin(end.try_clone().unwrap())
            .stdout(end.try_clone().unwrap())
            .stderr(end.try_clone().unwrap())
            .spawn()
            .unwrap();
        Self {
            terminal: terminal.into(),
            end,
            child: Program(child),
            before,
            text: String::new(),
            shown: Shown::new(200, 60),
        }
    }

    /// Reads until the text occurs in what was written after `from`. Returns the place after it.
    #[track_caller]
    fn wait_for(&mut self, from: usize, text: &str) -> usize {
        let limit = Instant::now() + GUARD;
        loop {
            if let Some(at) = self.text.get(from..).and_then(|new| new.find(text)) {
                return from + at + text.len();
            }
            assert!(Instant::now() < limit, "{text:?} is missing in {:?}", self.text.get(from..));
            self.read(Duration::from_millis(200));
        }
    }

    /// Reads until the screen shows a text.
    #[track_caller]
    fn wait_until_shown(&mut self, text: &str) {
        let limit = Instant::now() + GUARD;
        while !self.shown.contains(text) {
            assert!(Instant::now() < limit, "{text:?} is missing in {:#?}", self.lines());
            self.read(Duration::from_millis(200));
        }
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.shown.lines.iter();
        lines.map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect()
    }

    /// Reads what is there within a time.
    fn read(&mut self, time: Duration) {
        if is_readable(&self.terminal, time) {
            let mut bytes = [0; 8192];
            let length = self.terminal.read(&mut bytes).unwrap();
            self.text.push_str(&String::from_utf8_lossy(&bytes[..length]));
            self.shown.take(&bytes[..length]);
        }
    }

    fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child.0)
    }

    /// Waits for the end while reading, and checks that the terminal is as it was.
    #[track_caller]
    fn ended(mut self) -> (ExitStatus, String) {
        let limit = Instant::now() + GUARD;
        let status = loop {
            if let Some(status) = self.child.0.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < limit, "did not end: {:?}", self.text);
            self.read(Duration::from_millis(50));
        };
        self.read(Duration::ZERO);
        self.is_restored();
        (status, std::mem::take(&mut self.text))
    }

    /// Checks that the modes are those of the start, the alternate screen was left, and the cursor is shown.
    #[track_caller]
    fn is_restored(&self) {
        let now = tcgetattr(&self.end).unwrap();
        assert_eq!(now.local_modes, self.before.local_modes);
        assert_eq!(now.input_modes, self.before.input_modes);
        assert_eq!(now.output_modes, self.before.output_modes);
        let last = |sequence| self.text.rfind(sequence);
        assert!(last(LEAVE) > last(ENTER), "{:?}", self.text);
        assert!(last(SHOW) > last(HIDE), "{:?}", self.text);
    }
}

fn resize(terminal: impl AsFd, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";
const HIDE: &str = "\u{1b}[?25l";
const SHOW: &str = "\u{1b}[?25h";
/// Only against hanging.
const GUARD: Duration = Duration::from_mins(1);
const BANK: [&str; 3] = ["watch", "sim:0", "sim:1"];

#[test]
fn keys_and_sizes_change_the_screen_and_q_ends() {
    let mut screen = Screen::start(&BANK, &[]);
    screen.wait_for(0, ENTER);
    screen.wait_until_shown("All is well");
    assert!(!tcgetattr(&screen.end).unwrap().local_modes.contains(LocalModes::ICANON));
    screen.press("?");
    screen.wait_until_shown("next page: overview, each unit, findings");
    screen.press("?");
    screen.press("\u{1b}[C");
    screen.wait_until_shown("serial number 96132206100410");
    screen.press("f");
    screen.wait_until_shown("info: slave firmware differs");
    resize(&screen.terminal, 60, 20);
    screen.wait_until_shown("the terminal has 60 × 20");
    resize(&screen.terminal, 120, 36);
    screen.press("o");
    screen.wait_until_shown("Together");
    screen.wait_until_shown(" Since ");
    screen.press("c");
    screen.wait_until_shown("[chart]");
    screen.press("q");
    let (status, _) = screen.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn silent_unit_does_not_delay_keys() {
    let mut screen = Screen::start(&["watch", "sim:0", "sim:1?silent=1&timeout=600s"], &[]);
    // The first unit is shown, although the second one is still asked.
    screen.wait_until_shown("without sim:1");
    screen.press("?");
    screen.wait_until_shown("next page");
    screen.press("\u{3}");
    assert_eq!(screen.ended().0.code(), Some(0));
}

/// Returns whether this test runs with SIGHUP ignored, as under `nohup`. The program then ignores it too.
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1
}

#[test]
fn termination_signals_restore_the_terminal() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        if signal == Signal::HUP && is_hang_up_ignored() {
            continue;
        }
        let mut screen = Screen::start(&BANK, &[]);
        screen.wait_until_shown("SUN");
        kill_process(screen.pid(), signal).unwrap();
        let (status, text) = screen.ended();
        assert_eq!(status.code(), Some(0), "{signal:?}: {text:?}");
    }
}

#[test]
fn terminal_that_goes_away_ends_the_program() {
    let mut screen = Screen::start(&BANK, &[]);
    screen.wait_until_shown("SUN");
    let Screen { terminal, end, child, .. } = screen;
    drop((terminal, end));
    // Either the signal comes first, or reading fails first.
    let status = child.end();
    assert!(matches!(status.code(), Some(0 | 2)), "{status:?}");
}

#[test]
fn note_is_printed_after_the_screen_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bridge.sock");
    // A bridge that never answers in its language.
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"?\n");
        }
    });
    // No one listens at this address any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("tcp:127.0.0.1:{port}");
    let variables = [("LVX_BRIDGE_SOCKET", socket.to_str().unwrap())];
    let mut screen = Screen::start(&["watch", &address], &variables);
    screen.wait_until_shown("does not answer");
    screen.press("q");
    let (status, text) = screen.ended();
    assert_eq!(status.code(), Some(0));
    let (shown, after) = text.rsplit_once(LEAVE).unwrap();
    assert!(!shown.contains("the bridge is not used"), "{shown:?}");
    assert_eq!(after.matches("the bridge is not used").count(), 1, "{after:?}");
}

/// Starts a bridge with a virtual bank, and returns it with its port.
#[cfg(feature = "bridge")]
fn demo(scene: &str, port: &str) -> (Program, String) {
    use std::io::{BufRead, BufReader};

    let mut bridge = Command::new(env!("CARGO_BIN_EXE_lvx"))
        .args(["bridge", scene, "--port", port])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(bridge.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("/api/v1/bank")).unwrap();
    let (_, port) = line.split_once("127.0.0.1:").unwrap();
    let port = port.split('/').next().unwrap().to_owned();
    // The bridge must not block on a full pipe.
    thread::spawn(move || lines.for_each(drop));
    (Program(bridge), port)
}

#[test]
#[cfg(feature = "bridge")]
fn bridge_is_shown_again_after_it_was_gone() {
    let (bridge, port) = demo("--demo", "0");
    let url = format!("http://127.0.0.1:{port}");
    let mut screen = Screen::start(&["watch", "--bridge", &url], &[]);
    screen.wait_until_shown("All is well");
    screen.wait_until_shown("kW");
    // The demonstration has a past.
    screen.press("c");
    screen.wait_until_shown(" Last 24 h ");
    drop(bridge);
    screen.wait_until_shown("No word from the bridge at http://127.0.0.1");
    let (_bridge, _) = demo("--demo", &port);
    screen.wait_until_shown("All is well");
    screen.press("q");
    assert_eq!(screen.ended().0.code(), Some(0));
}

#[test]
#[cfg(feature = "bridge")]
fn packs_of_a_bridge_are_shown() {
    let (_bridge, port) = demo("--demo=packs", "0");
    let arguments = ["watch", "--bridge", &format!("http://127.0.0.1:{port}")];
    let mut screen = Screen::start(&arguments, &[]);
    screen.wait_until_shown(" Packs ");
    screen.wait_until_shown(" 2 units, 3 packs");
    let limit = Instant::now() + GUARD;
    let is_read = |line: &String| line.starts_with(" pack-") && line.contains(" – 3.");
    while screen.lines().iter().filter(|line| is_read(line)).count() < 3 {
        assert!(Instant::now() < limit, "{:#?}", screen.lines());
        screen.read(Duration::from_millis(200));
    }
    screen.press("q");
    assert_eq!(screen.ended().0.code(), Some(0));
    let mut child = pipe(&arguments);
    let text = read_until(&mut child, |text| text.contains(" | packs 3, 5"));
    assert!(text.contains(" V, "), "{text}");
}

#[test]
fn stopped_program_gives_the_terminal_back_and_continues() {
    let mut screen = Screen::start(&BANK, &[]);
    screen.wait_until_shown("SUN");
    let mut at = 0;
    for is_key in [true, false] {
        if is_key {
            screen.press("\u{1a}");
        } else {
            kill_process(screen.pid(), Signal::TSTP).unwrap();
        }
        at = screen.wait_for(at, LEAVE);
        // Returns when the program has stopped.
        let (_, status) = waitpid(Some(screen.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?}");
        screen.read(Duration::ZERO);
        screen.is_restored();
        kill_process(screen.pid(), Signal::CONT).unwrap();
        at = screen.wait_for(at, ENTER);
        screen.wait_until_shown("SUN");
    }
    screen.press("q");
    assert_eq!(screen.ended().0.code(), Some(0));
}

#[test]
fn no_color_sends_no_colour() {
    for variable in ["", "1"] {
        let mut screen = Screen::start(&BANK, &[("NO_COLOR", variable)]);
        screen.wait_until_shown("All is well");
        screen.press("q");
        let (_, text) = screen.ended();
        let mut sequences = text.split("\u{1b}[").filter_map(|part| part.split_once('m'));
        let has_colour = sequences.any(|(codes, _)| {
            let mut codes = codes.split(';').filter_map(|code| code.parse().ok());
            // `38;5;N` is a colour of the terminal's table.
            codes.any(|code: u8| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107))
        });
        assert_eq!(has_colour, variable.is_empty(), "{text:?}");
    }
}

/// Starts the program with a pipe as its output.
fn pipe(arguments: &[&str]) -> Program {
    let lvx = env!("CARGO_BIN_EXE_lvx");
    Program(Command::new(lvx).args(arguments).stdout(Stdio::piped()).spawn().unwrap())
}

/// Reads the output of a program until it is as it should be.
#[track_caller]
fn read_until(program: &mut Program, is_right: impl Fn(&str) -> bool) -> String {
    let output = program.0.stdout.as_mut().unwrap();
    let limit = Instant::now() + GUARD;
    let mut text = String::new();
    while !is_right(&text) {
        assert!(Instant::now() < limit && is_readable(output, GUARD), "{text}");
        let mut bytes = [0; 4096];
        let length = output.read(&mut bytes).unwrap();
        assert_ne!(length, 0, "{text}");
        text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
    }
    text
}

#[test]
fn pipe_receives_a_line_for_each_reading() {
    let arguments =
        ["watch", "sim:0", "sim:1", "sim:pack0", "sim:pack1", "sim:pack2", "--every", "1s"];
    let mut child = pipe(&arguments);
    let text = read_until(&mut child, |text| text.lines().count() >= 3);
    // A closed pipe ends the program without an error.
    drop(child.0.stdout.take());
    assert_eq!(child.end().code(), Some(0));
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let first = text.lines().next().unwrap();
    for part in [" starting: ", " | sun ", " | load ", " | battery ", " | grid "] {
        assert!(first.contains(part), "{part:?}: {text}");
    }
    assert!(text.contains(" ok: All is well"), "{text}");
    assert!(text.contains(" | packs 3, 5"), "{text}");
}
