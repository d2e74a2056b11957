//! Cuts a byte stream into frames.

use crate::{
    DecodeError, Frame, MAX_FRAME,
    error::Excerpt,
    frame::{SHORTEST, is_start},
};

/// Finds frames in a stream that may be cut anywhere, padded with zeros (HID reports are) and
/// disturbed by junk. It holds at most `N` bytes, and reports all it throws away but padding.
///
/// A frame ends at its carriage return. If what lies before that is damaged, each later start in it
/// is tried, so that a frame whose end was lost does not take the next one with it.
///
/// ```
/// use pi18_proto::{FrameReader, Received};
///
/// let mut reader = FrameReader::new();
/// let mut found = 0;
/// for chunk in [&b"noise^D0050"[..], b"5\xD9\x9F\r\0\0"] {
///     let mut rest = chunk;
///     while let Some(received) = reader.next(&mut rest) {
///         let Received::Frame { frame, skipped, .. } = received else { continue };
///         assert_eq!((frame.data(), skipped), (&b"05"[..], &b"noise"[..]));
///         found += 1;
///     }
/// }
/// assert_eq!(found, 1);
/// ```
#[derive(Clone, Debug)]
pub struct FrameReader<const N: usize = MAX_FRAME> {
    buffer: [u8; N],
    len: usize,
    /// How many of the bytes held were handed out by the last call.
    done: usize,
}

/// What a [`FrameReader`] found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Received<'a> {
    /// A frame, and what was thrown away before it.
    Frame {
        /// The frame.
        frame: Frame<'a>,
        /// Its bytes.
        bytes: &'a [u8],
        /// Bytes before it that belong to no frame; mostly none.
        skipped: &'a [u8],
    },
    /// Bytes that are no frame.
    Discarded {
        /// The bytes.
        bytes: &'a [u8],
        /// What is wrong with them.
        error: DecodeError,
    },
}

impl FrameReader {
    /// A reader for any frame there is.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_capacity()
    }
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> FrameReader<N> {
    /// A reader for frames of at most `N` bytes; a longer one is thrown away.
    #[must_use]
    pub const fn with_capacity() -> Self {
        const { assert!(N >= SHORTEST, "no frame would fit") };
        Self { buffer: [0; N], len: 0, done: 0 }
    }

    /// Takes bytes from `input` until something is found; `None` once all are taken.
    pub fn next<'a>(&'a mut self, input: &mut &[u8]) -> Option<Received<'a>> {
        self.drop_done();
        while let Some((&byte, rest)) = input.split_first() {
            if self.len == N {
                return Some(self.overflow());
            }
            *input = rest;
            // Padding stands between frames; inside one a zero is data or checksum.
            if byte == 0 && self.len == 0 {
                continue;
            }
            if let Some(place) = self.buffer.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
            if byte == b'\r' {
                self.done = self.len;
                return Some(examine(self.held()));
            }
        }
        None
    }

    /// Gives up on what is held: a frame that will not be finished.
    pub fn flush(&mut self) -> Option<Received<'_>> {
        self.drop_done();
        self.done = self.len;
        match self.held() {
            [] => None,
            held => Some(examine(held)),
        }
    }

    /// The bytes held of a frame that is not finished yet.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.done..self.len).unwrap_or_default()
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    fn drop_done(&mut self) {
        if self.done > 0 {
            self.buffer.copy_within(self.done..self.len, 0);
            self.len -= self.done;
            self.done = 0;
        }
    }

    /// Throws away up to the next start, which may be that of a whole frame.
    fn overflow(&mut self) -> Received<'_> {
        let next = self.held().iter().skip(1).position(|&byte| is_start(byte));
        self.done = next.map_or(self.len, |at| at + 1);
        let bytes = self.buffer.get(..self.done).unwrap_or_default();
        Received::Discarded { bytes, error: DecodeError::TooLong { limit: N } }
    }
}

/// The first start from which the bytes are a whole frame; what the first start said if none is.
fn examine(bytes: &[u8]) -> Received<'_> {
    let mut first = None;
    for at in 0..bytes.len() {
        let (skipped, candidate) = bytes.split_at(at);
        if !candidate.first().copied().is_some_and(is_start) {
            continue;
        }
        match Frame::parse(candidate) {
            Ok(frame) => {
                return Received::Frame { frame, bytes: candidate, skipped };
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    let error = first.unwrap_or(DecodeError::NotAFrame { found: Excerpt::of(bytes) });
    Received::Discarded { bytes, error }
}

#[cfg(test)]
mod tests {
    use std::{string::String, vec::Vec};

    use super::*;

    const MODE: &[u8] = b"^D00505\xD9\x9F\r";
    const PROTOCOL: &[u8] = b"^D00518;\x03\r";

    /// What is found, as text: data of frames, what was skipped in brackets.
    fn found<const N: usize>(stream: &[u8], chunk: usize) -> Vec<String> {
        let mut reader = FrameReader::<N>::with_capacity();
        let mut found = Vec::new();
        for mut rest in stream.chunks(chunk) {
            while let Some(received) = reader.next(&mut rest) {
                found.push(match received {
                    Received::Frame { frame, skipped: [], .. } => {
                        std::format!("{}", frame.data().escape_ascii())
                    }
                    Received::Frame { frame, skipped, .. } => {
                        let (data, skipped) = (frame.data().escape_ascii(), skipped.escape_ascii());
                        std::format!("[{skipped}] {data}")
                    }
                    Received::Discarded { bytes, .. } => std::format!("[{}]", bytes.escape_ascii()),
                });
            }
        }
        found
    }

    #[track_caller]
    fn finds(stream: &[u8], wanted: &[&str]) {
        for chunk in 1..=stream.len() {
            assert_eq!(found::<MAX_FRAME>(stream, chunk), wanted, "in chunks of {chunk}");
        }
    }

    #[test]
    fn takes_any_chunking_and_zero_padding() {
        let stream = [MODE, &[0; 6], PROTOCOL, &[0; 3], MODE].concat();
        finds(&stream, &["05", "18", "05"]);
    }

    #[test]
    fn keeps_a_zero_in_a_checksum() {
        let (data, frame) = (0..)
            .find_map(|n: u32| {
                let data = std::format!("{n:08}");
                let mut frame = std::format!("^D011{data}").into_bytes();
                let checksum = crate::checksum(&frame);
                frame.extend(checksum);
                frame.push(b'\r');
                checksum.contains(&0).then_some((data, frame))
            })
            .unwrap();
        finds(&frame, &[&data]);
    }

    #[test]
    fn reports_junk_before_a_frame() {
        finds(&[b"junk", MODE].concat(), &["[junk] 05"]);
        finds(&[b"junk\r", MODE].concat(), &["[junk\\r]", "05"]);
        finds(&[b"^^(^D", MODE].concat(), &["[^^(^D] 05"]);
    }

    #[test]
    fn a_frame_without_its_end_does_not_take_the_next_one_along() {
        finds(&[&MODE[..7], PROTOCOL].concat(), &["[^D00505] 18"]);
        finds(&[&MODE[..9], PROTOCOL, MODE].concat(), &["[^D00505\\xd9\\x9f] 18", "05"]);
    }

    #[test]
    fn reports_a_damaged_frame() {
        finds(b"^D00506\xD9\x9F\r", &["[^D00506\\xd9\\x9f\\r]"]);
    }

    #[test]
    fn is_bounded_and_loses_no_whole_frame_behind_junk() {
        let junk = [b'x'; 40];
        let stream = [&junk[..], MODE].concat();
        let found = found::<16>(&stream, 7);
        assert_eq!(found.last().unwrap().rsplit(' ').next(), Some("05"));
        let thrown: usize = found.iter().map(|text| text.matches('x').count()).sum();
        assert_eq!(thrown, junk.len());
    }

    #[test]
    fn gives_up_when_told() {
        let mut reader = FrameReader::new();
        assert_eq!(reader.next(&mut &MODE[..5]), None);
        assert_eq!(reader.pending(), b"^D005");
        let received = reader.flush().unwrap();
        let error = DecodeError::Unfinished { have: 5 };
        assert_eq!(received, Received::Discarded { bytes: b"^D005", error });
        assert!(reader.flush().is_none());
    }
}
