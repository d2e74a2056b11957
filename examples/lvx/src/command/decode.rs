//! `lvx decode`: decodes logged frames into one line of JSON per input line.

mod content;
mod json;
mod line;

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read, Write},
};

use pi18_transport::CaptureDirection;

use self::{
    content::Content,
    json::Object,
    line::{Id, Line},
};
use crate::{
    args, input,
    terminal::{Failure, Status, Stdout},
};

pub(crate) fn run(args: &args::Decode, out: &mut Stdout) -> Result<Status, Failure> {
    let mut input = BufReader::with_capacity(CHUNK, input::open_input(&args.file)?);
    let mut decoder = Decoder::default();
    // Output that is not written yet.
    let mut pending = Vec::with_capacity(2 * CHUNK);
    loop {
        while let Some(end) = input.buffer().iter().position(|&byte| byte == b'\n') {
            decoder.decode(input.buffer().get(..end).unwrap_or_default(), &mut pending);
            input.consume(end + 1);
            if pending.len() > CHUNK {
                out.write_all(&pending)?;
                pending.clear();
            }
        }
        // Write all output before waiting for the next line.
        out.write_all(&pending)?;
        pending.clear();
        out.flush()?;
        if out.is_closed() && input::is_stdin(&args.file) && !input::stdin_is_ready() {
            return Ok(decoder.status);
        }
        let line = next_line(&mut input);
        match line.map_err(|error| input::unreadable(&args.file, &error))? {
            Some(line) => decoder.decode(&line, &mut pending),
            None => return Ok(decoder.status),
        }
    }
}

/// Reads the next line and truncates it to `MAX_LINE`; `None` at the end of the input.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read =
        input.take(u64::try_from(MAX_LINE).unwrap_or(u64::MAX)).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok((read > 0).then_some(line))
}

/// Size of reads and writes, in bytes.
const CHUNK: usize = 64 * 1024;

/// Maximum length of a line, in bytes: the longest frame with each byte as `\xNN`, and the other fields.
const MAX_LINE: usize = 16 * 1024;

/// State that is kept from line to line.
struct Decoder {
    /// Number of lines so far, including blank ones.
    lines: u64,
    /// Last request of a capture, which the next reply answers.
    asked: Option<String>,
    status: Status,
    /// Buffer for the names of codes, which are written after the values.
    names: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { lines: 0, asked: None, status: Status::Ok, names: Vec::new() }
    }
}

impl Decoder {
    /// Decodes a line and appends a line of JSON to `out`.
    fn decode(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.lines += 1;
        let number = self.lines;
        let text = text.get(..MAX_LINE).unwrap_or(text);
        if text.trim_ascii().is_empty() {
            return;
        }
        let line = str::from_utf8(text)
            .map_err(|_| "expected UTF-8 text, found other bytes".to_owned())
            .and_then(Line::parse);
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                self.status = self.status.max(Status::Usage);
                let error = format!("line {number}: {error}");
                let content = Content::default();
                return write(out, &mut self.names, &Id::Unsigned(number), &content, Some(&error));
            }
        };
        let mut content = Content { command: line.command, ..Content::default() };
        if line.direction == Some(CaptureDirection::Received) && content.command.is_none() {
            content.command = self.asked.as_deref().map(Into::into);
        }
        let error = content.read(&line.bytes).err();
        if error.is_some() {
            self.status = self.status.max(Status::Findings);
        }
        let id = line.id.unwrap_or(Id::Unsigned(number));
        write(out, &mut self.names, &id, &content, error.as_deref());
        if line.direction == Some(CaptureDirection::Sent) {
            self.asked = content.command.map(Cow::into_owned);
        }
    }
}

fn write(
    out: &mut Vec<u8>,
    names: &mut Vec<u8>,
    id: &Id<'_>,
    content: &Content<'_>,
    error: Option<&str>,
) {
    let mut line = Object::open(out);
    match id {
        Id::Text(text) => line.text("id", text),
        Id::Unsigned(number) => line.any("id", number),
        Id::Signed(number) => line.any("id", number),
        Id::Other(id) => line.any("id", id),
    }
    line.text_or_null("command", content.command.as_deref());
    line.text_or_null("kind", content.kind);
    line.any("ok", &error.is_none());
    match error {
        None => line.fields(|visitor| content.fields.visit(visitor), names),
        Some(error) => line.text("error", error),
    }
    if !content.candidates.is_empty() {
        line.any("candidates", &content.candidates);
    }
    line.any("warnings", &content.warnings);
    line.close();
    out.push(b'\n');
}
