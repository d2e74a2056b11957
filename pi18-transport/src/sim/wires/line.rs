//! The line to one unit: bytes in both directions, each with the time at which it arrives.
//!
//! With the switch `pace`, a byte takes the time of ten bits (start bit, eight data bits, stop bit), and
//! bytes are sent one after another. The switch `think` is the time between the last byte of a request and
//! the first byte of its reply.
//!
//! A unit is half duplex: while it computes or sends a reply, it ignores incoming bytes.

use std::{collections::VecDeque, time::Duration};

use bytes::{BufMut, BytesMut};
use pi18_proto::FrameReader;

use super::damage::damaged;
use crate::sim::{
    chance::happens, protocol::input::UnitInput, report::REPORT_LENGTH,
    switches::groups::LineSwitches,
};

/// The line between a host and a unit, with the bytes in transit.
#[derive(Debug)]
pub(crate) struct Line {
    /// Bytes to the unit, each with its time of arrival.
    requests: VecDeque<(Duration, u8)>,
    /// Bytes to the host.
    replies: VecDeque<ReplyByte>,
    /// Reader with which the unit finds requests among the bytes.
    reader: FrameReader,
    /// Time at which the last byte reaches the unit.
    request_end: Duration,
    /// Time at which the last byte reaches the host.
    reply_end: Duration,
    /// Time until which the unit computes or sends a reply, and ignores incoming bytes.
    busy_until: Duration,
    /// Last reply, without damage.
    last_reply: Vec<u8>,
    /// Number of requests that reached the unit.
    exchanges: u64,
    connected: bool,
    /// Number of times that the line was unplugged.
    disconnects: u64,
    /// Whether a USB adapter is at the host's end, so that replies arrive in reports even if the switch
    /// `reports` is off.
    has_adapter: bool,
}

/// A byte on its way to the host.
#[derive(Clone, Copy, Debug)]
struct ReplyByte {
    /// Time of arrival.
    due: Duration,
    byte: u8,
    /// Whether the byte starts a new read: the host does not receive it together with earlier bytes.
    starts_read: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            requests: VecDeque::new(),
            replies: VecDeque::new(),
            reader: FrameReader::new(),
            request_end: Duration::ZERO,
            reply_end: Duration::ZERO,
            busy_until: Duration::ZERO,
            last_reply: Vec::new(),
            exchanges: 0,
            connected: true,
            disconnects: 0,
            has_adapter: false,
        }
    }
}

impl Line {
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Unplugs the line. Bytes in transit are lost.
    pub(crate) fn disconnect(&mut self) {
        let exchanges = self.exchanges;
        self.set_disconnected();
        *self = Self { connected: false, exchanges, ..self.empty() };
    }

    /// Plugs the line in again, without earlier bytes, and counts exchanges from 0.
    pub(crate) fn reconnect(&mut self) {
        if !self.connected {
            *self = self.empty();
        }
    }

    /// Returns how often the line was unplugged. The count reveals an interruption that is already over.
    pub(crate) fn disconnects(&self) -> u64 {
        self.disconnects
    }

    /// Attaches a USB adapter to the host's end, so that replies arrive in reports, or removes it.
    pub(crate) fn set_adapter(&mut self, on: bool) {
        self.has_adapter = on;
    }

    /// Marks the line as unplugged, and counts the interruption.
    fn set_disconnected(&mut self) {
        self.disconnects += u64::from(self.connected);
        self.connected = false;
    }

    /// Returns a connected line without bytes, with the same adapter and number of interruptions.
    fn empty(&self) -> Self {
        Self { disconnects: self.disconnects, has_adapter: self.has_adapter, ..Self::default() }
    }

    /// Sends bytes to the unit; they are lost if the line is unplugged.
    pub(crate) fn host_send(&mut self, bytes: &[u8], now: Duration, switches: &LineSwitches) {
        if self.disconnect_is_due(switches) {
            self.disconnect();
        }
        if !self.connected {
            return;
        }
        let start = self.request_end.max(now);
        for (count, &byte) in (1..).zip(bytes) {
            self.request_end = start + line_time(count, switches);
            self.requests.push_back((self.request_end, byte));
        }
    }

    /// Returns the time at which the next byte reaches the unit.
    pub(crate) fn arrival(&self) -> Option<Duration> {
        self.requests.front().map(|(due, _)| *due)
    }

    /// Returns the time at which the next byte reaches either end.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let reply = self.replies.front().map(|reply| reply.due);
        self.arrival().into_iter().chain(reply).min()
    }

    /// Delivers the next byte to the unit. If it completes an input that the unit does not ignore, returns
    /// the input and its time of arrival.
    pub(crate) fn unit_receive(&mut self, ignores_checksum: bool) -> Option<(Duration, UnitInput)> {
        let (at, byte) = self.requests.pop_front()?;
        if at < self.busy_until {
            return None;
        }
        let byte = [byte];
        let mut bytes = byte.as_slice();
        let mut input = None;
        while let Some(received) = self.reader.next(&mut bytes) {
            input = Some(UnitInput::from_received(received, ignores_checksum));
        }
        input.filter(|input| !matches!(input, UnitInput::Noise)).map(|input| (at, input))
    }

    /// Sends the unit's answer to an input that arrived at `at`; `None` ends the exchange without a reply.
    pub(crate) fn unit_reply(
        &mut self,
        reply: Option<Vec<u8>>,
        at: Duration,
        switches: &LineSwitches,
        random: &mut fastrand::Rng,
    ) {
        self.exchanges += 1;
        let Some(reply) = reply else {
            if self.disconnect_is_due(switches) {
                self.disconnect();
            }
            return;
        };
        let bytes = damaged(&reply, switches, random);
        let start = at + switches.think;
        self.busy_until = start + line_time(bytes.len().try_into().unwrap_or_default(), switches);
        let late = if happens(switches.late, random) { switches.late_by } else { Duration::ZERO };
        self.transmit(&bytes, start + late, switches);
        if happens(switches.stale, random) {
            let stale = if self.last_reply.is_empty() { &reply } else { &self.last_reply }.clone();
            self.append_stale(&stale, switches);
        }
        self.last_reply = reply;
    }

    /// Sends bytes to the host at the pace of the line.
    fn transmit(&mut self, bytes: &[u8], from: Duration, switches: &LineSwitches) {
        let start = self.reply_end.max(from);
        let mut count = 0;
        for report in bytes.chunks(self.chunk_length(switches)) {
            count += u64::try_from(report.len()).unwrap_or_default();
            self.reply_end = start + line_time(count, switches);
            self.put(report, switches, false);
        }
    }

    /// Appends bytes that arrive at the same time as the end of the last reply, but in a separate read.
    fn append_stale(&mut self, bytes: &[u8], switches: &LineSwitches) {
        for (index, report) in bytes.chunks(self.chunk_length(switches)).enumerate() {
            self.put(report, switches, index == 0);
        }
    }

    /// Queues one chunk, which arrives at `reply_end`. A report is padded with zeros.
    fn put(&mut self, report: &[u8], switches: &LineSwitches, starts_read: bool) {
        let padding = self.chunk_length(switches) - report.len();
        for (index, &byte) in report.iter().chain(std::iter::repeat_n(&0, padding)).enumerate() {
            let starts_read = starts_read && index == 0;
            self.replies.push_back(ReplyByte { due: self.reply_end, byte, starts_read });
        }
    }

    /// Returns how many bytes reach the host at the same time: one, or a whole report.
    fn chunk_length(&self, switches: &LineSwitches) -> usize {
        if switches.reports || self.has_adapter { REPORT_LENGTH } else { 1 }
    }

    /// Appends the bytes that have arrived by `now` to `buffer`.
    pub(crate) fn host_receive(
        &mut self,
        now: Duration,
        buffer: &mut BytesMut,
        switches: &LineSwitches,
    ) {
        let before = buffer.len();
        while let Some(reply) = self.replies.front().copied().filter(|reply| reply.due <= now) {
            if reply.starts_read && buffer.len() > before {
                break;
            }
            buffer.put_u8(reply.byte);
            self.replies.pop_front();
        }
        if self.disconnect_is_due(switches) {
            self.set_disconnected();
        }
    }

    /// Returns whether the exchanges that the switch `disconnect` allows are over and the host has read all
    /// replies.
    fn disconnect_is_due(&self, switches: &LineSwitches) -> bool {
        self.replies.is_empty() && switches.disconnect.is_some_and(|max| self.exchanges >= max)
    }
}

/// Returns the time that bytes take on the line, ten bits each.
fn line_time(bytes: u64, switches: &LineSwitches) -> Duration {
    const BITS: u64 = 10;
    let baud = switches.pace.map(u64::from);
    baud.map_or(Duration::ZERO, |baud| {
        Duration::from_nanos((bytes * BITS * 1_000_000_000).div_ceil(baud))
    })
}
