//! Clients of addresses whose connection ends: it is opened again before the next request, and the unit at its
//! other end is checked.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::symlink,
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::BytesMut;
use pi18_proto::{Mode, Query, SerialNumber};
use pi18_transport::{
    Address, Client, ErrorKind, Link, SetOutcome,
    sim::{Bank, BankConfig, SharedBank, serve_pty},
};

/// A connection that a bridge accepts: the unit behind it, and the number of requests until it is closed.
#[derive(Clone, Copy)]
struct Connection {
    unit: usize,
    requests: usize,
    /// Whether the bridge passes on the last request before it closes the connection.
    answers_last: bool,
}

fn connection(unit: usize, requests: usize) -> Connection {
    Connection { unit, requests, answers_last: true }
}

fn bank() -> SharedBank {
    let switches = vec!["frozen=on".parse().unwrap(); 2];
    SharedBank::real_time(Bank::new(BankConfig { units: 2, switches }).unwrap())
}

/// Accepts these connections to the units of a bank, one after the other. Returns the address, and the thread
/// with the requests on each connection.
fn bridge(
    bank: SharedBank,
    connections: Vec<Connection>,
) -> (String, JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", listener.local_addr().unwrap());
    let serve = move || {
        let serve = |connection| serve(&bank, listener.accept().unwrap().0, connection);
        connections.into_iter().map(serve).collect()
    };
    (address, thread::spawn(serve))
}

/// Passes on requests and replies, and returns the requests.
fn serve(bank: &SharedBank, mut stream: TcpStream, connection: Connection) -> Vec<String> {
    let mut link = bank.link(connection.unit);
    let mut requests = Vec::new();
    let mut bytes = [0; 64];
    while requests.len() < connection.requests {
        let len = stream.read(&mut bytes).unwrap();
        if len == 0 {
            break;
        }
        let data = pi18_proto::Frame::parse(&bytes[..len]).unwrap().data().to_vec();
        requests.push(String::from_utf8(data).unwrap());
        if requests.len() == connection.requests && !connection.answers_last {
            break;
        }
        let deadline = link.now() + Duration::from_secs(10);
        link.send(&bytes[..len], deadline).unwrap();
        let mut reply = BytesMut::new();
        while !reply.ends_with(b"\r") {
            link.receive(&mut reply, deadline).unwrap();
        }
        stream.write_all(&reply).unwrap();
    }
    requests
}

const FIRST: &str = "96132206100410";

#[test]
fn closed_connection_fails_once_and_is_opened_for_the_next_request() {
    // A query over TCP is sent twice, each time with a fence after it.
    let (address, bridge) = bridge(bank(), vec![connection(0, 5), connection(0, 5)]);
    let mut unit = Client::open(&address).unwrap();
    let first: Mode = unit.read().unwrap();
    assert!(unit.read::<Mode>().unwrap_err().is_disconnected());
    assert!(!unit.is_connected());
    assert_eq!(unit.read::<Mode>().unwrap(), first);
    drop(unit);
    // The new connection begins with a fence, too.
    let expected = [vec!["PI", "MOD", "ID", "MOD", "VFW"], vec!["DI", "MOD", "PI", "MOD", "ID"]];
    assert_eq!(bridge.join().unwrap(), expected);
}

#[test]
fn other_unit_on_a_new_connection_gets_only_the_check() {
    let (address, bridge) = bridge(bank(), vec![connection(0, 6), connection(1, 9)]);
    let address: Address = address.parse().unwrap();
    let mut unit = address.open().unwrap().expecting(SerialNumber::new(FIRST).unwrap());
    unit.read::<Mode>().unwrap();
    assert!(unit.read::<Mode>().unwrap_err().is_disconnected());
    let error = unit.set("POP1".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongUnit);
    assert_eq!(unit.read::<Mode>().unwrap_err().kind(), ErrorKind::WrongUnit);
    drop(unit);
    let requests = bridge.join().unwrap();
    let fences = ["PI", "ID", "VFW", "DI"];
    assert!(requests[1].iter().all(|request| fences.contains(&&**request)), "{requests:?}");
}

#[test]
fn set_command_is_not_repeated_on_a_new_connection() {
    let bank = bank();
    let lost = Connection { unit: 0, requests: 2, answers_last: false };
    let (address, bridge) = bridge(bank.clone(), vec![lost, connection(0, 5)]);
    let mut unit = Client::open(&address).unwrap();
    assert_eq!(unit.set("POP1".parse().unwrap()).unwrap(), SetOutcome::Gone);
    unit.read::<Mode>().unwrap();
    drop(unit);
    let requests = bridge.join().unwrap();
    assert_eq!(requests[0], ["PI", "POP1"]);
    assert!(!requests[1].contains(&"POP1".to_owned()));
    assert_eq!(bank.with(|bank| bank.set_counts(0)).received, 0);
}

#[test]
fn bridge_that_is_gone_is_awaited_until_the_deadline() {
    let (address, bridge) = bridge(bank(), vec![connection(0, 1)]);
    let address: Address = address.parse().unwrap();
    let mut config = *address.config();
    config.timeout = Duration::from_millis(100);
    config.deadline = Duration::from_millis(400);
    config.tries = 1;
    let mut unit = Client::with_config(address.link().unwrap(), config);
    assert!(unit.query(Query::Mode).unwrap_err().is_disconnected());
    bridge.join().unwrap();
    let error = unit.query(Query::Mode).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
}

#[test]
fn serial_port_that_was_plugged_in_again_is_opened_and_checked() {
    let bank = bank();
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("ttyUSB0");
    let served = serve_pty(&bank, 0).unwrap();
    symlink(served.path(), &port).unwrap();
    let address: Address = format!("serial:{}", port.display()).parse().unwrap();
    let mut unit = address.open().unwrap().expecting(SerialNumber::new(FIRST).unwrap());
    unit.read::<Mode>().unwrap();

    drop(served);
    std::fs::remove_file(&port).unwrap();
    assert!(unit.read::<Mode>().unwrap_err().is_disconnected());
    let served = serve_pty(&bank, 1).unwrap();
    symlink(served.path(), &port).unwrap();
    assert_eq!(unit.read::<Mode>().unwrap_err().kind(), ErrorKind::WrongUnit);

    drop(served);
    std::fs::remove_file(&port).unwrap();
    assert!(unit.read::<Mode>().unwrap_err().is_disconnected());
    let served = serve_pty(&bank, 0).unwrap();
    symlink(served.path(), &port).unwrap();
    unit.read::<Mode>().unwrap();
    drop(served);
}
