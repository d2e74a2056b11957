//! A link to a unit of a bridge, against a bridge that follows a script.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    thread::{self, JoinHandle},
    time::Duration,
};

use pi18_proto::{Dialect, Mode, Query, SerialNumber, WorkingMode};
use pi18_transport::{
    Address, Client, ErrorKind, SetOutcome,
    bridge::{
        Access, Answer, BridgeUnit, RefusalReason, Request, parse_request, units, write_line,
    },
};

fn unit() -> BridgeUnit {
    let serial = SerialNumber::new("96132206100410").unwrap();
    BridgeUnit::new("left", serial, "/dev/hidraw0")
}

/// A bridge that answers each request with `answer`, over as many connections as are made.
struct Script {
    folder: tempfile::TempDir,
    thread: Option<JoinHandle<Vec<Request>>>,
}

impl Script {
    fn new(answer: impl FnMut(&Request) -> Vec<Answer> + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("bridge.sock")).unwrap();
        let mut answer = answer;
        let thread = thread::spawn(move || {
            let mut all = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                if !serve(&stream, &mut answer, &mut all) {
                    break;
                }
            }
            all
        });
        Self { folder, thread: Some(thread) }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("bridge.sock")
    }

    fn address(&self) -> Address {
        format!("bridge:left?socket={}", self.socket().display()).parse().unwrap()
    }

    /// Ends the bridge, and returns the requests that it received.
    fn end(mut self) -> Vec<Request> {
        let mut last = UnixStream::connect(self.socket()).unwrap();
        last.write_all(b"end\n").unwrap();
        self.thread.take().unwrap().join().unwrap()
    }
}

fn serve(
    stream: &UnixStream,
    answer: &mut impl FnMut(&Request) -> Vec<Answer>,
    all: &mut Vec<Request>,
) -> bool {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return true };
        if line == "end" {
            return false;
        }
        let request = parse_request(line.as_bytes()).unwrap();
        let answers = answer(&request);
        // A client may go away before it has read the last answer.
        all.push(request);
        for answer in answers {
            if (&mut &*stream).write_all(&write_line(&answer)).is_err() {
                return true;
            }
        }
    }
    true
}

/// Answers like a bridge whose unit answers everything with these bytes.
fn answers(request: &Request, reply: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<Answer> {
    match request {
        Request::Open { access, .. } => vec![Answer::Opened { unit: unit(), access: *access }],
        Request::Lease => vec![Answer::Opened { unit: unit(), access: Access::Write }],
        Request::Frame { id, bytes, .. } => {
            let id = *id;
            vec![Answer::Sent { id }, Answer::Bytes { id, bytes: reply(bytes) }, Answer::End { id }]
        }
        _ => vec![Answer::Units { version: 1, units: vec![unit()] }],
    }
}

/// Returns the reply of a unit to a query or a set command.
fn reply(frame: &[u8]) -> Vec<u8> {
    let data = frame.get(5..frame.len() - 3).unwrap();
    match data {
        b"PI" => b"^D00518;\x03\r".to_vec(),
        b"MOD" => b"^D00505\xd9\x9f\r".to_vec(),
        b"POP1" => pi18_proto::ACCEPTED.to_vec(),
        _ => {
            let query: Query = std::str::from_utf8(data).unwrap().parse().unwrap();
            let (reply, _) = query.parse_reply(query.info().sample.as_bytes()).unwrap();
            let mut buffer = [0; pi18_proto::MAX_FRAME];
            let len = reply.encode_frame(&mut buffer).unwrap();
            buffer.get(..len).unwrap().to_vec()
        }
    }
}

#[test]
fn units_of_the_bridge_are_listed() {
    let script = Script::new(|request| answers(request, reply));
    assert_eq!(units(&script.socket(), Duration::from_mins(1)).unwrap(), [unit()]);
    assert_eq!(script.end(), [Request::List { version: 1 }]);
}

#[test]
fn client_reads_and_sets_through_the_bridge() {
    let script = Script::new(|request| answers(request, reply));
    let mut client = script.address().open().unwrap();
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.set("POP1".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    drop(client);
    let requests = script.end();
    let leases = requests.iter().filter(|request| **request == Request::Lease).count();
    assert_eq!(leases, 1);
    let pop = "POP1".parse::<pi18_proto::SetCommand>().unwrap().to_frame(Dialect::Checksum);
    let sent = requests.iter().filter(|request| match request {
        Request::Frame { bytes, .. } => **bytes == *pop,
        _ => false,
    });
    assert_eq!(sent.count(), 1);
}

#[test]
fn refused_write_access_is_an_error_and_nothing_is_sent() {
    let script = Script::new(|request| match request {
        Request::Lease => vec![Answer::refused(RefusalReason::Access, "lease.allow_writes is off")],
        request => answers(request, reply),
    });
    let mut client = script.address().open().unwrap();
    let error = client.set("POP1".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.to_string(), "bridge:left: the bridge refused: lease.allow_writes is off");
    // The connection is still usable.
    assert!(client.read::<Mode>().is_ok());
    drop(client);
    assert!(!script.end().iter().any(|request| match request {
        Request::Frame { bytes, .. } => bytes.starts_with(b"^S"),
        _ => false,
    }));
}

#[test]
fn set_command_without_a_turn_is_an_error_and_was_not_sent() {
    let mut frames = 0;
    let script = Script::new(move |request| match request {
        Request::Frame { id, bytes, turn_ms, .. } if bytes.starts_with(b"^S") => {
            assert!(turn_ms.is_some_and(|time| (1..=8_000).contains(&time)), "{turn_ms:?}");
            frames += 1;
            match frames {
                1 => vec![Answer::refused(RefusalReason::Busy, "no turn came in time")],
                2 => vec![Answer::failed(*id, false, "no reply")],
                _ => answers(request, reply),
            }
        }
        request => answers(request, reply),
    });
    let mut client = script.address().open().unwrap();
    for expected in ["the bridge refused: no turn came in time", "the bridge reports: no reply"] {
        let error = client.set("POP1".parse().unwrap()).unwrap_err();
        assert!(error.is_busy() && error.to_string().ends_with(expected), "{error}");
    }
    // The connection and its write access are still usable.
    assert_eq!(client.set("POP1".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    drop(client);
    let leases = script.end().iter().filter(|request| **request == Request::Lease).count();
    assert_eq!(leases, 1);
}

#[test]
fn unit_that_is_gone_is_reported_once_and_opened_again() {
    let mut frames = 0;
    let script = Script::new(move |request| match request {
        Request::Frame { id, .. } => {
            frames += 1;
            if frames == 1 {
                return vec![Answer::failed(*id, true, "the cable\u{1b}[2J was pulled")];
            }
            answers(request, reply)
        }
        request => answers(request, reply),
    });
    let mut client = script.address().open().unwrap();
    let error = client.read::<Mode>().unwrap_err();
    assert!(error.is_disconnected());
    assert!(!format!("{error:#}").contains('\u{1b}'), "{error:#}");
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    drop(client);
    let opened = |request: &&Request| matches!(request, Request::Open { .. });
    assert_eq!(script.end().iter().filter(opened).count(), 2);
}

#[test]
fn answer_of_another_protocol_is_an_error() {
    let script = Script::new(|_| vec![Answer::Sent { id: 7 }]);
    let error = script.address().open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherProtocol);
    script.end();
}

#[test]
fn missing_bridge_is_not_found() {
    let error = Client::open("bridge:left?socket=/no/such/bridge.sock").unwrap_err();
    assert!(error.is_not_found());
    let expected = "does a bridge listen on /no/such/bridge.sock?";
    assert_eq!(error.hint(), Some(expected));
    assert!("bridge:a b".parse::<Address>().is_err());
    assert!("bridge:left?socket=bridge.sock".parse::<Address>().is_err());
    // The socket of the service is kept, because a program may have another default.
    for text in ["bridge:left", "bridge:left?socket=/run/lvx/bridge.sock"] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
}
