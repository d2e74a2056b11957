//! A client that expects a unit checks who answers before it sends anything else.

use std::{
    cell::Cell,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::{ACCEPTED, Identity, Mode, SerialNumber};
use pi18_transport::{Error, ErrorKind, Link};

use crate::{
    Client,
    line::{Line, fence, frame, mode},
};

const EXPECTED: &str = "96132206100410";

fn serial(text: &str) -> SerialNumber {
    SerialNumber::new(text).unwrap()
}

/// Returns a line to the unit whose serial number is in `answers`.
fn line(answers: &Rc<Cell<&'static str>>) -> Line {
    let answers = Rc::clone(answers);
    Line::with_fences(move |request| {
        let reply = match request {
            "ID" => frame(Identity::new(serial(answers.get()))),
            "MOD" => mode(5),
            "POP1" => ACCEPTED.to_vec(),
            fence_request => fence(fence_request),
        };
        vec![(10, reply)]
    })
}

#[test]
fn expected_unit_is_checked_once() {
    let answers = Rc::new(Cell::new(EXPECTED));
    let mut client = Client::new(line(&answers)).expecting(serial(EXPECTED));
    for _ in 0..2 {
        client.read::<Mode>().unwrap();
    }
    assert_eq!(client.link().sent, ["PI", "ID", "MOD", "MOD"]);
}

#[test]
fn other_unit_gets_nothing_but_the_check() {
    let answers = Rc::new(Cell::new("96132206100499"));
    let mut client = Client::new(line(&answers)).expecting(serial(EXPECTED));
    let error = client.set("POP1".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongUnit);
    assert_eq!(
        format!("{error:#}"),
        "test: expected unit 96132206100410, found unit 96132206100499; \
         was a cable moved, or does the bridge lead to another unit?"
    );
    assert_eq!(client.read::<Mode>().unwrap_err().kind(), ErrorKind::WrongUnit);
    assert_eq!(client.read::<Identity>().unwrap_err().kind(), ErrorKind::WrongUnit);
    assert_eq!(client.link().sent, ["PI", "ID", "ID", "ID"]);
    // The cable is moved back.
    answers.set(EXPECTED);
    client.read::<Mode>().unwrap();
}

#[test]
fn unit_is_checked_again_after_a_disconnect() {
    let answers = Rc::new(Cell::new(EXPECTED));
    let mut line = line(&answers);
    line.receive_fails = Some(("MOD", io::ErrorKind::BrokenPipe));
    let mut client = Client::new(line).expecting(serial(EXPECTED));
    assert!(client.read::<Mode>().unwrap_err().is_disconnected());
    assert_eq!(client.identity(), None);
    assert!(!client.is_connected());
    answers.set("96132206100499");
    let sent = client.link().sent.len();
    assert_eq!(client.set("POP1".parse().unwrap()).unwrap_err().kind(), ErrorKind::WrongUnit);
    assert!(client.link().sent[sent..].iter().all(|request| request != "POP1"));
}

#[test]
fn unit_that_was_identified_on_this_link_is_not_asked_again() {
    let answers = Rc::new(Cell::new(EXPECTED));
    let mut client = Client::new(line(&answers));
    client.read::<Identity>().unwrap();
    assert_eq!(client.identity(), Some(serial(EXPECTED)));
    let mut client = client.expecting(serial(EXPECTED));
    client.read::<Mode>().unwrap();
    assert_eq!(client.link().sent, ["PI", "ID", "MOD"]);
}

/// A line that is opened again once.
struct Replugged {
    line: Line,
    is_unplugged: bool,
    deadline: Option<Instant>,
}

impl Link for Replugged {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.line.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        self.line.receive(buffer, deadline)
    }

    fn name(&self) -> &'static str {
        "test"
    }

    fn now(&self) -> Instant {
        self.line.now
    }

    fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        self.deadline = Some(deadline);
        self.line.now += Duration::from_secs(1);
        Ok(std::mem::take(&mut self.is_unplugged))
    }
}

#[test]
fn link_that_was_opened_again_needs_a_fence_and_a_check() {
    let answers = Rc::new(Cell::new(EXPECTED));
    let link = Replugged { line: line(&answers), is_unplugged: false, deadline: None };
    let mut client = Client::new(link).expecting(serial(EXPECTED));
    client.read::<Mode>().unwrap();
    let mut link = client.into_link();
    link.is_unplugged = true;
    link.line.sent.clear();
    let mut client = Client::new(link).expecting(serial(EXPECTED));
    let started = client.now();
    client.read::<Mode>().unwrap();
    client.read::<Mode>().unwrap();
    assert!(client.is_connected());
    assert_eq!(client.link().line.sent, ["PI", "ID", "MOD", "MOD"]);
    // One try is left at the end of the deadline.
    assert!(client.link().deadline.unwrap() <= started + Duration::from_secs(10));
}
