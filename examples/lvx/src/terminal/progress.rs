//! Progress of queries, shown after half a second if standard error is a terminal.
//!
//! Shows one line for each unit: the current query, and the remaining time until its timeout. The lines
//! are removed when all replies have arrived.

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

/// Whether progress is hidden (`--quiet`).
static QUIET: AtomicBool = AtomicBool::new(false);

/// Hides progress from now on.
pub(crate) fn silence() {
    QUIET.store(true, Ordering::Relaxed);
}

pub(crate) fn is_silenced() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Shows the queries of several units until it is dropped.
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

/// A unit with its current query.
struct Unit {
    name: String,
    asking: Option<Asking>,
}

/// A query that has no reply yet.
#[derive(Clone)]
struct Asking {
    question: String,
    since: Instant,
    patience: Duration,
}

impl Progress {
    /// Starts showing progress after half a second, if standard error is a terminal.
    pub(crate) fn start() -> Self {
        let drawn = Arc::<Drawn>::default();
        let is_shown = !is_silenced() && io::stderr().is_terminal();
        let thread = is_shown.then(|| {
            let drawn = Arc::clone(&drawn);
            thread::spawn(move || drawn.draw())
        });
        Self { drawn, thread }
    }

    /// Adds a line for a unit. Returns the observer for its client.
    pub(crate) fn observer(
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

    /// Adds a line with a fixed text.
    pub(crate) fn note(&self, text: &str) {
        self.drawn.lock().units.push(Unit { name: text.to_owned(), asking: None });
    }

    /// Adds a line for the queries of a client.
    pub(crate) fn watch(&self, name: &str, client: &mut Client<impl Link>) {
        client.observe(self.observer(name));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.drawn.lock().is_over = true;
        self.drawn.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of this thread does not affect the replies.
            let _ = thread.join();
        }
    }
}

impl Drawn {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end, at most `time`. Returns whether it has ended.
    fn wait(&self, time: Duration) -> bool {
        let state = self.lock();
        let waited = self.ended.wait_timeout_while(state, time, |state| !state.is_over);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_over
    }

    fn draw(&self) {
        if self.wait(DELAY) {
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
            if self.wait(INTERVAL) {
                break;
            }
        }
        for bar in mem::take(&mut bars) {
            bar.finish_and_clear();
        }
    }
}

impl Unit {
    /// Returns the line of the unit: `sim:1  PIRI`, or `sim:1  PIRI, no reply for 3 s, waiting 3 s more`.
    fn text(&self) -> String {
        let Self { name, asking } = self;
        let name = printable(name);
        let Some(Asking { question, since, patience }) = asking else { return name.into_owned() };
        let waited = since.elapsed();
        if waited < LATE {
            return format!("{name}  {question}");
        }
        let more = patience.saturating_sub(waited);
        let (waited, more) = (waited.as_secs(), more.as_secs() + 1);
        format!("{name}  {question}, no reply for {waited} s, waiting {more} s more")
    }
}

/// Delay before progress is shown.
const DELAY: Duration = Duration::from_millis(500);

/// Time after which a reply is late; at 2400 baud, no reply takes longer.
const LATE: Duration = Duration::from_secs(1);

/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);

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
    fn line_of_silent_unit_shows_elapsed_and_remaining_time() {
        assert_eq!(text(Duration::ZERO), "/dev/hidraw0\\u001b[2J  PIRI");
        assert_eq!(
            text(Duration::from_millis(2500)),
            "/dev/hidraw0\\u001b[2J  PIRI, no reply for 2 s, waiting 4 s more"
        );
        assert!(text(Duration::from_mins(2)).ends_with("waiting 1 s more"));
    }
}
