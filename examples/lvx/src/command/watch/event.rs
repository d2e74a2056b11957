//! What the drawing thread waits for.

use std::{io, sync::mpsc::SyncSender, thread};

use ratatui::crossterm::event::KeyEvent;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// There is something new to show. `is_round` if the units were read once more.
    Changed { is_round: bool },
    /// A key was pressed.
    Key(KeyEvent),
    /// The terminal has another size.
    Resized,
    /// A signal arrived.
    Signal(i32),
    /// The terminal has no more input.
    InputEnded(io::Error),
    /// A thread panicked.
    Panicked,
}

/// Reports the panic of the thread that holds it.
#[derive(Debug)]
pub(super) struct PanicGuard(pub(super) SyncSender<Event>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if thread::panicking() {
            // Without a receiver, the program ends anyway.
            let _ = self.0.send(Event::Panicked);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn panic_of_a_thread_is_an_event_and_its_end_is_none() {
        for does_panic in [true, false] {
            let (sender, events) = sync_channel(1);
            let guard = PanicGuard(sender);
            let thread = thread::spawn(move || {
                let _guard = guard;
                assert!(!does_panic, "the thread panics");
            });
            assert_eq!(thread.join().is_err(), does_panic);
            assert_eq!(matches!(events.recv(), Ok(Event::Panicked)), does_panic);
        }
    }
}
