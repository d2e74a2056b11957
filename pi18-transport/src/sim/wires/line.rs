//! The line to one unit: each byte with its time, both ways, and what goes wrong on the way.

use std::{collections::VecDeque, time::Duration};

use bytes::{BufMut, BytesMut};
use pi18_proto::FrameReader;

use super::damage::damaged;
use crate::sim::{
    chance::happens, protocol::input::UnitInput, report::REPORT_LENGTH,
    switches::groups::LineSwitches,
};

/// What is on its way between a host and a unit.
#[derive(Debug)]
pub(crate) struct Line {
    /// To the unit, each byte with the time at which it is in.
    requests: VecDeque<(Duration, u8)>,
    /// To the host.
    replies: VecDeque<Reply>,
    reader: FrameReader,
    /// When the last byte to the unit is in.
    sent: Duration,
    /// When the last byte to the host is in.
    answered: Duration,
    /// Until then the unit computes or sends.
    busy: Duration,
    /// The last reply, undisturbed.
    earlier: Vec<u8>,
    exchanges: u64,
    connected: bool,
    /// How often it was pulled.
    pulls: u64,
    /// Whether a USB adapter is at the host's end, whatever the switch says.
    in_reports: bool,
}

/// One byte to the host.
#[derive(Clone, Copy, Debug)]
struct Reply {
    due: Duration,
    byte: u8,
    /// Does not come along with what is taken before it.
    apart: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            requests: VecDeque::new(),
            replies: VecDeque::new(),
            reader: FrameReader::new(),
            sent: Duration::ZERO,
            answered: Duration::ZERO,
            busy: Duration::ZERO,
            earlier: Vec::new(),
            exchanges: 0,
            connected: true,
            pulls: 0,
            in_reports: false,
        }
    }
}

impl Line {
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    pub(crate) fn disconnect(&mut self) {
        let exchanges = self.exchanges;
        self.pull();
        *self = Self { connected: false, exchanges, ..self.empty() };
    }

    pub(crate) fn reconnect(&mut self) {
        if !self.connected {
            *self = self.empty();
        }
    }

    /// How often it was disconnected, which tells of one that was connected again at once.
    #[cfg(unix)]
    pub(crate) fn pulls(&self) -> u64 {
        self.pulls
    }

    /// Whether replies come in reports, as through a USB adapter, even if the switch is off.
    pub(crate) fn put_in_reports(&mut self, on: bool) {
        self.in_reports = on;
    }

    fn pull(&mut self) {
        self.pulls += u64::from(self.connected);
        self.connected = false;
    }

    /// One like this with nothing on it.
    fn empty(&self) -> Self {
        Self { pulls: self.pulls, in_reports: self.in_reports, ..Self::default() }
    }

    /// Bytes start on their way to the unit.
    pub(crate) fn send(&mut self, bytes: &[u8], now: Duration, switches: &LineSwitches) {
        if self.is_used_up(switches) {
            self.disconnect();
        }
        if !self.connected {
            return;
        }
        let start = self.sent.max(now);
        for (count, &byte) in (1..).zip(bytes) {
            self.sent = start + line_time(count, switches);
            self.requests.push_back((self.sent, byte));
        }
    }

    /// When the next byte reaches the unit.
    pub(crate) fn arrival(&self) -> Option<Duration> {
        self.requests.front().map(|(due, _)| *due)
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        let reply = self.replies.front().map(|reply| reply.due);
        self.arrival().into_iter().chain(reply).min()
    }

    /// The unit gets the next byte: what it makes of it and when, if that ends something.
    pub(crate) fn receive(&mut self, ignores_checksum: bool) -> Option<(Duration, UnitInput)> {
        let (at, byte) = self.requests.pop_front()?;
        if at < self.busy {
            return None;
        }
        let byte = [byte];
        let mut bytes = byte.as_slice();
        let mut input = None;
        while let Some(received) = self.reader.next(&mut bytes) {
            input = Some(UnitInput::of(received, ignores_checksum));
        }
        input.filter(|input| !matches!(input, UnitInput::Noise)).map(|input| (at, input))
    }

    /// The unit's answer to what came in at `at` sets out.
    pub(crate) fn answer(
        &mut self,
        reply: Option<Vec<u8>>,
        at: Duration,
        switches: &LineSwitches,
        random: &mut fastrand::Rng,
    ) {
        self.exchanges += 1;
        let Some(reply) = reply else {
            if self.is_used_up(switches) {
                self.disconnect();
            }
            return;
        };
        let bytes = damaged(&reply, switches, random);
        let start = at + switches.think;
        self.busy = start + line_time(bytes.len().try_into().unwrap_or_default(), switches);
        let late = if happens(switches.late, random) { switches.late_by } else { Duration::ZERO };
        self.transmit(&bytes, start + late, switches);
        if happens(switches.stale, random) {
            let stale = if self.earlier.is_empty() { &reply } else { &self.earlier }.clone();
            self.leave(&stale, switches);
        }
        self.earlier = reply;
    }

    fn transmit(&mut self, bytes: &[u8], from: Duration, switches: &LineSwitches) {
        let start = self.answered.max(from);
        let mut count = 0;
        for report in bytes.chunks(self.together(switches)) {
            count += u64::try_from(report.len()).unwrap_or_default();
            self.answered = start + line_time(count, switches);
            self.put(report, switches, false);
        }
    }

    /// Bytes that lie in the line behind the last reply, all at once.
    fn leave(&mut self, bytes: &[u8], switches: &LineSwitches) {
        for (at, report) in bytes.chunks(self.together(switches)).enumerate() {
            self.put(report, switches, at == 0);
        }
    }

    fn put(&mut self, report: &[u8], switches: &LineSwitches, apart: bool) {
        let padding = self.together(switches) - report.len();
        for (at, &byte) in report.iter().chain(std::iter::repeat_n(&0, padding)).enumerate() {
            let apart = apart && at == 0;
            self.replies.push_back(Reply { due: self.answered, byte, apart });
        }
    }

    /// How many bytes reach the host at the same time.
    fn together(&self, switches: &LineSwitches) -> usize {
        if switches.reports || self.in_reports { REPORT_LENGTH } else { 1 }
    }

    /// Appends what is there by now.
    pub(crate) fn take(&mut self, now: Duration, buffer: &mut BytesMut, switches: &LineSwitches) {
        let before = buffer.len();
        while let Some(reply) = self.replies.front().copied().filter(|reply| reply.due <= now) {
            if reply.apart && buffer.len() > before {
                break;
            }
            buffer.put_u8(reply.byte);
            self.replies.pop_front();
        }
        if self.is_used_up(switches) {
            self.pull();
        }
    }

    /// All exchanges that `disconnect` grants are over.
    fn is_used_up(&self, switches: &LineSwitches) -> bool {
        self.replies.is_empty() && switches.disconnect.is_some_and(|most| self.exchanges >= most)
    }
}

/// What so many bytes take: ten bits each.
fn line_time(bytes: u64, switches: &LineSwitches) -> Duration {
    const BITS: u64 = 10;
    let baud = switches.pace.map(u64::from);
    baud.map_or(Duration::ZERO, |baud| {
        Duration::from_nanos((bytes * BITS * 1_000_000_000).div_ceil(baud))
    })
}
