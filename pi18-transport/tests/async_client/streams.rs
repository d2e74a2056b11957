//! The async client over streams: what is sent after a request was cancelled, and errors of the stream.

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use pi18_proto::{MachineModel, Mode, Model, Query, SerialNumber, SetCommand, WorkingMode};
use pi18_transport::{
    AsyncClient, AsyncLink, ErrorKind,
    sim::{Bank, BankConfig},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    net::TcpStream,
    time::timeout,
};

use crate::{
    driven::LinkStream,
    line::{Line, fence, frame, mode},
};

fn pop() -> SetCommand {
    "POP1".parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn late_reply_to_a_cancelled_query_is_not_returned_for_the_next_query() {
    // The replies to MOD and GMN have the same shape.
    let line = Line::new(|request| match request {
        "MOD" => vec![(500, mode(5))],
        _ => vec![(450, frame(MachineModel::new(Model::V4_TWIN)))],
    });
    let mut client = AsyncClient::new(LinkStream::new(line), "test");
    timeout(Duration::from_millis(100), client.read::<Mode>()).await.unwrap_err();
    assert_eq!(client.read::<MachineModel>().await.unwrap().model, Model::V4_TWIN);
    assert_eq!(client.into_stream().link.sent, ["PI", "MOD", "ID", "GMN"]);
}

#[tokio::test(start_paused = true)]
async fn future_that_was_never_polled_costs_nothing() {
    let line = Line::new(|_| vec![(10, mode(5))]);
    let mut client = AsyncClient::new(LinkStream::new(line), "test");
    client.read::<Mode>().await.unwrap();
    drop(client.read::<MachineModel>());
    client.read::<Mode>().await.unwrap();
    assert_eq!(client.into_stream().link.sent, ["PI", "MOD", "MOD"]);
}

/// Reads the next frame of the client.
async fn next_frame(unit: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.last() != Some(&b'\r') {
        bytes.push(unit.read_u8().await.unwrap());
    }
    bytes
}

/// Answers a fence and then MOD.
async fn answer(unit: &mut DuplexStream) {
    for reply in [fence("ID"), mode(5)] {
        next_frame(unit).await;
        unit.write_all(&reply).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn part_of_a_set_command_is_spoiled_and_never_completed() {
    // The stream takes the fence, and all of the set command but the end of its line.
    let (ours, mut unit) = duplex(11);
    let mut client = AsyncClient::new(ours, "test");
    let unit_answers = async {
        next_frame(&mut unit).await;
        unit.write_all(&fence("PI")).await.unwrap();
        std::future::pending::<()>().await;
    };
    let asking = async {
        tokio::select! {
            outcome = client.set(pop()) => panic!("{outcome:?}"),
            () = unit_answers => {}
        }
    };
    timeout(Duration::from_secs(1), asking).await.unwrap_err();

    let mut part = [0; 11];
    unit.read_exact(&mut part).await.unwrap();
    let whole = pop().to_frame(pi18_proto::Dialect::Checksum);
    assert_eq!(part, whole[..11]);
    let unit_reads = async {
        let rest = next_frame(&mut unit).await;
        answer(&mut unit).await;
        rest
    };
    let (read, rest) = tokio::join!(client.read::<Mode>(), unit_reads);
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(rest, b"^\r");

    // A unit that ignores checksums does not carry out the command either.
    let switches = vec!["ignore-checksum=on".parse().unwrap()];
    let mut bank = Bank::new(BankConfig { units: 1, switches }).unwrap();
    let next = Query::Mode.to_frame(pi18_proto::Dialect::Checksum);
    bank.send(0, &[&part, &rest[..], &next].concat(), Duration::ZERO);
    let mut reply = BytesMut::new();
    bank.receive(0, Duration::ZERO, &mut reply);
    assert_eq!(bank.set_counts(0).accepted, 0);
    assert!(reply.ends_with(&mode(5)), "{reply:?}");
}

#[tokio::test]
async fn stray_reply_in_a_socket_requires_a_fence() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut unit, _) = listener.accept().unwrap();
    unit.set_nodelay(true).unwrap();
    let mut stray = unit.try_clone().unwrap();
    let unit = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for reply in [fence("PI"), mode(5), fence("ID"), mode(5)] {
            let mut bytes = [0; 32];
            let len = unit.read(&mut bytes).unwrap();
            let request = pi18_proto::Frame::parse(&bytes[..len]).unwrap();
            requests.push(String::from_utf8(request.data().to_vec()).unwrap());
            unit.write_all(&reply).unwrap();
        }
        requests
    });
    let mut client = AsyncClient::new(ours, "test");
    client.read::<Mode>().await.unwrap();
    // Tokio does not know of these bytes until its driver has run again.
    stray.write_all(&mode(4)).unwrap();
    assert_eq!(client.read::<Mode>().await.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(unit.join().unwrap(), ["PI", "MOD", "ID", "MOD"]);
}

#[tokio::test(start_paused = true)]
async fn write_that_is_not_accepted_is_a_timeout_at_the_deadline() {
    let (ours, _unit) = duplex(1);
    let mut client = AsyncClient::new(ours, "test");
    let started = tokio::time::Instant::now();
    let error = client.read::<Mode>().await.unwrap_err();
    assert_eq!(error.to_string(), "test: writing failed: timed out");
    assert!(error.is_timeout());
    assert!(started.elapsed() <= client.config().deadline + Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn end_of_the_stream_is_a_disconnected_error_with_the_last_text() {
    let (ours, mut bridge) = duplex(64);
    bridge.write_all(b"Port already in use\r\n").await.unwrap();
    drop(bridge);
    let error = AsyncClient::new(ours, "test").read::<Mode>().await.unwrap_err();
    assert!(error.is_disconnected(), "{error}");
    assert_eq!(error.hint(), Some("the other end had sent \"Port already in use\""));
}

#[tokio::test(start_paused = true)]
async fn error_of_this_crate_passes_through_a_stream() {
    let busy = pi18_transport::Error::new(ErrorKind::Busy, "can:0", "is in use");
    let error = AsyncClient::new(Failing(Some(io::Error::other(busy))), "test")
        .read::<Mode>()
        .await
        .unwrap_err();
    assert!(error.is_busy());
    assert_eq!(error.to_string(), "can:0: is in use");
}

/// A stream on which reading fails once with an error.
struct Failing(Option<io::Error>);

impl AsyncRead for Failing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.0.take().unwrap()))
    }
}

impl AsyncWrite for Failing {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn futures_are_send_and_small() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let (ours, _unit) = duplex(1);
    let mut client = is_send(AsyncClient::new(ours, "test"));
    let size = size_of_val(&is_send(client.read::<Mode>()));
    assert!(size < 2048, "{size} bytes");
    drop(is_send(client.set(pop())));
    drop(is_send(AsyncClient::<AsyncLink>::open("sim:0")));
    assert!(format!("{client:?}").starts_with("AsyncClient { name: \"test\""));
}

#[tokio::test(start_paused = true)]
async fn other_unit_than_the_expected_one_gets_nothing_but_the_check() {
    let serial = |text: &str| SerialNumber::new(text).unwrap();
    let line = || Line::new(|_| vec![(10, mode(5))]);
    let mut client =
        AsyncClient::new(LinkStream::new(line()), "test").expecting(serial("96132206100499"));
    let error = client.set(pop()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongUnit);
    assert_eq!(client.read::<Mode>().await.unwrap_err().kind(), ErrorKind::WrongUnit);
    assert_eq!(client.into_stream().link.sent, ["PI", "ID", "ID"]);

    let mut client =
        AsyncClient::new(LinkStream::new(line()), "test").expecting(serial("96161704100242"));
    for _ in 0..2 {
        client.read::<Mode>().await.unwrap();
    }
    assert_eq!(client.into_stream().link.sent, ["PI", "ID", "MOD", "MOD"]);
}
