//! A client that is stopped, in simulated time.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::{ACCEPTED, Mode, WorkingMode};
use pi18_transport::{Error, ErrorKind, Link, SetOutcome, StopHandle};

use crate::{
    Client,
    line::{Line, mode},
};

/// A link that stops its client once a request was sent and some time has passed.
struct Stopping {
    line: Line,
    stop: Rc<RefCell<Stop>>,
}

#[derive(Default)]
struct Stop {
    /// After which request and how much time the client is stopped.
    after: Option<(&'static str, Duration)>,
    sent: Option<Instant>,
    handle: Option<StopHandle>,
    /// When the client was stopped.
    at: Option<Instant>,
}

impl Stopping {
    fn check(&mut self) {
        let mut stop = self.stop.borrow_mut();
        if let (Some((_, delay)), Some(sent)) = (stop.after, stop.sent)
            && self.line.now >= sent + delay
        {
            stop.handle.as_ref().unwrap().stop();
            stop.at = stop.at.or(Some(self.line.now));
        }
    }
}

impl Link for Stopping {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.line.send(bytes, deadline)?;
        let mut stop = self.stop.borrow_mut();
        if stop.after.is_some_and(|(request, _)| self.line.sent.last().unwrap() == request) {
            stop.sent = Some(self.line.now);
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        self.line.receive(buffer, deadline)?;
        self.check();
        Ok(())
    }

    fn name(&self) -> &'static str {
        "test"
    }

    fn now(&self) -> Instant {
        self.line.now
    }

    fn pause(&mut self, time: Duration) {
        self.line.now += time;
        self.check();
    }
}

/// Returns a client that is stopped after a request and some milliseconds, and a view of the stop.
fn client(line: Line, request: &'static str, delay: u64) -> (Client<Stopping>, Rc<RefCell<Stop>>) {
    let stop = Rc::<RefCell<Stop>>::default();
    let mut client = Client::new(Stopping { line, stop: Rc::clone(&stop) });
    stop.borrow_mut().handle = Some(client.stop_handle());
    stop.borrow_mut().after = Some((request, Duration::from_millis(delay)));
    (client, stop)
}

/// Asserts that at most 50 ms have passed on the link's clock since the client was stopped.
#[track_caller]
fn assert_ended_at_once(client: &Client<Stopping>, stop: &Rc<RefCell<Stop>>) {
    let stopped = stop.borrow().at.unwrap();
    assert!(client.now() - stopped <= Duration::from_millis(50), "{:?}", client.now() - stopped);
}

#[test]
fn request_to_a_silent_unit_ends_at_once() {
    let (mut client, stop) = client(Line::new(|_| vec![]), "MOD", 500);
    let error = client.read::<Mode>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert_eq!(error.to_string(), "test: stopped by this program");
    assert_ended_at_once(&client, &stop);

    // Later calls end at once, and nothing is sent.
    let now = client.now();
    assert_eq!(client.read::<Mode>().unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(client.set("POP1".parse().unwrap()).unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(client.ask_raw(b"XYZ").unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(client.pause(Duration::from_secs(1)).unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(client.now(), now);
    assert_eq!(client.link().line.sent, ["PI", "MOD"]);
}

#[test]
fn resumed_client_discards_the_reply_to_the_stopped_request() {
    let mut replies = vec![(10, mode(3)), (900, mode(5))];
    let line = Line::new(move |_| replies.pop().into_iter().collect());
    let (mut client, stop) = client(line, "MOD", 500);
    assert!(client.read::<Mode>().is_err());
    stop.borrow_mut().after = None;
    client.resume();
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::BATTERY);
    assert_eq!(client.link().line.sent, ["PI", "MOD", "ID", "MOD"]);
}

#[test]
fn stopped_set_command_is_silent_if_it_was_sent() {
    let (mut sent, stop) = client(Line::new(|_| vec![]), "POP1", 100);
    assert_eq!(sent.set("POP1".parse().unwrap()).unwrap(), SetOutcome::Silent);
    assert_ended_at_once(&sent, &stop);
    assert_eq!(sent.link().line.sent, ["PI", "POP1"]);

    let (mut unsent, _) = client(Line::with_fences(|_| vec![]), "PI", 100);
    let error = unsent.set("POP1".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert_eq!(unsent.link().line.sent, ["PI"]);
}

#[test]
fn reply_that_arrives_before_the_stop_counts() {
    let line = Line::new(|_| vec![(15, ACCEPTED.to_vec())]);
    let (mut client, _) = client(line, "POP1", 15);
    assert_eq!(client.set("POP1".parse().unwrap()).unwrap(), SetOutcome::Accepted);
    assert_eq!(client.read::<Mode>().unwrap_err().kind(), ErrorKind::Stopped);
}

#[test]
fn pause_ends_at_once() {
    let (mut client, stop) = client(Line::new(|_| vec![(10, mode(5))]), "MOD", 1_000);
    client.read::<Mode>().unwrap();
    let error = client.pause(Duration::from_hours(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert_ended_at_once(&client, &stop);
}

#[test]
fn pause_of_a_client_that_is_not_stopped_has_its_full_time() {
    let (mut client, _) = client(Line::new(|_| vec![]), "none", 0);
    let started = client.now();
    client.pause(Duration::from_millis(1_234)).unwrap();
    assert_eq!(client.now() - started, Duration::from_millis(1_234));
}
