//! Units served to other programs on pseudo-terminals and on TCP.

use std::{
    fs::File,
    io::{ErrorKind::WouldBlock, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use pi18_proto::Mode;
use pi18_transport::{
    Client,
    sim::{SharedBank, serve_pty, serve_tcp},
};

use crate::bank;

/// Frame of the query `MOD`.
const MOD: &[u8] = b"^P006MOD\xdd\xbe\r";
/// Frame of the query `GS`, whose reply has 111 bytes.
const GS: &[u8] = b"^P005GSX\x14\r";
/// Reply to `MOD` in hybrid mode.
const HYBRID: &[u8] = b"^D00505\xD9\x9F\r";
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends a request, and returns the next `length` bytes.
fn ask(client: &mut (impl Read + Write), request: &[u8], length: usize) -> Vec<u8> {
    client.write_all(request).unwrap();
    let mut reply = vec![0; length];
    client.read_exact(&mut reply).unwrap();
    reply
}

fn open(path: &str) -> File {
    File::options().read(true).write(true).open(path).unwrap()
}

#[test]
fn pty_serves_one_client_after_another() {
    let shared = SharedBank::real_time(bank(&["frozen=on"]));
    let served = serve_pty(&shared, 0).unwrap();
    assert!(served.path().starts_with("/dev/"), "{served:?}");
    for _ in 0..3 {
        assert_eq!(ask(&mut open(served.path()), MOD, 10), HYBRID);
    }
    let path = served.path().to_owned();
    drop(served);
    assert!(File::open(path).is_err());
}

#[test]
fn reply_on_paced_pty_takes_the_time_of_the_line() {
    let shared = SharedBank::real_time(bank(&["frozen=on&pace=2400"]));
    let served = serve_pty(&shared, 0).unwrap();
    let mut client = open(served.path());
    let reply = ask(&mut client, GS, 111);
    assert!(reply.ends_with(b"\r"));
    assert!(shared.elapsed() >= Duration::from_millis(504));
}

#[test]
fn disconnected_unit_closes_its_pty() {
    let shared = SharedBank::real_time(bank(&["frozen=on&disconnect=1"]));
    let served = serve_pty(&shared, 0).unwrap();
    let mut client = open(served.path());
    assert_eq!(ask(&mut client, MOD, 10), HYBRID);
    let mut rest = Vec::new();
    // End of file, or an error if the terminal disappeared during the read.
    let _ = client.read_to_end(&mut rest);
    assert_eq!(rest, b"");
}

#[test]
fn second_tcp_client_is_refused_with_a_message() {
    let shared = SharedBank::real_time(bank(&["frozen=on"]));
    let served = serve_tcp(&shared, 1, TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let mut first = TcpStream::connect(served.path()).unwrap();
    assert_eq!(ask(&mut first, MOD, 10), HYBRID);
    // These are more clients than the bridge keeps open.
    for _ in 0..20 {
        let mut second = TcpStream::connect(served.path()).unwrap();
        second.set_read_timeout(Some(TIMEOUT)).unwrap();
        second.write_all(MOD).unwrap();
        let mut text = Vec::new();
        second.read_to_end(&mut text).unwrap();
        assert_eq!(text, b"Port already in use\r\n");
    }
    assert_eq!(ask(&mut first, MOD, 10), HYBRID);
    drop(first);
    let mut second = TcpStream::connect(served.path()).unwrap();
    assert_eq!(ask(&mut second, MOD, 10), HYBRID);

    let mut reply = [0; 10];
    shared.with(|bank| bank.disconnect(1));
    assert_eq!(second.read(&mut reply).unwrap_or_default(), 0);
    shared.with(|bank| bank.reconnect(1));
    let mut third = TcpStream::connect(served.path()).unwrap();
    assert_eq!(ask(&mut third, MOD, 10), HYBRID);
    drop(served);
    assert_eq!(third.read(&mut reply).unwrap_or_default(), 0);
}

#[test]
fn shared_tcp_line_sends_every_reply_to_all_hosts() {
    let shared = SharedBank::real_time(bank(&["frozen=on&hosts=all"]));
    let served = serve_tcp(&shared, 0, TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let mut hosts: Vec<_> = (0..8).map(|_| TcpStream::connect(served.path()).unwrap()).collect();
    for sender in [0, 7] {
        hosts[sender].write_all(MOD).unwrap();
        for host in &mut hosts {
            let mut reply = [0; 10];
            host.read_exact(&mut reply).unwrap();
            assert_eq!(reply, HYBRID);
        }
    }
    let mut text = Vec::new();
    TcpStream::connect(served.path()).unwrap().read_to_end(&mut text).unwrap();
    assert_eq!(text, b"Port already in use\r\n");
}

#[test]
fn unit_reconnected_at_once_still_disconnects_its_clients() {
    let shared = SharedBank::real_time(bank(&["frozen=on"]));
    let served = serve_tcp(&shared, 0, TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let mut client = TcpStream::connect(served.path()).unwrap();
    assert_eq!(ask(&mut client, MOD, 10), HYBRID);
    shared.with(|bank| {
        bank.disconnect(0);
        bank.reconnect(0);
    });
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let waited = client.read(&mut [0; 1]).is_err_and(|error| error.kind() == WouldBlock);
    assert!(!waited, "expected a closed connection");
    let mut next = TcpStream::connect(served.path()).unwrap();
    assert_eq!(ask(&mut next, MOD, 10), HYBRID);
}

#[test]
fn unread_replies_do_not_block_the_next_client() {
    let shared = SharedBank::real_time(bank(&["frozen=on"]));
    let served = serve_pty(&shared, 0).unwrap();
    let mut not_reading = open(served.path());
    for _ in 0..100 {
        // These are more replies than the buffer of a terminal holds.
        let _ = not_reading.write_all(GS);
    }
    drop(not_reading);
    // The next client gets its reply in spite of the unread bytes.
    let mut client = Client::open(&format!("serial:{}", served.path())).unwrap();
    client.read::<Mode>().unwrap();
}
