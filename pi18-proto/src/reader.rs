//! Finds the frames in a stream of bytes.

use crate::{
    DecodeError, Frame, MAX_FRAME,
    error::Excerpt,
    frame::{SHORTEST, is_start},
};

/// Finds the frames in a stream of bytes that arrives in chunks of any size.
///
/// Zeros between frames are skipped, because HID reports are padded with them. All other bytes that
/// are not part of a frame are returned too, so that they can be logged. The reader buffers at most
/// `N` bytes.
///
/// A frame ends at its carriage return. If the bytes before it are not a frame, each later `^` or `(`
/// among them is tried as a start. So a frame that lost its end does not hide the next one.
///
/// ```
/// use pi18_proto::{FrameReader, Received};
///
/// let mut reader = FrameReader::new();
/// let mut count = 0;
/// for mut chunk in [&b"noise^D0050"[..], b"5\xD9\x9F\r\0\0"] {
///     while let Some(received) = reader.next(&mut chunk) {
///         match received {
///             Received::Frame { frame, skipped, .. } => {
///                 assert_eq!((frame.data(), skipped), (&b"05"[..], &b"noise"[..]));
///                 count += 1;
///             }
///             Received::Discarded { error, .. } => panic!("{error}"),
///         }
///     }
/// }
/// assert_eq!(count, 1);
/// ```
#[derive(Clone, Debug)]
pub struct FrameReader<const N: usize = MAX_FRAME> {
    buffer: [u8; N],
    len: usize,
    /// The number of buffered bytes that the last call returned.
    done: usize,
}

/// The bytes found by a [`FrameReader`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Received<'a> {
    /// A frame, and the bytes discarded before it.
    Frame {
        /// The frame.
        frame: Frame<'a>,
        /// The bytes of the frame.
        bytes: &'a [u8],
        /// The bytes before the frame that are not part of any frame; usually none.
        skipped: &'a [u8],
    },
    /// Bytes that are not a frame.
    Discarded {
        /// The bytes.
        bytes: &'a [u8],
        /// The reason why they are not a frame.
        error: DecodeError,
    },
}

impl FrameReader {
    /// Creates a reader for frames of any length.
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
    /// Creates a reader for frames of at most `N` bytes. Longer frames are discarded.
    #[must_use]
    pub const fn with_capacity() -> Self {
        const { assert!(N >= SHORTEST, "N is less than the length of the shortest frame") };
        Self { buffer: [0; N], len: 0, done: 0 }
    }

    /// Takes bytes from the start of `input` until it finds a frame, or bytes that are not a frame.
    ///
    /// Returns `None` after it has taken all bytes.
    pub fn next<'a>(&'a mut self, input: &mut &[u8]) -> Option<Received<'a>> {
        self.drop_done();
        while let Some((&byte, rest)) = input.split_first() {
            if self.len == N {
                return Some(self.overflow());
            }
            *input = rest;
            // A zero between frames is padding; within a frame it is data or checksum.
            if byte == 0 && self.len == 0 {
                continue;
            }
            if let Some(place) = self.buffer.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
            if byte == b'\r' {
                self.done = self.len;
                return Some(examine(self.buffered()));
            }
        }
        None
    }

    /// Returns and discards the bytes of an unfinished frame, for example after a timeout.
    pub fn flush(&mut self) -> Option<Received<'_>> {
        self.drop_done();
        self.done = self.len;
        match self.buffered() {
            [] => None,
            bytes => Some(examine(bytes)),
        }
    }

    /// Returns the bytes of an unfinished frame.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.done..self.len).unwrap_or_default()
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Removes the bytes that the last call returned.
    fn drop_done(&mut self) {
        if self.done > 0 {
            self.buffer.copy_within(self.done..self.len, 0);
            self.len -= self.done;
            self.done = 0;
        }
    }

    /// Discards the bytes before the next possible start of a frame.
    fn overflow(&mut self) -> Received<'_> {
        let next = self.buffered().iter().skip(1).position(|&byte| is_start(byte));
        self.done = next.map_or(self.len, |at| at + 1);
        let bytes = self.buffer.get(..self.done).unwrap_or_default();
        Received::Discarded { bytes, error: DecodeError::TooLong { limit: N } }
    }
}

/// Searches `bytes` for a frame that ends with them, and tries each possible start in turn.
///
/// If there is no such frame, the result has the error of the first start.
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

    /// Returns the data of each frame, and skipped and discarded bytes in brackets.
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
    fn assert_found(stream: &[u8], expected: &[&str]) {
        for chunk in 1..=stream.len() {
            assert_eq!(found::<MAX_FRAME>(stream, chunk), expected, "in chunks of {chunk}");
        }
    }

    #[test]
    fn frames_are_found_in_any_chunks_and_zero_padding() {
        let stream = [MODE, &[0; 6], PROTOCOL, &[0; 3], MODE].concat();
        assert_found(&stream, &["05", "18", "05"]);
    }

    #[test]
    fn zero_in_checksum_is_not_skipped() {
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
        assert_found(&frame, &[&data]);
    }

    #[test]
    fn junk_before_a_frame_is_reported() {
        assert_found(&[b"junk", MODE].concat(), &["[junk] 05"]);
        assert_found(&[b"junk\r", MODE].concat(), &["[junk\\r]", "05"]);
        assert_found(&[b"^^(^D", MODE].concat(), &["[^^(^D] 05"]);
    }

    #[test]
    fn frame_without_end_does_not_hide_the_next_one() {
        assert_found(&[&MODE[..7], PROTOCOL].concat(), &["[^D00505] 18"]);
        assert_found(&[&MODE[..9], PROTOCOL, MODE].concat(), &["[^D00505\\xd9\\x9f] 18", "05"]);
    }

    #[test]
    fn damaged_frame_is_reported() {
        assert_found(b"^D00506\xD9\x9F\r", &["[^D00506\\xd9\\x9f\\r]"]);
    }

    #[test]
    fn frame_after_more_junk_than_capacity_is_found() {
        let junk = [b'x'; 40];
        let stream = [&junk[..], MODE].concat();
        let found = found::<16>(&stream, 7);
        assert_eq!(found.last().unwrap().rsplit(' ').next(), Some("05"));
        let discarded: usize = found.iter().map(|text| text.matches('x').count()).sum();
        assert_eq!(discarded, junk.len());
    }

    #[test]
    fn flush_returns_the_unfinished_frame_once() {
        let mut reader = FrameReader::new();
        assert_eq!(reader.next(&mut &MODE[..5]), None);
        assert_eq!(reader.pending(), b"^D005");
        let received = reader.flush().unwrap();
        let error = DecodeError::Unfinished { length: 5 };
        assert_eq!(received, Received::Discarded { bytes: b"^D005", error });
        assert!(reader.flush().is_none());
    }
}
