//! One connection: its unit, its access, and its frames.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    sync::{Arc, mpsc::RecvTimeoutError},
    time::{Duration, Instant},
};

use pi18_proto::SerialNumber;
use pi18_transport::bridge::{
    Access, Answer, BridgeUnit, LineReader, RefusalReason, Request, VERSION, parse_request,
    write_line,
};
use rustix::net::{RecvFlags, recv};

use super::{
    exchange::{Exchange, Part},
    guard::WriteGuard,
    limits::{Counted, Patience, is_lease_over},
    permission,
    units::Units,
};
use crate::{
    control::{WriteLock, WriteLocks},
    poll::Priority,
};

/// The program at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// Number of its user.
    pub(super) user: u32,
    /// Number of its process.
    pub(super) process: i32,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    peer: Peer,
    units: Units,
    locks: WriteLocks,
    writes: Arc<WriteGuard>,
    counted: Counted,
    unit: Option<Chosen>,
}

/// The unit that the client has chosen.
#[derive(Debug)]
struct Chosen {
    unit: BridgeUnit,
    /// Sole right to change the settings of the unit, and the time at which it was taken.
    lock: Option<(WriteLock, Instant)>,
}

/// Why a connection ends.
type Ended = io::Error;

impl Connection {
    pub(super) fn new(
        stream: UnixStream,
        peer: Peer,
        units: Units,
        locks: WriteLocks,
        writes: Arc<WriteGuard>,
        counted: Counted,
    ) -> Self {
        Self { stream, peer, units, locks, writes, counted, unit: None }
    }

    /// Refuses a connection because there are too many.
    pub(super) fn refuse(mut stream: UnixStream, peer: Peer) {
        tracing::warn!("lease: user {}: too many connections", peer.user);
        let text = "too many connections; close some, or try again later";
        let answer = Answer::refused(RefusalReason::Limit, text);
        let _ = stream.set_write_timeout(Some(WRITE_TIME));
        let _ = stream.write_all(&write_line(&answer));
    }

    /// Serves the client until it closes the connection, is idle for too long, or makes a mistake.
    pub(super) fn serve(mut self) {
        if let Err(error) = self.serve_requests() {
            tracing::debug!("lease: user {}: connection ended: {error}", self.peer.user);
        }
        if let Some(Chosen { unit, lock: Some(_) }) = &self.unit {
            tracing::info!("lease: {} no longer has write access to {}", self.client(), unit.name);
        }
    }

    fn serve_requests(&mut self) -> Result<(), Ended> {
        self.stream.set_write_timeout(Some(WRITE_TIME))?;
        let mut lines = LineReader::new(MAX_REQUEST);
        let mut patience = Patience::new(Instant::now());
        loop {
            let line = match lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    let Some(left) = patience.left(Instant::now(), self.lease_since()) else {
                        return self.check_lease().and(Err(io::ErrorKind::TimedOut.into()));
                    };
                    self.stream.set_read_timeout(Some(left))?;
                    let mut chunk = [0; 1024];
                    match self.stream.read(&mut chunk) {
                        Ok(0) => return Ok(()),
                        Ok(count) => lines.push(chunk.get(..count).unwrap_or_default()),
                        Err(error) if is_timeout(&error) => continue,
                        Err(error) => return Err(error),
                    }
                    patience.received(Instant::now());
                    continue;
                }
                Err(error) => return self.malformed(&error.to_string()),
            };
            self.check_lease()?;
            match parse_request(&line) {
                Ok(request) => self.handle(request)?,
                Err(error) => return self.malformed(&error.to_string()),
            }
            patience.answered(Instant::now());
        }
    }

    fn handle(&mut self, request: Request) -> Result<(), Ended> {
        match request {
            Request::List { version } if version == VERSION => {
                let units = self.units.list();
                self.answer(&Answer::Units { version: VERSION, units })
            }
            Request::Open { version, unit, access } if version == VERSION => {
                self.open(&unit, access)
            }
            Request::List { version } | Request::Open { version, .. } => {
                let text = format!("expected version {VERSION} of the protocol, found {version}");
                self.answer(&Answer::refused(RefusalReason::Version, &text))
            }
            Request::Lease => self.lease(),
            Request::Frame { id, wait_ms, turn_ms, bytes } => {
                let wait = Duration::from_millis(wait_ms.into()).min(MAX_WAIT);
                let turn = turn_ms.map(|time| Duration::from_millis(time.into()));
                self.frame(id, wait, turn, bytes)
            }
            _ => self.malformed("unknown request"),
        }
    }

    fn open(&mut self, wanted: &str, access: Access) -> Result<(), Ended> {
        if self.unit.is_some() {
            return self.malformed("expected one unit for a connection, found a second one");
        }
        let Some(unit) = self.units.find(wanted) else {
            let text = format!("expected one of {}, found {wanted:?}", self.units.names());
            return self.answer(&Answer::refused(RefusalReason::UnknownUnit, &text));
        };
        self.unit = Some(Chosen { unit: unit.clone(), lock: None });
        match access {
            Access::Read => self.answer(&Answer::Opened { unit, access }),
            Access::Write => self.lease(),
        }
    }

    /// Gives write access, if it is allowed and free.
    fn lease(&mut self) -> Result<(), Ended> {
        let client = self.client();
        let Some(chosen) = &mut self.unit else {
            return self.malformed("expected a unit to be chosen first");
        };
        let unit = chosen.unit.clone();
        let address = self.units.link(unit.serial_number).map(|(_, link)| link.address());
        if let Err(text) = self.writes.check(address.unwrap_or_default()) {
            tracing::info!("lease: {client} was refused write access to {}", unit.name);
            return self.answer(&Answer::refused(RefusalReason::Access, &text));
        }
        if chosen.lock.is_none() {
            match self.locks.take(&[unit.serial_number], &client) {
                Ok(lock) => chosen.lock = Some((lock, Instant::now())),
                Err(owner) => {
                    let text = format!("{owner} changes the settings of {} at present", unit.name);
                    return self.answer(&Answer::refused(RefusalReason::Busy, &text));
                }
            }
            tracing::info!("lease: {client} takes write access to {}", unit.name);
        }
        self.answer(&Answer::Opened { unit, access: Access::Write })
    }

    /// Sends a frame to the unit, and passes on what arrives. `turn` is the longest wait for a turn.
    fn frame(
        &mut self,
        id: u64,
        wait: Duration,
        turn: Option<Duration>,
        bytes: Vec<u8>,
    ) -> Result<(), Ended> {
        let Some(chosen) = &self.unit else {
            return self.malformed("expected a unit to be chosen first");
        };
        let (serial, name) = (chosen.unit.serial_number, chosen.unit.name.clone());
        if !self.counted.admit_frame(Instant::now()) {
            let text = "too many frames within a minute; try again later";
            return self.answer(&Answer::refused(RefusalReason::Limit, text));
        }
        if let Err((reason, text)) = permission::check(&bytes, self.access()) {
            return self.answer(&Answer::refused(reason, &text));
        }
        if bytes.starts_with(b"^S")
            && let Err(text) = self.admit_set(&bytes, &name, serial)
        {
            return self.answer(&Answer::refused(RefusalReason::Access, &text));
        }
        self.exchange(id, serial, bytes, wait, turn)
    }

    /// Checks that a set command may be sent now, and records it.
    fn admit_set(&self, bytes: &[u8], name: &str, serial: SerialNumber) -> Result<(), String> {
        let address = self.units.link(serial).map(|(_, link)| link.address());
        self.writes.check(address.unwrap_or_default())?;
        let (client, frame) = (self.client(), bytes.escape_ascii().to_string());
        let recorded = self.writes.record(&client, name, serial, &frame);
        recorded.map_err(|error| format!("the set command cannot be recorded: {error}"))?;
        tracing::info!("lease: {client} sends {frame} to {name} ({serial})");
        Ok(())
    }

    /// Carries out an exchange, and answers the request.
    fn exchange(
        &mut self,
        id: u64,
        serial: SerialNumber,
        bytes: Vec<u8>,
        wait: Duration,
        turn: Option<Duration>,
    ) -> Result<(), Ended> {
        let until = turn.map(|turn| Instant::now() + turn);
        let is_over = || until.is_some_and(|until| until <= Instant::now());
        let Some((number, link)) = self.units.link(serial) else {
            let text = format!("unit {serial} does not answer at present");
            return self.answer(&Answer::failed(id, true, &text));
        };
        // Until the exchange ends, the other connections of the user wait here, and not in the queue of the poller.
        let _turn = loop {
            match self.counted.turn(number, HANGUP_INTERVAL) {
                Some(turn) => break turn,
                None if is_over() => return self.answer(&no_turn()),
                None if self.has_hung_up() => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => {}
            }
        };
        let Ok(exchange) = Exchange::begin(link, Priority::Client, serial, bytes, wait) else {
            return self.answer(&Answer::failed(id, true, "the bridge ends"));
        };
        let passed_on = loop {
            match exchange.parts.recv_timeout(HANGUP_INTERVAL) {
                Ok(Part::End) => break self.answer(&Answer::End { id }),
                Ok(Part::Failed { is_gone, text }) => {
                    break self.answer(&Answer::failed(id, is_gone, &text));
                }
                Ok(part) => {
                    if let Err(error) = self.pass_on(id, part) {
                        break Err(error);
                    }
                }
                // A client that has gone does not want its frame to be sent.
                Err(RecvTimeoutError::Timeout) if self.has_hung_up() => {
                    break Err(io::ErrorKind::UnexpectedEof.into());
                }
                Err(RecvTimeoutError::Timeout) if is_over() && exchange.cancel() => {
                    break self.answer(&no_turn());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break self.answer(&Answer::failed(id, true, "the bridge ends"));
                }
            }
        };
        // Before write access ends, it is certain that the frame is not sent any more.
        exchange.end();
        passed_on
    }

    fn pass_on(&mut self, id: u64, part: Part) -> Result<(), Ended> {
        let Part::Bytes(bytes) = part else { return self.answer(&Answer::Sent { id }) };
        let mut pieces = bytes.chunks(MAX_PIECE);
        pieces.try_for_each(|bytes| self.answer(&Answer::Bytes { id, bytes: bytes.to_vec() }))
    }

    /// Ends the connection if write access has lasted too long.
    fn check_lease(&mut self) -> Result<(), Ended> {
        if !self.lease_since().is_some_and(|since| is_lease_over(since, Instant::now())) {
            return Ok(());
        }
        let text = "write access has lasted too long; close the connection and take it again";
        self.answer(&Answer::refused(RefusalReason::Limit, text))?;
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Returns the time at which write access was taken.
    fn lease_since(&self) -> Option<Instant> {
        let (_, since) = self.unit.as_ref()?.lock.as_ref()?;
        Some(*since)
    }

    /// Returns whether the client has closed the connection.
    fn has_hung_up(&self) -> bool {
        let mut next = [0; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        matches!(recv(&self.stream, &mut next[..], flags), Ok((_, 0)))
    }

    fn access(&self) -> Access {
        if self.lease_since().is_some() { Access::Write } else { Access::Read }
    }

    /// Returns the client, for messages.
    fn client(&self) -> String {
        format!("process {} of user {}", self.peer.process, self.peer.user)
    }

    fn malformed(&mut self, why: &str) -> Result<(), Ended> {
        self.answer(&Answer::refused(RefusalReason::Malformed, why))?;
        Err(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()))
    }

    fn answer(&mut self, answer: &Answer) -> Result<(), Ended> {
        self.stream.write_all(&write_line(answer))
    }
}

/// Returns the answer to a frame that had no turn in time.
fn no_turn() -> Answer {
    let text =
        "the bridge and other programs use the unit, and no turn came in time; nothing was sent";
    Answer::refused(RefusalReason::Busy, text)
}

/// Returns whether nothing arrived within the time that was set.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Maximum length of a request in bytes.
const MAX_REQUEST: usize = 2_048;

/// Maximum number of bytes in one answer.
const MAX_PIECE: usize = 1_024;

/// Longest wait for the answer to a frame, during which the poller does not use the link.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Longest time for which the client does not take an answer.
const WRITE_TIME: Duration = Duration::from_secs(5);

/// Time between two checks whether the client has closed the connection.
const HANGUP_INTERVAL: Duration = Duration::from_millis(200);
