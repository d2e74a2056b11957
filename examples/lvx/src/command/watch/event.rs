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
