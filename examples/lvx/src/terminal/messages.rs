//! Messages on standard error.

use std::{
    io,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
};

use lvx_settings::{DiagnosticStyle, Diagnostics};
use pi18_transport::printable;

/// Prints an error or a warning. If standard error is closed, only the exit status reports it.
pub(crate) fn print_error(text: &str) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("lvx: {}\n", printable(text)));
}

/// Prints errors and warnings about a file with source snippets.
pub(crate) fn print_diagnostics(found: &Diagnostics) {
    let colors =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let text = found.render(if colors { DiagnosticStyle::Color } else { DiagnosticStyle::Plain });
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{text}\n"));
}

/// Prints a message that is neither an error nor a warning: progress, or a next step. While notes are held, keeps it.
pub(crate) fn print_note(text: &str) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *held {
        Some(notes) if notes.len() < MAX_HELD => notes.push(text.to_owned()),
        Some(_) => {}
        None => write_note(text),
    }
}

fn write_note(text: &str) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{}\n", printable(text)));
}

/// Keeps notes, instead of printing them, until the guard is dropped. It then prints them.
#[cfg(feature = "watch")]
pub(crate) fn hold_notes() -> HeldNotes {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    HeldNotes(())
}

/// Prints the notes that were held when it is dropped.
#[cfg(feature = "watch")]
#[derive(Debug)]
#[must_use]
pub(crate) struct HeldNotes(());

#[cfg(feature = "watch")]
impl Drop for HeldNotes {
    fn drop(&mut self) {
        let notes = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
        notes.into_iter().flatten().for_each(|note| write_note(&note));
    }
}

/// Notes that wait while the screen is used.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);
/// Greatest number of notes that wait.
const MAX_HELD: usize = 20;

#[cfg(all(test, feature = "watch"))]
mod tests {
    use super::*;

    #[test]
    fn notes_are_held_and_bounded() {
        let held = hold_notes();
        for number in 0..50 {
            print_note(&format!("note {number}"));
        }
        let count = || HELD.lock().unwrap().as_ref().map(Vec::len);
        assert_eq!(count(), Some(MAX_HELD));
        drop(held);
        assert_eq!(count(), None);
    }
}
