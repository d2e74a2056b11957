//! The bytes between a host and a pack, with faults.

use std::{collections::VecDeque, time::Duration};

use bytes::{BufMut, BytesMut};

use super::{modbus::Request, switches::PackSwitches};
use crate::sim::chance::happens;

/// The line to one pack.
#[derive(Debug, Default)]
pub(super) struct PackLine {
    /// Bytes of a request that is not complete.
    input: Vec<u8>,
    /// Time at which the last byte reached the pack.
    input_end: Duration,
    /// Bytes to the host, each with its time of arrival.
    replies: VecDeque<(Duration, u8)>,
    /// Time at which the adapter was opened.
    opened: Duration,
}

impl PackLine {
    /// Opens the adapter anew. Bytes in transit are lost.
    pub(super) fn open(&mut self, now: Duration) {
        *self = Self { opened: now, ..Self::default() };
    }

    /// Sends bytes to the pack. Returns the requests that are complete.
    pub(super) fn host_send(
        &mut self,
        bytes: &[u8],
        now: Duration,
        switches: &PackSwitches,
    ) -> Vec<Request> {
        if now < self.opened + switches.opening {
            return Vec::new();
        }
        if switches.echo {
            self.replies.extend(bytes.iter().map(|byte| (now, *byte)));
        }
        if now > self.input_end + MAX_GAP {
            self.input.clear();
        }
        let byte_time = byte_time(switches.baud);
        for _ in bytes {
            self.input_end = self.input_end.max(now) + byte_time;
        }
        self.input.extend(bytes);
        let mut requests = Vec::new();
        while let Some(bytes) = self.input.get(..Request::LEN) {
            match Request::read(bytes) {
                Some(request) => {
                    self.input.drain(..Request::LEN);
                    requests.push(request);
                }
                None => drop(self.input.remove(0)),
            }
        }
        requests
    }

    /// Sends a reply to the host.
    pub(super) fn answer(
        &mut self,
        mut reply: Vec<u8>,
        switches: &PackSwitches,
        random: &mut fastrand::Rng,
    ) {
        if happens(switches.silent, random) {
            return;
        }
        if happens(switches.crc, random) {
            let bit = random.usize(0..8 * reply.len());
            if let Some(byte) = reply.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        let last = self.replies.back().map_or(Duration::ZERO, |(due, _)| *due);
        let mut due = last.max(self.input_end + THINK + switches.late);
        for byte in reply {
            due += byte_time(switches.baud);
            self.replies.push_back((due, byte));
        }
    }

    /// Appends the bytes that have reached the host.
    pub(super) fn host_receive(&mut self, now: Duration, buffer: &mut BytesMut) {
        while let Some((_, byte)) = self.replies.pop_front_if(|(due, _)| *due <= now) {
            buffer.put_u8(byte);
        }
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.replies.front().map(|(due, _)| *due)
    }
}

/// Returns the time of one byte, ten bits.
fn byte_time(baud: u32) -> Duration {
    Duration::from_secs(10) / baud.max(1)
}

/// Time between a request and the first byte of its reply.
///
/// Source: observed 10 to 58 ms.
const THINK: Duration = Duration::from_millis(20);

/// The longest pause within a request.
const MAX_GAP: Duration = Duration::from_millis(200);
