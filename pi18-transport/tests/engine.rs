//! The dialogue engine, driven step by step.
#![cfg(feature = "sim")]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and the helpers of the line are for all tests"
)]

#[path = "client/line.rs"]
mod line;

use std::time::{Duration, Instant};

use bytes::BytesMut;
use line::{fence, mode};
use pi18_proto::{AnyReply, Dialect, Query, Request, SetCommand};
use pi18_transport::{
    ClientConfig, Error, Link, SetOutcome,
    dialogue::{Dialogue, Exchange, Outcome, Step},
    sim::{Bank, BankConfig, SharedBank},
};

/// Expects that the next step sends this request, and carries the step out.
#[track_caller]
fn expect_sent(dialogue: &mut Dialogue, exchange: &mut Exchange, now: Instant, request: &str) {
    let mut step = dialogue.next(exchange, now);
    while matches!(step, Step::Drain) {
        dialogue.drained(exchange, b"");
        step = dialogue.next(exchange, now);
    }
    let Step::Send(frame) = step else { panic!("expected {request}, found {step:?}") };
    let expected = match request.parse::<Query>() {
        Ok(query) => Request::from(query),
        Err(_) => request.parse::<SetCommand>().unwrap().into(),
    };
    assert_eq!(*frame, *expected.to_frame(Dialect::Checksum));
    dialogue.sent(exchange, now);
}

/// Passes bytes to the dialogue, which must wait for them.
#[track_caller]
fn receive(dialogue: &mut Dialogue, exchange: &mut Exchange, now: Instant, bytes: &[u8]) {
    let step = dialogue.next(exchange, now);
    assert!(matches!(step, Step::Receive(until) if until > now), "{step:?}");
    dialogue.received(exchange, bytes, now);
}

#[test]
fn cancelled_query_leads_to_a_fence_that_discards_its_late_reply() {
    let mut dialogue = Dialogue::new(ClientConfig::default(), true);
    let now = Instant::now();
    let mut cancelled = dialogue.ask(Query::Mode, now);
    expect_sent(&mut dialogue, &mut cancelled, now, "MOD");
    drop(cancelled);

    // The reply to MOD has the same form as a reply to GMN.
    let mut exchange = dialogue.ask(Query::MachineModel, now);
    expect_sent(&mut dialogue, &mut exchange, now, "PI");
    receive(&mut dialogue, &mut exchange, now, &[mode(5), fence("PI")].concat());
    expect_sent(&mut dialogue, &mut exchange, now, "GMN");
    receive(&mut dialogue, &mut exchange, now, &mode(1));
    let Step::Done(outcome) = dialogue.next(&mut exchange, now) else { panic!() };
    let reply = exchange.reply("test", Ok(outcome)).unwrap();
    assert_eq!(reply.frame, mode(1));
}

#[test]
fn finished_exchange_leaves_host_and_unit_in_step() {
    let mut dialogue = Dialogue::new(ClientConfig::default(), true);
    let now = Instant::now();
    for _ in 0..2 {
        let mut exchange = dialogue.ask(Query::Mode, now);
        expect_sent(&mut dialogue, &mut exchange, now, "MOD");
        receive(&mut dialogue, &mut exchange, now, &mode(5));
        assert!(matches!(dialogue.next(&mut exchange, now), Step::Done(Outcome::Reply(_))));
    }
}

#[test]
fn reply_has_the_time_at_which_it_arrived() {
    let mut dialogue = Dialogue::new(ClientConfig::default(), true).on_shared_link(true);
    let start = Instant::now();
    let mut exchange = dialogue.ask(Query::Mode, start);
    expect_sent(&mut dialogue, &mut exchange, start, "MOD");
    receive(&mut dialogue, &mut exchange, start, &mode(3));
    expect_sent(&mut dialogue, &mut exchange, start, "PI");
    receive(&mut dialogue, &mut exchange, start, &fence("PI"));
    // The engine listens for other hosts, and asks again. The second reply counts.
    let Step::Receive(end) = dialogue.next(&mut exchange, start) else { panic!() };
    assert_eq!(end, start + Duration::from_secs(1));
    dialogue.received(&mut exchange, &[], end);
    expect_sent(&mut dialogue, &mut exchange, end, "MOD");
    // The fence that confirms it takes more time.
    let at = end + Duration::from_millis(400);
    receive(&mut dialogue, &mut exchange, at, &mode(5));
    expect_sent(&mut dialogue, &mut exchange, at, "ID");
    let later = at + Duration::from_millis(300);
    receive(&mut dialogue, &mut exchange, later, &fence("ID"));
    let Step::Done(Outcome::Reply(reply)) = dialogue.next(&mut exchange, later) else { panic!() };
    assert_eq!(reply.at, at);
}

#[test]
fn failed_link_gives_a_set_command_an_outcome_only_once_it_was_sent() {
    let now = Instant::now();
    let command: SetCommand = "POP1".parse().unwrap();
    let reset = || Error::io("test", "writing", std::io::ErrorKind::ConnectionReset.into());
    let mut dialogue = Dialogue::new(ClientConfig::default(), false);
    let mut exchange = dialogue.ask(command, now);
    expect_sent(&mut dialogue, &mut exchange, now, "PI");
    assert!(!exchange.was_sent());
    assert!(exchange.set_outcome("test", Err(reset())).unwrap_err().is_disconnected());

    receive(&mut dialogue, &mut exchange, now, &fence("PI"));
    expect_sent(&mut dialogue, &mut exchange, now, "POP1");
    assert!(exchange.was_sent());
    assert_eq!(exchange.set_outcome("test", Err(reset())).unwrap(), SetOutcome::Gone);
}

#[test]
fn tries_are_counted() {
    let mut dialogue = Dialogue::new(ClientConfig::default(), true);
    let mut now = Instant::now();
    let mut exchange = dialogue.ask(Query::Mode, now);
    for (tries, request) in (1..).zip(["MOD", "PI", "MOD"]) {
        expect_sent(&mut dialogue, &mut exchange, now, request);
        assert_eq!(exchange.tries(), if tries == 1 { 1 } else { 2 });
        if request == "PI" {
            receive(&mut dialogue, &mut exchange, now, &fence("PI"));
        } else {
            now += Duration::from_secs(2);
        }
    }
    while !matches!(dialogue.next(&mut exchange, now), Step::Done(_)) {
        now += Duration::from_secs(2);
    }
    assert_eq!(exchange.tries(), 3);
}

/// Carries out the steps of an exchange. Cancels it with this probability before each step.
fn drive(
    dialogue: &mut Dialogue,
    link: &mut impl Link,
    query: Query,
    random: &mut fastrand::Rng,
    cancellation: f64,
) -> Option<Result<AnyReply, Error>> {
    let mut exchange = dialogue.ask(query, link.now());
    let mut bytes = BytesMut::new();
    loop {
        bytes.clear();
        let step = dialogue.next(&mut exchange, link.now());
        if random.f64() < cancellation {
            if let Step::Send(frame) = step {
                // Sending may have been interrupted.
                link.send(frame.get(..random.usize(..=frame.len()))?, exchange.deadline()).ok()?;
            }
            return None;
        }
        match step {
            Step::Drain => {
                link.receive(&mut bytes, link.now()).unwrap();
                dialogue.drained(&mut exchange, &bytes);
            }
            Step::Send(frame) => {
                link.send(&frame, exchange.deadline()).unwrap();
                dialogue.sent(&mut exchange, link.now());
            }
            Step::Receive(until) => {
                link.receive(&mut bytes, until).unwrap();
                dialogue.received(&mut exchange, &bytes, link.now());
            }
            Step::Done(outcome) => {
                return Some(exchange.reply("test", Ok(outcome)).map(|timed| timed.reply));
            }
        }
    }
}

#[test]
fn cancelled_exchanges_never_lead_to_a_wrong_value() {
    let queries: Vec<Query> =
        Query::LIST.iter().map(|info| info.example.parse().unwrap()).collect();
    let mut counts = [0; 3];
    for seed in 0..10 {
        let switches = format!("frozen=on&late=0.1&late-by=1500ms&lose=0.0005&seed={seed}");
        let config = BankConfig { units: 1, switches: vec![switches.parse().unwrap()] };
        let bank = SharedBank::virtual_time(Bank::new(config).unwrap());
        let mut link = bank.link(0);
        let mut dialogue = Dialogue::new(ClientConfig::default(), false);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..1000 {
            let query = *random.choice(&queries).unwrap();
            let ended = drive(&mut dialogue, &mut link, query, &mut random, 0.1);
            match ended {
                Some(Ok(reply)) => {
                    let correct = bank.with(|bank| bank.peek(0, query)).unwrap();
                    assert_eq!(reply, correct, "{query}, seed {seed}");
                    counts[0] += 1;
                }
                Some(Err(error)) => {
                    assert!(error.is_timeout(), "{error:?}, seed {seed}");
                    counts[1] += 1;
                }
                None => counts[2] += 1,
            }
        }
    }
    let [answered, failed, cancelled] = counts;
    assert!(answered > 3_000 && cancelled > 3_000, "{answered} {failed} {cancelled}");
}

#[test]
fn request_is_not_sent_after_its_deadline() {
    let mut dialogue = Dialogue::new(ClientConfig::default(), true);
    let now = Instant::now();
    let command: SetCommand = "POP1".parse().unwrap();
    // Opening the link took the whole time of the request.
    let mut exchange = dialogue.ask(command, now);
    let late = exchange.deadline();
    assert!(matches!(dialogue.next(&mut exchange, late), Step::Drain));
    dialogue.drained(&mut exchange, b"");
    let Step::Done(outcome) = dialogue.next(&mut exchange, late) else { panic!("expected an end") };
    let error = exchange.set_outcome("test", Ok(outcome)).unwrap_err();
    assert!(error.is_timeout() && !exchange.was_sent());
}

#[test]
fn wait_without_an_end_does_not_overflow() {
    let mut config = ClientConfig::default();
    (config.timeout, config.deadline, config.settle) =
        (Duration::MAX, Duration::MAX, Duration::MAX);
    let mut dialogue = Dialogue::new(config, true);
    let now = Instant::now();
    let mut exchange = dialogue.ask(Query::Mode, now);
    expect_sent(&mut dialogue, &mut exchange, now, "MOD");
    receive(&mut dialogue, &mut exchange, now, b"noise\r");
    receive(&mut dialogue, &mut exchange, now, &mode(5));
}
