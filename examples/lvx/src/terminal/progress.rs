//! What is being asked, drawn on a terminal's standard error while it takes longer than half a second.
//!
//! A line for each unit: the question, and how long one that does not answer is still waited for. It
//! is gone once the answers are there. Where standard error is no terminal nothing is drawn.

use std::{
    io::{self, IsTerminal},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pi18_transport::{Client, Link, printable};

/// Whether the user wants nothing drawn.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Draws nothing from now on.
pub(crate) fn silence() {
    QUIET.store(true, Ordering::Relaxed);
}

pub(crate) fn is_silenced() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Draws what its units are asked until it is dropped.
pub(crate) struct Progress {
    drawn: Arc<Drawn>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Drawn {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    units: Vec<Unit>,
    is_over: bool,
}

/// A unit, and what it is asked right now.
struct Unit {
    name: String,
    asking: Option<Asking>,
}

#[derive(Clone)]
struct Asking {
    question: String,
    since: Instant,
    patience: Duration,
}

impl Progress {
    /// Draws from half a second on, if standard error is a terminal.
    pub(crate) fn start() -> Self {
        let drawn = Arc::<Drawn>::default();
        let is_wanted = !is_silenced() && io::stderr().is_terminal();
        let thread = is_wanted.then(|| {
            let drawn = Arc::clone(&drawn);
            thread::spawn(move || drawn.draw())
        });
        Self { drawn, thread }
    }

    /// What a unit's line is made from: to be called with what its client does.
    pub(crate) fn of(
        &self,
        name: &str,
    ) -> impl FnMut(pi18_transport::QueryProgress) + Send + use<> {
        let place = {
            let mut state = self.drawn.lock();
            state.units.push(Unit { name: name.to_owned(), asking: None });
            state.units.len() - 1
        };
        let drawn = Arc::clone(&self.drawn);
        move |progress| {
            let asking = match progress {
                pi18_transport::QueryProgress::Asking { request, patience } => {
                    let question = request.to_string();
                    Some(Asking { question, since: Instant::now(), patience })
                }
                _ => None,
            };
            if let Some(unit) = drawn.lock().units.get_mut(place) {
                unit.asking = asking;
            }
        }
    }

    /// Draws a line of its own.
    pub(crate) fn note(&self, text: &str) {
        self.drawn.lock().units.push(Unit { name: text.to_owned(), asking: None });
    }

    /// Draws a line for what a client does.
    pub(crate) fn watch(&self, name: &str, client: &mut Client<impl Link>) {
        client.observe(self.of(name));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.drawn.lock().is_over = true;
        self.drawn.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that cannot draw changes nothing about the answers.
            let _ = thread.join();
        }
    }
}

impl Drawn {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, and says whether all is over.
    fn wait(&self, time: Duration) -> bool {
        let state = self.lock();
        let waited = self.ended.wait_timeout_while(state, time, |state| !state.is_over);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_over
    }

    fn draw(&self) {
        if self.wait(SOON) {
            return;
        }
        let lines = MultiProgress::new();
        let mut bars = Vec::new();
        loop {
            let texts: Vec<_> = self.lock().units.iter().map(Unit::text).collect();
            while bars.len() < texts.len() {
                let bar = ProgressBar::new_spinner();
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                    bar.set_style(style);
                }
                bars.push(lines.add(bar));
            }
            for (bar, text) in bars.iter().zip(texts) {
                bar.set_message(text);
                bar.tick();
            }
            if self.wait(BEAT) {
                break;
            }
        }
        for bar in mem::take(&mut bars) {
            bar.finish_and_clear();
        }
    }
}

impl Unit {
    /// `sim:1  PIRI`, `sim:1  PIRI, no answer for 3 s, waiting 3 s more`
    fn text(&self) -> String {
        let Self { name, asking } = self;
        let name = printable(name);
        let Some(Asking { question, since, patience }) = asking else { return name.into_owned() };
        let waited = since.elapsed();
        if waited < SLOW {
            return format!("{name}  {question}");
        }
        let more = patience.saturating_sub(waited);
        let (waited, more) = (waited.as_secs(), more.as_secs() + 1);
        format!("{name}  {question}, no answer for {waited} s, waiting {more} s more")
    }
}

/// What takes no longer is not drawn.
const SOON: Duration = Duration::from_millis(500);

/// No answer takes longer at 2400 baud.
const SLOW: Duration = Duration::from_secs(1);

/// Between two drawings.
const BEAT: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(waited: Duration) -> String {
        let asking = Asking {
            question: "PIRI".to_owned(),
            since: Instant::now().checked_sub(waited).unwrap(),
            patience: Duration::from_secs(6),
        };
        Unit { name: "/dev/hidraw0\x1b[2J".to_owned(), asking: Some(asking) }.text()
    }

    #[test]
    fn a_line_says_how_long_a_silent_unit_is_waited_for() {
        assert_eq!(text(Duration::ZERO), "/dev/hidraw0\\u001b[2J  PIRI");
        assert_eq!(
            text(Duration::from_millis(2500)),
            "/dev/hidraw0\\u001b[2J  PIRI, no answer for 2 s, waiting 4 s more"
        );
        assert!(text(Duration::from_mins(2)).ends_with("waiting 1 s more"));
    }
}
