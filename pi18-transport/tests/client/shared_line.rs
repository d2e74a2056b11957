//! A client on a serial bridge that also delivers the replies to other hosts. The client must not take them
//! for its own.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use pi18_proto::{MachineModel, Mode, Model, WorkingMode};
use pi18_transport::{ClientConfig, Error, Link};

use crate::{
    Client,
    line::{self, Answers, Line, Simulated, frame, mode},
};

/// A line behind a bridge that also serves other hosts.
pub(crate) struct Shared(pub(crate) Line);

impl Link for Shared {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.0.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        self.0.receive(buffer, deadline)
    }

    fn name(&self) -> &'static str {
        "shared"
    }

    fn now(&self) -> Instant {
        self.0.now
    }

    fn pause(&mut self, time: Duration) {
        self.0.pause(time);
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl Simulated for Shared {
    fn advance_to(&mut self, now: Instant) {
        self.0.advance_to(now);
    }

    fn next_due(&self) -> Option<Instant> {
        self.0.next_due()
    }
}

/// Returns a reply to `GMN` for another host. It has the same form as a reply to `MOD`.
fn model() -> Vec<u8> {
    frame(MachineModel::new(Model::V4_TWIN))
}

/// Reads the mode, and returns it with the requests that were sent.
fn ask(answer: impl FnMut(&str) -> Answers + 'static) -> (Result<Mode, Error>, Vec<String>) {
    let mut client = Client::new(Shared(Line::new(answer)));
    let read = client.read::<Mode>();
    (read, client.into_link().0.sent)
}

#[test]
fn reply_to_another_host_before_ours_is_discarded() {
    let mut first = true;
    let (read, sent) = ask(move |_| {
        let foreign = std::mem::take(&mut first).then(|| (5, model()));
        foreign.into_iter().chain([(12, mode(5))]).collect()
    });
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    // The first round gives two different replies. Then three rounds have to agree.
    assert_eq!(sent, ["PI", "MOD", "ID", "MOD", "VFW", "MOD", "DI", "MOD", "PI"]);
}

#[test]
fn replies_to_another_host_on_every_attempt_are_an_error() {
    let (read, sent) = ask(|_| vec![(5, model()), (12, mode(5))]);
    let error = read.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("another host uses this link"), "{error}");
    assert_eq!(sent.iter().filter(|request| *request == "MOD").count(), 3);
}

#[test]
fn stray_bytes_after_the_last_try_are_an_error() {
    let line = Line::with_fences(|request| match request {
        "MOD" => vec![(10, mode(5))],
        "ID" => vec![(5, model()), (10, line::fence("ID")), (10, b"junk".to_vec())],
        fence => vec![(10, line::fence(fence))],
    });
    let mut config = ClientConfig::default();
    config.tries = 1;
    let mut client = Client::with_config(Shared(line), config);
    assert!(client.read::<Mode>().unwrap_err().is_timeout());
    assert_eq!(client.into_link().0.sent, ["PI", "MOD", "ID"]);
}

#[test]
fn damaged_bytes_after_a_reply_cause_a_retry() {
    let mut first = true;
    let (read, sent) = ask(move |_| {
        if std::mem::take(&mut first) {
            return vec![(5, model()), (12, b"^D00505\xD9\x9E\r".to_vec())];
        }
        vec![(10, mode(5))]
    });
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(sent.iter().filter(|request| *request == "MOD").count(), 3);
}

#[test]
fn identical_replies_are_accepted() {
    let (read, sent) = ask(|_| vec![(5, mode(5)), (12, mode(5))]);
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    // One of the two answers another host, so three rounds have to agree.
    assert_eq!(sent, ["PI", "MOD", "ID", "MOD", "VFW", "MOD", "DI"]);
}

#[test]
fn reply_that_is_not_followed_by_a_fence_is_requested_again() {
    let mut fences = 0;
    let mut client = Client::new(Shared(Line::with_fences(move |request| match request {
        "MOD" => vec![(10, mode(5))],
        fence => {
            fences += 1;
            if fences == 2 { Vec::new() } else { vec![(10, line::fence(fence))] }
        }
    })));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    let sent = client.into_link().0.sent;
    assert_eq!(sent.iter().filter(|request| *request == "MOD").count(), 3);
}

#[test]
fn reply_of_unique_form_needs_no_fence_after_it() {
    let mut client = Client::new(Shared(Line::new(|_| vec![(10, line::fence("FLAG"))])));
    client.read::<pi18_proto::Flags>().unwrap();
    assert_eq!(client.into_link().0.sent, ["PI", "FLAG"]);
}

/// Reads the mode beside another host that asks for the model. The unit misses the first `lost` queries, so that only
/// the reply to the other host arrives. Returns the mode and the number of queries.
fn ask_beside_another_host(lost: usize, foreign: Answers) -> (Result<Mode, Error>, usize) {
    let mut asked = 0;
    let mut foreign = Some(foreign);
    let mut client = Client::new(Shared(Line::with_fences(move |request| match request {
        "MOD" => {
            asked += 1;
            vec![(5, if asked <= lost { model() } else { mode(5) })]
        }
        fence => foreign.take().into_iter().flatten().chain([(10, line::fence(fence))]).collect(),
    })));
    let read = client.read::<Mode>();
    let sent = client.into_link().0.sent;
    (read, sent.iter().filter(|request| *request == "MOD").count())
}

#[test]
fn query_is_sent_twice_without_a_sign_of_another_host() {
    let (read, sent) = ask(|_| vec![(5, mode(5))]);
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(sent, ["PI", "MOD", "ID", "MOD", "VFW"]);
}

#[test]
fn second_reply_counts_without_a_sign_of_another_host() {
    // Measured values change between two rounds, so they do not have to agree.
    let (read, asked) = ask_beside_another_host(1, Vec::new());
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(asked, 2);
}

#[test]
fn frame_right_after_a_round_is_a_sign_of_another_host() {
    let (mut asked, mut fences) = (0, 0);
    let mut client = Client::new(Shared(Line::with_fences(move |request| match request {
        "MOD" => {
            asked += 1;
            vec![(5, if asked <= 2 { model() } else { mode(5) })]
        }
        fence => {
            fences += 1;
            // The frame arrives together with the reply to the fence, so nothing reads it before the round ends.
            let tail = if fences == 2 { model() } else { Vec::new() };
            vec![(10, [line::fence(fence), tail].concat())]
        }
    })));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
}

#[test]
fn three_rounds_must_agree_if_a_reply_to_another_host_arrives() {
    for lost in [1, 2] {
        let (read, asked) = ask_beside_another_host(lost, vec![(2, model())]);
        assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID, "{lost} lost");
        assert_eq!(asked, lost + 3);
    }
}

/// Reads the mode beside another host. The unit misses the first `lost` queries, and the reply to the other host arrives
/// instead. `foreign` returns what else arrives for it after each fence, which are counted from 0: the first one begins
/// the exchange, and each other one ends a round. Returns the mode, the number of queries, and the time in milliseconds.
fn ask_and_listen(
    lost: usize,
    foreign: impl Fn(usize) -> Answers + 'static,
) -> (Result<Mode, Error>, usize, u128) {
    let (mut asked, mut fences) = (0, 0);
    let line = Line::with_fences(move |request| match request {
        "MOD" => {
            asked += 1;
            vec![(5, if asked <= lost { model() } else { mode(5) })]
        }
        fence => {
            fences += 1;
            let mut answers = foreign(fences - 1);
            answers.push((10, line::fence(fence)));
            answers.sort_by_key(|(after, _)| *after);
            answers
        }
    });
    let start = line.now;
    let mut client = Client::new(Shared(line));
    let read = client.read::<Mode>();
    let line = client.into_link().0;
    let asked = line.sent.iter().filter(|request| *request == "MOD").count();
    (read, asked, (line.now - start).as_millis())
}

#[test]
fn host_that_is_heard_after_the_first_round_is_a_sign_of_another_host() {
    let (read, asked, _) = ask_and_listen(2, |fence| match fence {
        1 => vec![(900, line::fence("FLAG"))],
        _ => Vec::new(),
    });
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(asked, 2 + 3);
}

#[test]
fn client_listens_once_in_thirty_seconds() {
    let mut client = Client::new(Shared(Line::new(|_| vec![(10, mode(5))])));
    let mut read_after = |pause| {
        client.pause(Duration::from_millis(pause)).unwrap();
        let start = client.now();
        client.read::<Mode>().unwrap();
        (client.now() - start).as_millis()
    };
    // Two rounds of two exchanges each, and half a timeout. The first exchange begins with a fence.
    assert_eq!(read_after(0), 10 + 40 + 1000);
    for _ in 0..28 {
        assert_eq!(read_after(999), 40);
    }
    assert_eq!(read_after(999), 40 + 1000);
    // The time between two requests counts as listening.
    assert_eq!(read_after(40_000), 40);
}

#[test]
fn reply_that_arrives_while_nothing_is_asked_does_not_count() {
    // The other host lost its last reply as well, waits for half a second, and asks again.
    let (read, asked, _) = ask_and_listen(3, |fence| match fence {
        0 => vec![(5, line::fence("FLAG"))],
        3 => vec![(500, model())],
        _ => Vec::new(),
    });
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(asked, 3 + 3);
}

#[test]
fn replies_that_arrive_while_nothing_is_asked_on_every_attempt_are_an_error() {
    let (read, asked, _) = ask_and_listen(usize::MAX, |fence| match fence {
        0 => vec![(5, line::fence("FLAG"))],
        3 | 6 | 9 => vec![(20, line::fence("FLAG")), (30, model())],
        _ => Vec::new(),
    });
    let error = read.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("another host on this link receives"), "{error}");
    assert_eq!(asked, 3 * 3);
}

#[test]
fn client_listens_as_long_as_the_rounds_took_once_it_hears_another_host() {
    let other = |after| (after, line::fence("FLAG"));
    let (read, asked, time) = ask_and_listen(0, move |fence| match fence {
        0 => vec![other(5)],
        3 => vec![other(500)],
        _ => Vec::new(),
    });
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    let (first_fence, round) = (10, 15);
    assert_eq!((asked, time), (3, first_fence + 3 * round - 10 + 500 + 3 * round));
    // A host that is not heard may wait for a reply that it lost.
    let (read, asked, time) =
        ask_and_listen(0, move |fence| if fence == 0 { vec![other(5)] } else { Vec::new() });
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!((asked, time), (3, first_fence + 3 * round + 2000));
}

#[test]
fn rounds_count_anew_after_two_different_replies() {
    let mut asked = 0;
    let (read, sent) = ask(move |_| {
        asked += 1;
        match asked {
            // The replies to the other host, those to both hosts, and then the unit misses two queries.
            1 => vec![(5, model()), (6, model())],
            2 => vec![(5, model()), (12, mode(5))],
            3 | 4 => vec![(5, model())],
            _ => vec![(5, mode(5))],
        }
    });
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(sent.iter().filter(|request| *request == "MOD").count(), 4 + 3);
}

#[test]
fn three_rounds_must_agree_if_a_refusal_of_another_request_arrives() {
    let (read, asked) = ask_beside_another_host(2, vec![(2, b"(NAK\x73\x73\r".to_vec())]);
    assert_eq!(read.unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(asked, 5);
}

#[test]
fn three_rounds_must_agree_if_bytes_arrived_before_the_first_request() {
    let mut asked = 0;
    let mut line = Line::new(move |_| {
        asked += 1;
        vec![(5, if asked <= 2 { model() } else { mode(5) })]
    });
    line.arriving.push_back((line.now, model()));
    let mut client = Client::new(Shared(line));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    let sent = client.into_link().0.sent;
    assert_eq!(sent.iter().filter(|request| *request == "MOD").count(), 5);
}
