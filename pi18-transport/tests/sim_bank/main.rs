//! The virtual bank through its public API: with and without links, and served to other programs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot continue fails"
)]

mod answers;
mod battery;
mod clock;
mod faults;
mod heat;
mod line;
mod links;
mod measured;
mod panels;
mod physics;
mod protection;
mod served;
mod sets;

use std::time::Duration;

use bytes::BytesMut;
use pi18_proto::{
    AnyReply, Dialect, Frame, FrameKind, GeneralStatus, Query, RatedInformation, Reply, Request,
    SetCommand,
};
use pi18_transport::sim::{Bank, BankConfig};

/// Returns a bank of two units, the first of which have these switches.
#[track_caller]
fn bank(switches: &[&str]) -> Bank {
    let switches = switches.iter().map(|text| text.parse().unwrap()).collect();
    Bank::new(BankConfig { switches, ..BankConfig::default() }).unwrap()
}

/// Sends bytes to a unit, and returns the bytes that arrive without delay.
fn exchange(bank: &mut Bank, unit: usize, bytes: &[u8], now: Duration) -> Vec<u8> {
    bank.send(unit, bytes, now);
    let mut reply = BytesMut::new();
    bank.receive(unit, now, &mut reply);
    reply.to_vec()
}

#[track_caller]
fn request(text: &str) -> Request {
    let query = text.parse::<Query>().map(Request::from);
    query.or_else(|_| text.parse::<SetCommand>().map(Request::from)).unwrap()
}

/// Sends a request at time zero. Returns the data of the reply, `^1`, `^0`, or an empty text without a reply.
#[track_caller]
fn ask(bank: &mut Bank, unit: usize, text: &str) -> String {
    ask_at(bank, unit, text, Duration::ZERO)
}

/// Sends a request at `now`, and returns the same as [`ask`].
#[track_caller]
fn ask_at(bank: &mut Bank, unit: usize, text: &str, now: Duration) -> String {
    let reply = exchange(bank, unit, &request(text).to_frame(Dialect::Checksum), now);
    if reply.is_empty() {
        return String::new();
    }
    let frame = Frame::parse(&reply).unwrap();
    match frame.kind() {
        FrameKind::Data => String::from_utf8(frame.data().to_vec()).unwrap(),
        FrameKind::Accepted => "^1".to_owned(),
        FrameKind::Refused => "^0".to_owned(),
        kind => panic!("{kind}"),
    }
}

#[track_caller]
fn status(bank: &Bank, unit: usize) -> GeneralStatus {
    match bank.peek(unit, Query::GeneralStatus) {
        Some(AnyReply::GeneralStatus(status)) => status,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn rated(bank: &Bank, unit: usize) -> RatedInformation {
    match bank.peek(unit, Query::RatedInformation) {
        Some(AnyReply::RatedInformation(rated)) => rated,
        other => panic!("{other:?}"),
    }
}

/// Returns the data of a reply in the form on the wire.
fn data(reply: &AnyReply) -> String {
    let mut buffer = [0; pi18_proto::MAX_FRAME];
    let len = reply.encode(&mut buffer).unwrap();
    String::from_utf8(buffer[..len].to_vec()).unwrap()
}

#[track_caller]
fn decode<R: Reply>(text: &str) -> R {
    R::decode(text.as_bytes()).unwrap()
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}
