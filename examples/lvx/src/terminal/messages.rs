//! Messages on standard error.

use std::{io, io::IsTerminal};

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

/// Prints a message that is neither an error nor a warning: progress, or a next step.
pub(crate) fn print_note(text: &str) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{}\n", printable(text)));
}
