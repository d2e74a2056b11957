//! Messages on standard error.

use std::{io, io::IsTerminal};

use lvx_settings::{DiagnosticStyle, Diagnostics};
use pi18_transport::printable;

/// A line on standard error; if even that is closed, the exit status has to do.
pub(crate) fn print_error(text: &str) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("lvx: {}\n", printable(text)));
}

/// What is wrong or unwise in a file, underlined, on standard error.
pub(crate) fn print_diagnostics(found: &Diagnostics) {
    let colors =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let text = found.render(if colors { DiagnosticStyle::Color } else { DiagnosticStyle::Plain });
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{text}\n"));
}

/// Something that is going on, on standard error.
pub(crate) fn print_note(text: &str) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{}\n", printable(text)));
}
