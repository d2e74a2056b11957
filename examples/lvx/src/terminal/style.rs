//! Colours and line width of reports.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
};

use lvx_parallel::ReportStyle;

/// Returns the style of reports on standard output: colours on a terminal unless `NO_COLOR` is set, and
/// the width in `COLUMNS` or of the terminal.
pub(crate) fn style() -> ReportStyle {
    let colour = has_colour(io::stdout().is_terminal(), std::env::var_os("NO_COLOR"));
    let style = ReportStyle::default().coloured(colour);
    let width = columns(std::env::var_os("COLUMNS")).or_else(|| terminal_width(io::stdout()));
    width.map_or(style, |width| style.wide(width))
}

fn columns(columns: Option<OsString>) -> Option<usize> {
    columns?.to_str()?.parse().ok().filter(|columns| *columns > 0)
}

/// Returns the width of a terminal in columns; `None` without a terminal or if its width is unknown.
fn terminal_width(output: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(output).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Returns whether to use colours. Any value of `NO_COLOR` that is not empty disables them.
///
/// Source: no-color.org.
fn has_colour(is_terminal: bool, no_color: Option<OsString>) -> bool {
    is_terminal && no_color.is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_must_be_a_positive_number() {
        assert_eq!(columns(Some("77".into())), Some(77));
        for none in [None, Some("".into()), Some("0".into()), Some("wide".into())] {
            assert_eq!(columns(none), None);
        }
    }

    #[test]
    fn terminal_width_is_read_if_known() {
        use rustix::{
            pty::{OpenptFlags, openpt},
            termios::{Winsize, tcsetwinsize},
        };

        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        assert_eq!(terminal_width(&terminal), None);
        let size = Winsize { ws_row: 24, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        assert_eq!(terminal_width(&terminal), Some(77));
        assert_eq!(terminal_width(std::fs::File::open("/dev/null").unwrap()), None);
    }

    #[test]
    fn colours_need_a_terminal_without_no_color() {
        assert!(has_colour(true, None));
        assert!(has_colour(true, Some("".into())));
        assert!(!has_colour(true, Some("1".into())));
        assert!(!has_colour(false, None));
    }
}
