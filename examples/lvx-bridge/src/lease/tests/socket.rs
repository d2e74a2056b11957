//! The socket, with clients of the crate `pi18_transport`.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

use pi18_proto::{Dialect, Mode, Query, SetCommand, WorkingMode};
use pi18_transport::{
    Client, ErrorKind, SetOutcome,
    bridge::{self, Access, Answer, RefusalReason, Request, parse_answer, write_line},
};

use crate::{
    config::LeaseConfig,
    control::WriteLocks,
    lease::{LeaseParts, Server, testing::TestPollers},
    poll::{JobEffect, Priority},
    storage::{MemoryStorage, Storage},
};

/// A server over a virtual bank.
struct Served {
    pollers: TestPollers,
    locks: WriteLocks,
    storage: MemoryStorage,
    folder: tempfile::TempDir,
    server: Option<Server>,
}

impl Served {
    fn new(allow_writes: bool) -> Self {
        let pollers = TestPollers::start(&["frozen=on", "frozen=on"]);
        let (folder, locks) = (tempfile::tempdir().unwrap(), WriteLocks::default());
        let storage = MemoryStorage::default();
        let socket = folder.path().join("bridge.sock");
        let names = ["left", "right"].map(|name| name.parse().unwrap());
        let parts = LeaseParts {
            config: LeaseConfig { socket, group: "no-such-group".to_owned(), allow_writes },
            units: names.into_iter().zip(pollers.serials.iter().copied()).collect(),
            links: pollers.links.to_vec(),
            locks: locks.clone(),
            storage: Arc::new(storage.clone()),
            allows_tcp_units: false,
        };
        let server = Some(Server::bind(parts).unwrap());
        Self { pollers, locks, storage, folder, server }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("bridge.sock")
    }

    fn open(&self, unit: &str) -> Client {
        Client::open(&format!("bridge:{unit}?socket={}", self.socket().display())).unwrap()
    }

    /// Waits until no client has write access.
    fn wait_for_locks(&self) {
        while self.locks.take(&self.pollers.serials, "a command").is_err() {
            std::thread::yield_now();
        }
    }

    fn priority(&self, unit: usize) -> String {
        let rated = self.pollers.bank.with(|bank| bank.peek(unit, Query::RatedInformation));
        let Some(pi18_proto::AnyReply::RatedInformation(rated)) = rated else { unreachable!() };
        rated.output_priority.to_string()
    }
}

/// Sends lines, and returns the answers until the server closes the connection or `count` have come.
fn talk(socket: &Path, lines: &[u8], count: usize) -> Vec<Answer> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(lines).unwrap();
    let (mut found, mut chunk) = (Vec::new(), [0; 4096]);
    while found.iter().filter(|byte| **byte == b'\n').count() < count {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(len) => found.extend_from_slice(&chunk[..len]),
        }
    }
    found.split_inclusive(|byte| *byte == b'\n').map(|line| parse_answer(line).unwrap()).collect()
}

#[test]
fn units_are_listed_and_read_by_name_and_serial_number() {
    let served = Served::new(false);
    let units = bridge::units(&served.socket(), Duration::from_mins(1)).unwrap();
    let shown: Vec<_> =
        units.iter().map(|unit| (&*unit.name, &*unit.address, unit.is_up)).collect();
    assert_eq!(shown, [("left", "sim:0", true), ("right", "sim:1", true)]);
    for (unit, name) in ["left", "96132206100411"].into_iter().enumerate() {
        let mut client = served.open(name).expecting(served.pollers.serials[unit]);
        assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    }
    let address = format!("bridge:garage?socket={}", served.socket().display());
    let error = Client::open(&address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "bridge:garage: the bridge refused: expected one of left, right, found \"garage\""
    );
}

#[test]
fn write_access_belongs_to_one_client_and_excludes_control() {
    let served = Served::new(true);
    let before = served.priority(0);
    let mut first = served.open("left");
    assert_eq!(first.set("POP0".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    assert_ne!(served.priority(0), before);
    let owner = served.locks.take(&served.pollers.serials, "a command").unwrap_err();
    assert!(owner.starts_with("process "), "{owner}");
    let mut second = served.open("left");
    let error = second.set("POP1".parse().unwrap()).unwrap_err();
    assert!(error.is_busy(), "{error}");
    assert!(error.to_string().contains("changes the settings of left at present"), "{error}");
    // The other unit is free, and everyone may read.
    assert!(second.read::<Mode>().is_ok());
    assert!(served.locks.take(&served.pollers.serials[1..], "a command").is_ok());
    drop(first);
    // The server notices the end of the connection.
    let lock = loop {
        match served.locks.take(&served.pollers.serials, "a command") {
            Ok(lock) => break lock,
            Err(_) => std::thread::yield_now(),
        }
    };
    let error = second.set("POP1".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("a command changes the settings of left"), "{error}");
    drop(lock);
    assert_eq!(second.set("POP1".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    assert_eq!(served.priority(0), before);
}

#[test]
fn settings_are_read_again_after_a_set_command() {
    let served = Served::new(true);
    let rated = served.pollers.next_rated(0).unwrap();
    let mut client = served.open("left");
    assert_eq!(client.set("POP0".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    // Time passes only while links are used, so that the settings are not due by themselves.
    let after = served.pollers.next_rated(0).unwrap();
    assert_ne!(after.output_priority, rated.output_priority);
    assert_eq!(after.output_priority.to_string(), served.priority(0));
}

#[test]
fn other_units_are_read_again_after_a_set_command() {
    let served = Served::new(true);
    served.pollers.next_rated(1).unwrap();
    let mut client = served.open("left");
    assert_eq!(client.set("POP0".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    // It may have copies of the settings of the first unit.
    assert!(served.pollers.next_rated(1).is_some());
}

#[test]
fn frame_without_a_turn_is_refused_and_never_sent() {
    let served = Served::new(true);
    let (go_on, waiting) = mpsc::channel::<()>();
    let job = move |_: Result<&mut Client, &lvx_parallel::Gap>| {
        let _ = waiting.recv();
        JobEffect::Unchanged
    };
    served.pollers.links[0].run_with(Priority::Control, Box::new(job)).unwrap();
    let open = Request::Open { version: 1, unit: "left".to_owned(), access: Access::Write };
    let bytes = "POP0".parse::<SetCommand>().unwrap().to_frame(Dialect::Checksum).to_vec();
    let frame = |turn_ms| {
        write_line(&Request::Frame { id: 1, wait_ms: 2000, turn_ms, bytes: bytes.clone() })
    };
    let answers = talk(&served.socket(), &[write_line(&open), frame(Some(1))].concat(), 2);
    let Some(Answer::Refused { reason, text }) = answers.get(1) else { panic!("{answers:?}") };
    assert_eq!(*reason, RefusalReason::Busy);
    assert!(text.ends_with("nothing was sent"), "{text}");
    served.wait_for_locks();
    // A client that goes away before its turn.
    let mut stream = UnixStream::connect(served.socket()).unwrap();
    stream.write_all(&[write_line(&open), frame(None)].concat()).unwrap();
    let mut answer = [0; 1];
    stream.read_exact(&mut answer).unwrap();
    drop(stream);
    served.wait_for_locks();
    drop(go_on);
    served.pollers.step(0);
    assert_eq!(served.pollers.bank.with(|bank| bank.set_counts(0).received), 0);
}

#[test]
fn set_commands_are_recorded_until_the_kill_switch_stops_them() {
    let served = Served::new(true);
    let mut client = served.open("left");
    assert_eq!(client.set("POP0".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    let audit = served.storage.load("lease.audit").unwrap().unwrap();
    let line: serde_json::Value = serde_json::from_slice(&audit).unwrap();
    assert_eq!(line["unit"], "left");
    assert!(line["by"].as_str().unwrap().starts_with("process "), "{line}");
    assert!(line["frame"].as_str().unwrap().starts_with("^S007POP0"), "{line}");
    served.storage.save("control.off", b"").unwrap();
    let error = client.set("POP1".parse().unwrap()).unwrap_err();
    assert!(error.is_permission(), "{error}");
    assert!(error.to_string().contains("stopped by the file control.off"), "{error}");
    assert!(served.open("right").set("POP0".parse().unwrap()).unwrap_err().is_permission());
    let received =
        [0, 1].map(|unit| served.pollers.bank.with(|bank| bank.set_counts(unit).received));
    assert_eq!(received, [1, 0]);
}

#[test]
fn unit_that_is_gone_for_a_client_is_down_at_once() {
    let served = Served::new(false);
    served.pollers.next_rated(0).unwrap();
    let mut client = served.open("left");
    assert!(client.read::<Mode>().is_ok());
    served.pollers.bank.with(|bank| bank.disconnect(0));
    assert!(client.read::<Mode>().unwrap_err().is_disconnected());
    served.pollers.step(0);
    assert_eq!(served.pollers.links[0].unit(), None);
}

#[test]
fn set_commands_without_permission_are_refused_and_nothing_is_written() {
    let served = Served::new(false);
    let error = served.open("left").set("POP0".parse().unwrap()).unwrap_err();
    assert!(error.is_permission(), "{error}");
    assert!(error.to_string().contains("lease.allow_writes"), "{error}");
    // A program that does not ask for write access.
    let frame = "POP0".parse::<SetCommand>().unwrap().to_frame(Dialect::Checksum).to_vec();
    let open = Request::Open { version: 1, unit: "left".to_owned(), access: Access::Read };
    let frame = Request::Frame { id: 1, wait_ms: 2000, turn_ms: None, bytes: frame };
    let lines = [write_line(&open), write_line(&frame)].concat();
    let answers = talk(&served.socket(), &lines, 2);
    let Some(Answer::Refused { reason, .. }) = answers.get(1) else { panic!("{answers:?}") };
    assert_eq!(*reason, RefusalReason::Access);
    let received = served.pollers.bank.with(|bank| bank.set_counts(0).received);
    assert_eq!(received, 0);
}

#[test]
fn malformed_requests_are_refused_and_end_the_connection() {
    let served = Served::new(true);
    let many = vec![b'x'; 10_000];
    for lines in [&b"GS\n"[..], b"{\"type\":\"lease\"}\n", b"\n", b"{\"type\":\"dance\"}\n", &many]
    {
        let answers = talk(&served.socket(), lines, 9);
        let [Answer::Refused { reason, .. }] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(*reason, RefusalReason::Malformed);
    }
    let answers = talk(&served.socket(), b"{\"type\":\"list\",\"version\":2}\n", 1);
    let [Answer::Refused { reason, text }] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(*reason, RefusalReason::Version);
    assert_eq!(text, "expected version 1 of the protocol, found 2");
}

#[test]
fn connections_beyond_the_limit_are_refused() {
    let served = Served::new(false);
    let open: Vec<_> = (0..24).map(|_| UnixStream::connect(served.socket()).unwrap()).collect();
    let answers = talk(&served.socket(), b"", 1);
    let [Answer::Refused { reason, .. }] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(*reason, RefusalReason::Limit);
    drop(open);
}

#[test]
fn end_of_the_server_disconnects_clients_and_removes_the_socket() {
    let mut served = Served::new(false);
    let mut client = served.open("left");
    assert!(client.read::<Mode>().is_ok());
    served.server = None;
    assert!(!served.socket().exists());
    assert!(client.read::<Mode>().unwrap_err().is_disconnected());
    assert!(client.read::<Mode>().is_err());
}
