//! Properties of the messages on the socket of a bridge.

use std::fmt::Debug;

use pi18_transport::bridge::{
    LineReader, MAX_LINE, WireError, parse_answer, parse_request, write_line,
};
use serde_json::Value;

/// Reads lines from a stream in chunks, and parses each as a message of either side; the first byte of `data` is the
/// chunk size.
///
/// The chunk size does not change the lines. A line that is a message is written as a line that is the same message, and
/// says nothing that the first line did not say.
///
/// # Panics
/// If the property is violated.
pub fn lease_wire(data: &[u8]) {
    let Some((&chunk, stream)) = data.split_first() else { return };
    for max in [MAX_LINE, 64] {
        let whole = read(stream, stream.len().max(1), max);
        assert_eq!(read(stream, usize::from(chunk) + 1, max), whole);
    }
    let lines = stream.split(|&byte| byte == b'\n').chain([stream]);
    for line in lines {
        check(line, parse_request);
        check(line, parse_answer);
    }
}

/// Returns the lines, and whether the reader ended with an error.
fn read(stream: &[u8], chunk: usize, max: usize) -> (Vec<Vec<u8>>, bool) {
    let (mut reader, mut lines) = (LineReader::new(max), Vec::new());
    for bytes in stream.chunks(chunk) {
        reader.push(bytes);
        loop {
            match reader.next_line() {
                Ok(Some(line)) => {
                    assert!(line.len() < max && !line.contains(&b'\n'));
                    lines.push(line);
                }
                Ok(None) => break,
                Err(_) => return (lines, true),
            }
        }
    }
    (lines, false)
}

fn check<T: Debug + PartialEq + serde::Serialize>(
    line: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, WireError>,
) {
    let message = match parse(line) {
        Ok(message) => message,
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("expected a message of the bridge protocol: "), "{text}");
            return;
        }
    };
    let written = write_line(&message);
    assert_eq!(written.iter().position(|&byte| byte == b'\n'), Some(written.len() - 1));
    // A line of the maximum length has no room for a line feed that it did not have.
    assert!(written.len() <= line.len() + 1 || written.len() <= MAX_LINE, "{message:?}");
    if written.len() <= MAX_LINE {
        assert_eq!(parse(&written).as_ref(), Ok(&message));
    }
    let (Ok(Value::Object(before)), Ok(Value::Object(after))) =
        (serde_json::from_slice(line), serde_json::from_slice(&written))
    else {
        // A key may be there twice in a line that is read into a map.
        panic!("{message:?}: expected an object")
    };
    assert!(after.keys().all(|key| before.contains_key(key)), "{message:?}");
}
