//! A pack at the other end of a scripted link, in virtual time.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use pi18_transport::{Error, Link, bytes::BytesMut};

use crate::frames::with_checksum;

/// The probability of each fault, in per cent for each request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) lost_request: u8,
    pub(crate) lost_reply: u8,
    pub(crate) damaged: u8,
    pub(crate) cut: u8,
    pub(crate) late: u8,
    pub(crate) repeated: u8,
    pub(crate) noise: u8,
    pub(crate) of_another_pack: u8,
    pub(crate) busy: u8,
    pub(crate) disconnected: u8,
}

impl Faults {
    /// Each fault, with this probability.
    pub(crate) fn all(percent: u8) -> Self {
        Self {
            lost_request: percent,
            lost_reply: percent,
            damaged: percent,
            cut: percent,
            late: percent,
            repeated: percent,
            noise: percent,
            of_another_pack: percent,
            busy: percent,
            disconnected: percent / 3,
        }
    }
}

/// The pack and the bytes that travel to the host.
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub(crate) struct Pack {
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    /// Bytes with the time of their arrival, in order.
    line: VecDeque<(Instant, Vec<u8>)>,
    pub(crate) random: fastrand::Rng,
    pub(crate) faults: Faults,
    pub(crate) has_echo: bool,
    /// The time up to which the adapter is not ready. Requests before are lost or wait.
    pub(crate) ready: Instant,
    pub(crate) keeps_requests: bool,
    waiting: Vec<Vec<u8>>,
    pub(crate) is_silent: bool,
    pub(crate) is_open: bool,
    pub(crate) opened: u32,
    /// Times at which requests were sent, with their registers.
    pub(crate) requests: Vec<(Duration, u16, u8)>,
    /// Replaces the registers of each reply.
    pub(crate) words: Option<fn(u16, u8) -> Vec<u16>>,
}

/// The host's end of the link. Clones lead to the same pack.
#[derive(Clone)]
pub(crate) struct Wire(pub(crate) Rc<RefCell<Pack>>);

pub(crate) const ADDRESS: u8 = 64;

/// Returns the registers that the pack has at a time: its first two are the time in milliseconds.
pub(crate) fn words(at: Duration, start: u16, count: u8) -> Vec<u16> {
    let at = u32::try_from(at.as_millis()).unwrap();
    let stamp = [u16::try_from(at >> 16).unwrap(), u16::try_from(at & 0xFFFF).unwrap()];
    let rest = (start..).map(|register| register * 7 + u16::from(ADDRESS));
    stamp.into_iter().chain(rest).take(count.into()).collect()
}

impl Wire {
    pub(crate) fn new(seed: u64) -> Self {
        let start = Instant::now();
        Self(Rc::new(RefCell::new(Pack {
            start,
            now: start,
            line: VecDeque::new(),
            random: fastrand::Rng::with_seed(seed),
            faults: Faults::default(),
            has_echo: false,
            ready: start,
            keeps_requests: false,
            waiting: Vec::new(),
            is_silent: false,
            is_open: true,
            opened: 0,
            requests: Vec::new(),
            words: None,
        })))
    }

    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Pack) -> R) -> R {
        change(&mut self.0.borrow_mut())
    }
}

impl Pack {
    fn happens(&mut self, percent: u8) -> bool {
        percent > self.random.u8(0..100)
    }

    /// Puts bytes on the line to the host. They arrive after all earlier ones.
    pub(crate) fn put(&mut self, at: Instant, bytes: Vec<u8>) {
        let at = self.line.back().map_or(at, |(last, _)| at.max(*last));
        self.line.push_back((at, bytes));
    }

    /// Answers a request that reaches the pack at a time.
    fn answer(&mut self, request: &[u8], at: Instant) {
        let &[address, 3, start_high, start_low, 0, count, ..] = request else {
            panic!("expected a request to read, found {request:02X?}")
        };
        assert_eq!(with_checksum(&request[..6]), request);
        let faults = self.faults;
        if address != ADDRESS || self.is_silent || self.happens(faults.lost_request) {
            return;
        }
        let start = u16::from_be_bytes([start_high, start_low]);
        let words = match self.words {
            Some(words) => words(start, count),
            None => words(at - self.start, start, count),
        };
        let mut bytes = vec![address, 3, 2 * count];
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        let mut bytes = with_checksum(&bytes);
        if self.happens(faults.busy) {
            bytes = with_checksum(&[address, 0x83, 6]);
        }
        if self.happens(faults.of_another_pack) {
            let mut other = bytes[..bytes.len() - 2].to_vec();
            other[0] = ADDRESS + 1;
            self.put(at, with_checksum(&other));
        }
        if self.happens(faults.noise) {
            let len = self.random.usize(1..12);
            let noise = (0..len).map(|_| self.random.u8(..)).collect();
            self.put(at, noise);
        }
        if self.happens(faults.damaged) {
            let bit = self.random.usize(0..8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        if self.happens(faults.cut) {
            let from = self.random.usize(0..bytes.len());
            let len = self.random.usize(1..4);
            bytes.drain(from..(from + len).min(bytes.len()));
        }
        if self.happens(faults.lost_reply) {
            return;
        }
        let extra = if self.happens(faults.late) { self.random.u64(300..5000) } else { 0 };
        let first = at + Duration::from_millis(self.random.u64(10..58) + extra);
        // The bytes arrive in two pieces, as at 9600 baud.
        let middle = self.random.usize(0..bytes.len());
        let last = first + Duration::from_millis(u64::try_from(bytes.len()).unwrap());
        let again = bytes.clone();
        self.put(first, bytes[..middle].to_vec());
        self.put(last, bytes[middle..].to_vec());
        if self.happens(faults.repeated) {
            let after = last + Duration::from_millis(self.random.u64(0..90));
            self.put(after, again);
        }
    }

    /// Moves the clock, and lets the requests that an adapter kept reach the pack.
    fn advance(&mut self, to: Instant) {
        if self.now < self.ready && to >= self.ready {
            for request in std::mem::take(&mut self.waiting) {
                self.answer(&request, self.ready);
            }
        }
        self.now = self.now.max(to);
    }
}

impl Link for Wire {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        let mut pack = self.0.borrow_mut();
        let (now, sent) = (pack.now, pack.now - pack.start);
        if !pack.is_open {
            return Err(Error::gone("test"));
        }
        pack.requests.push((sent, u16::from_be_bytes([bytes[2], bytes[3]]), bytes[5]));
        let faults = pack.faults;
        if pack.happens(faults.disconnected) {
            pack.is_open = false;
            pack.line.clear();
            return Err(Error::gone("test"));
        }
        if pack.has_echo {
            pack.put(now, bytes.to_vec());
        }
        if now < pack.ready {
            if pack.keeps_requests {
                pack.waiting.push(bytes.to_vec());
            }
            return Ok(());
        }
        pack.answer(bytes, now + Duration::from_millis(9));
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let mut pack = self.0.borrow_mut();
        if !pack.is_open {
            return Err(Error::gone("test"));
        }
        let next = pack.line.front().map(|(at, _)| *at);
        let ready = Some(pack.ready).filter(|ready| *ready > pack.now && !pack.waiting.is_empty());
        let until = [next, ready].into_iter().flatten().fold(deadline, Instant::min);
        pack.advance(until);
        let now = pack.now;
        while let Some((_, bytes)) = pack.line.pop_front_if(|(at, _)| *at <= now) {
            buffer.extend_from_slice(&bytes);
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        "test"
    }

    fn now(&self) -> Instant {
        self.0.borrow().now
    }

    fn pause(&mut self, time: Duration) {
        let mut pack = self.0.borrow_mut();
        let to = pack.now + time;
        pack.advance(to);
    }

    fn reopen(&mut self, _deadline: Instant) -> Result<bool, Error> {
        let mut pack = self.0.borrow_mut();
        let was_closed = !std::mem::replace(&mut pack.is_open, true);
        pack.opened += u32::from(was_closed);
        Ok(was_closed)
    }
}
