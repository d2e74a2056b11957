//! Standard output: escapes text from outside, and treats a closed pipe as success.

use std::io::{self, Stderr, StdoutLock, Write};

use pi18_transport::printable_lines;

/// A text writer for a terminal, a file or a pipe.
///
/// Escapes control and invisible characters as in JSON, so that they neither control a terminal nor
/// change the meaning of JSON. After the reader of a pipe has closed it, discards all text, so that the
/// exit status reports the result of the command.
#[derive(Debug)]
pub(crate) struct Output<W> {
    inner: W,
    is_closed: bool,
}

/// The standard output that commands write to.
pub(crate) type Stdout = Output<StdoutLock<'static>>;

impl Output<StdoutLock<'static>> {
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout().lock())
    }
}

impl Output<Stderr> {
    pub(crate) fn stderr() -> Self {
        Self::new(io::stderr())
    }
}

impl<W: Write> Output<W> {
    fn new(inner: W) -> Self {
        Self { inner, is_closed: false }
    }

    /// Returns whether the reader of the pipe has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes text unchanged, including colours. The caller has escaped text from outside.
    pub(crate) fn write_styled(&mut self, text: &str) -> io::Result<()> {
        self.unless_closed(|inner| inner.write_all(text.as_bytes()))
    }

    fn unless_closed(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        match write(&mut self.inner) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            result => result,
        }
    }
}

/// Each write must contain whole characters; invalid UTF-8 is replaced.
impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(|inner| {
            if plain_length(bytes) == bytes.len() {
                inner.write_all(bytes)
            } else {
                inner.write_all(&escaped(bytes))
            }
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed(W::flush)
    }
}

/// Returns the text with control and invisible characters escaped.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, after) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        // `other` contains all bytes of each character that is not ASCII.
        let end = after.iter().position(|&byte| is_plain(byte)).unwrap_or(after.len());
        let (other, after) = after.split_at(end);
        out.extend_from_slice(printable_lines(&String::from_utf8_lossy(other)).as_bytes());
        rest = after;
    }
    out
}

/// Returns the number of plain bytes at the start.
fn plain_length(bytes: &[u8]) -> usize {
    // Without an early exit, the compiler can vectorize the check of a chunk.
    let is_all = |chunk: &&[u8]| chunk.iter().fold(true, |all, &byte| all & is_plain(byte));
    let whole: usize = bytes.chunks(64).take_while(is_all).map(<[u8]>::len).sum();
    let rest = bytes.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| is_plain(**byte)).count()
}

/// Returns whether a byte is printable ASCII, a line feed or a tab.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_escapes_text_and_write_styled_does_not() {
        let mut out = Output::new(Vec::new());
        writeln!(out, "unit\u{202e} \u{1b}[31m\t21 °C").unwrap();
        out.write_all(b"\xff\n").unwrap();
        out.write_all(&[&[b'x'; 100], "é\u{200b}y".as_bytes(), b"\n"].concat()).unwrap();
        out.write_styled("\u{1b}[32mhealthy\u{1b}[0m\n").unwrap();
        let long = "x".repeat(100);
        let expected = format!(
            "unit\\u202e \\u001b[31m\t21 °C\n\u{fffd}\n{long}é\\u200by\n\u{1b}[32mhealthy\u{1b}[0m\n"
        );
        assert_eq!(String::from_utf8(out.inner).unwrap(), expected);
    }

    #[test]
    fn closed_pipe_accepts_all_writes() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut out = Output::new(writer);
        for _ in 0..3 {
            writeln!(out, "text").unwrap();
        }
        out.write_styled("text").unwrap();
        out.flush().unwrap();
        assert!(out.is_closed());
    }
}
