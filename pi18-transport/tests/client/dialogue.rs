//! The client after unsolicited bytes and failures of the link, the outcome of an interrupted set command,
//! and peers that are not inverters.

use std::{
    io::{self, Write},
    net::TcpListener,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::{
    ACCEPTED, FaultsAndWarnings, MachineModel, Mode, Model, Query, SetCommand, WorkingMode,
};
use pi18_transport::{Error, Link, SetOutcome};

use crate::{
    Client,
    line::{Line, Simulated, frame, mode},
};

fn pop() -> SetCommand {
    "POP1".parse().unwrap()
}

/// Returns a line to a unit that answers correctly.
fn correct_line() -> Line {
    Line::new(|request| {
        vec![(
            10,
            match request {
                "MOD" => mode(5),
                "GMN" => frame(MachineModel::new(Model::V4_TWIN)),
                _ => ACCEPTED.to_vec(),
            },
        )]
    })
}

#[test]
fn unsolicited_frame_requires_a_fence() {
    let mut first = true;
    let mut client = Client::new(Line::new(move |_| {
        let stray = std::mem::take(&mut first).then(|| (500, mode(4)));
        [(10, mode(5))].into_iter().chain(stray).collect()
    }));
    client.read::<Mode>().unwrap();
    client.pause(Duration::from_secs(1)).unwrap();
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "MOD"]);
}

#[test]
fn unsolicited_part_of_a_frame_requires_a_fence() {
    // The first half of another reply arrives together with the reply.
    let mut client = Client::new(Line::new(|_| vec![(10, [mode(5), b"^D0050".to_vec()].concat())]));
    client.read::<Mode>().unwrap();
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "MOD"]);
}

#[test]
fn failure_of_the_link_requires_a_fence() {
    // The link fails after MOD was sent; the reply to MOD arrives after the next request.
    let mut is_late = true;
    let mut line = Line::new(move |request| match request {
        "MOD" if std::mem::take(&mut is_late) => vec![(500, mode(5))],
        "MOD" => vec![(10, mode(5))],
        _ => vec![(10, frame(MachineModel::new(Model::V4_TWIN)))],
    });
    line.receive_fails = Some(("MOD", io::ErrorKind::Other));
    let mut client = Client::new(line);
    let error = client.read::<Mode>().unwrap_err();
    assert_eq!(error.to_string(), "test: reading failed: other error");
    assert_eq!(client.read::<MachineModel>().unwrap().model, Model::V4_TWIN);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "GMN"]);
}

#[test]
fn set_command_interrupted_while_sending_has_an_outcome() {
    for (kind, outcome) in [
        (io::ErrorKind::TimedOut, SetOutcome::Silent),
        (io::ErrorKind::Other, SetOutcome::Silent),
        (io::ErrorKind::BrokenPipe, SetOutcome::Gone),
    ] {
        let mut line = correct_line();
        line.cut_off = Some(("POP1", kind));
        let mut client = Client::new(line);
        assert_eq!(client.set(pop()).unwrap(), outcome, "{kind}");
        assert_eq!(client.link().sent, ["PI", "POP1"]);
        // A late reply to the set command must not be returned for the next request.
        let _ = client.read::<Mode>();
        assert_eq!(client.link().sent, ["PI", "POP1", "ID", "MOD"]);
    }
}

/// A peer that sends bytes without end.
struct Flood {
    text: &'static [u8],
    /// Number of bytes per call of `receive`.
    chunk: usize,
    /// Number of bytes received so far.
    taken: usize,
    /// Whether it sends nothing until a request was sent.
    is_waiting: bool,
    now: Instant,
}

impl Flood {
    const fn new(text: &'static [u8], chunk: usize, is_waiting: bool, now: Instant) -> Self {
        Self { text, chunk, taken: 0, is_waiting, now }
    }
}

impl Link for Flood {
    fn send(&mut self, _bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        self.is_waiting = false;
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, _deadline: Instant) -> Result<(), Error> {
        if self.is_waiting {
            return Ok(());
        }
        assert!(
            self.taken < 1 << 24,
            "expected the client to stop, but it received {} bytes",
            self.taken
        );
        buffer.extend(self.text.iter().cycle().take(self.chunk));
        self.taken += self.chunk;
        Ok(())
    }

    fn name(&self) -> &'static str {
        "test"
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn pause(&mut self, time: Duration) {
        self.now += time;
    }
}

impl Simulated for Flood {
    fn advance_to(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn next_due(&self) -> Option<Instant> {
        None
    }
}

#[test]
fn flood_is_an_error_after_a_limited_number_of_bytes() {
    const DRAINED: usize = 8 << 20;
    const RECEIVED: usize = 64 << 10;
    let texts: [&[u8]; 4] = [b"\0", b"junk ", b"^D005", b"^D00505\xD9\x9F\r"];
    for text in texts {
        for chunk in [7, 256, 4096] {
            let mut client = Client::new(Flood::new(text, chunk, true, Instant::now()));
            let error = client.read::<FaultsAndWarnings>().unwrap_err();
            assert!(error.is_flooded() && !error.is_timeout(), "{error}");
            assert!(client.link().taken <= RECEIVED + chunk, "{}", client.link().taken);
        }
        let mut client = Client::new(Flood::new(text, 4096, false, Instant::now()));
        let error = client.read::<FaultsAndWarnings>().unwrap_err();
        assert!(error.is_flooded(), "{error}");
        assert!(client.link().taken <= DRAINED + 4096, "{}", client.link().taken);
    }
    let mut client = Client::new(Flood::new(b"junk ", 4096, true, Instant::now()));
    assert_eq!(
        format!("{:#}", client.query(Query::Mode).unwrap_err()),
        "test: expected a reply to MOD, found 69632 bytes, more than an inverter can send; \
         the device at this address is not an inverter, or its bridge is defective"
    );
}

#[test]
fn set_command_is_not_sent_into_a_flood() {
    let mut client = Client::new(Flood::new(b"junk ", 4096, true, Instant::now()));
    assert!(client.set(pop()).unwrap_err().is_flooded());
}

#[test]
fn flood_after_a_set_command_is_a_garbled_outcome() {
    let mut client = Client::new(Line::new(|request| match request {
        "POP1" => (0..1000).map(|_| (1, vec![b'x'; 1000])).collect(),
        _ => vec![(10, mode(5))],
    }));
    assert_eq!(client.set(pop()).unwrap(), SetOutcome::Garbled);
    assert_eq!(client.link().sent, ["PI", "POP1"]);
}

#[test]
fn draining_a_busy_line_ends() {
    // Another host sends requests without a pause, so that bytes arrive every millisecond.
    let mut line = correct_line();
    let start = line.now;
    line.arriving =
        (0..10_000).map(|n| (start + Duration::from_millis(n), b"junk".to_vec())).collect();
    let mut client = Client::new(Busy(line));
    assert!(client.read::<Mode>().unwrap_err().is_timeout());
    assert!(client.now() - start <= Duration::from_secs(11));
}

/// A line on which each call of `receive` takes a millisecond.
struct Busy(Line);

impl Link for Busy {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.0.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        self.0.receive(buffer, deadline.max(self.0.now + Duration::from_millis(1)))
    }

    fn name(&self) -> &'static str {
        "test"
    }

    fn now(&self) -> Instant {
        self.0.now
    }
}

impl Simulated for Busy {
    fn advance_to(&mut self, now: Instant) {
        self.0.advance_to(now);
    }

    fn next_due(&self) -> Option<Instant> {
        self.0.next_due()
    }
}

#[test]
fn text_of_a_bridge_is_shown_when_it_closes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", listener.local_addr().unwrap());
    let bridge = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"Port already in use\r\n").unwrap();
    });
    let mut client = Client::open(&address).unwrap();
    bridge.join().unwrap();
    let error = client.query(Query::Mode).unwrap_err();
    assert!(error.is_disconnected(), "{error}");
    assert_eq!(error.hint(), Some("the other end had sent \"Port already in use\""), "{error}");
}

/// A bridge that has sent a text and closed the connection, which only sending reveals.
struct Closed(Vec<u8>);

impl Link for Closed {
    fn send(&mut self, _bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        self.0 = b"\r\nPort already in use\r\n".to_vec();
        Err(Error::io("test", "writing", io::ErrorKind::BrokenPipe.into()))
    }

    fn receive(&mut self, buffer: &mut BytesMut, _deadline: Instant) -> Result<(), Error> {
        buffer.extend(std::mem::take(&mut self.0));
        Ok(())
    }

    fn name(&self) -> &'static str {
        "test"
    }
}

impl Simulated for Closed {
    fn advance_to(&mut self, _now: Instant) {}

    fn next_due(&self) -> Option<Instant> {
        None
    }
}

#[test]
fn text_of_a_bridge_is_shown_when_sending_fails() {
    let error = Client::new(Closed(Vec::new())).query(Query::Mode).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "test: disconnected: broken pipe; the other end had sent \"Port already in use\""
    );
}

#[test]
fn part_of_a_reply_is_not_shown_as_text() {
    let mut line = Line::new(|_| vec![(10, b"^D106223".to_vec())]);
    line.gone_after = Some("MOD");
    let error = Client::new(line).query(Query::Mode).unwrap_err();
    assert_eq!(error.to_string(), "test: disconnected: broken pipe");
}
