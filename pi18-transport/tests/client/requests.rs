//! The client on a simulated line with scripted replies, in simulated time.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use pi18_proto::{
    ACCEPTED, Amperes, Currents, Date, DayEnergy, GeneralStatus, MachineModel, MaxChargeCurrents,
    Mode, Model, Query, REFUSED, Reply, SetCommand, WattHours, WorkingMode,
};
use pi18_transport::{ClientConfig, Error, Link, SetOutcome};

use crate::{
    Client,
    line::{Line, Simulated, fence, frame, mode, raw},
};

fn pop() -> SetCommand {
    "POP1".parse().unwrap()
}

#[test]
fn protocol_is_queried_only_before_the_first_request() {
    let mut client = Client::new(Line::new(|_| vec![(10, mode(5))]));
    for _ in 0..3 {
        assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    }
    assert_eq!(client.link().sent, ["PI", "MOD", "MOD", "MOD"]);
}

#[test]
fn late_reply_is_not_returned_for_the_next_query() {
    // The replies to MOD and GMN have the same shape.
    let line = Line::new(|request| match request {
        "MOD" => vec![(2_005, mode(5))],
        _ => vec![(10, frame(MachineModel::new(Model::V4_TWIN)))],
    });
    let mut config = ClientConfig::default();
    config.tries = 1;
    let mut client = Client::with_config(line, config);
    assert!(client.read::<Mode>().unwrap_err().is_timeout());
    assert_eq!(client.read::<MachineModel>().unwrap().model, Model::V4_TWIN);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "GMN"]);
}

#[test]
fn late_reply_to_a_fence_does_not_end_a_later_fence() {
    // The reply to the first fence arrives after the second fence was sent. The reply to MOD arrives while
    // the client waits for the third fence, before GMN.
    let line = Line::with_fences(move |request| match request {
        "PI" => vec![(2_100, fence("PI"))],
        "MOD" => vec![(2_500, mode(5))],
        "ID" | "VFW" | "DI" => vec![(10, fence(request))],
        _ => vec![(10, frame(MachineModel::new(Model::V4_TWIN)))],
    });
    let mut config = ClientConfig::default();
    config.tries = 1;
    let mut client = Client::with_config(line, config);
    assert!(client.read::<Mode>().unwrap_err().is_timeout());
    assert!(client.read::<Mode>().unwrap_err().is_timeout());
    assert_eq!(client.link().sent, ["PI", "ID", "MOD"]);
    assert_eq!(client.read::<MachineModel>().unwrap().model, Model::V4_TWIN);
}

#[test]
fn duplicate_reply_to_a_fence_is_not_returned_for_a_query() {
    // Every reply is followed by a copy of the previous one.
    let mut last = fence("PI");
    let mut client = Client::new(Line::with_fences(move |request| {
        let reply = match request {
            "MCHGCR" => frame(MaxChargeCurrents::new(Currents::new(&[Amperes(10)]).unwrap())),
            _ => fence(request),
        };
        vec![(0, reply.clone()), (0, std::mem::replace(&mut last, reply))]
    }));
    for _ in 0..20 {
        if let Ok(list) = client.read::<MaxChargeCurrents>() {
            assert_eq!(list.currents, Currents::new(&[Amperes(10)]).unwrap());
        }
    }
}

#[test]
fn fence_is_never_the_query_itself() {
    let mut client = Client::new(Line::new(|_| vec![]));
    assert!(client.read::<Mode>().is_err());
    for query in [Query::Identity, Query::Defaults, Query::ProtocolId, Query::FirmwareVersions] {
        let before = client.link().sent.len();
        // A query without a reply requires a fence before the next one.
        let _ = client.read::<Mode>();
        let fenced = client.link().sent.len();
        client.query(query).unwrap();
        let new = &client.link().sent[fenced..];
        assert_eq!(new.last().unwrap(), query.info().mnemonic);
        assert!(!new[..new.len() - 1].contains(&query.to_string()), "{new:?} after {before}");
    }
}

#[test]
fn slow_unit_is_a_timeout_unless_the_timeout_is_longer() {
    let line = || Line::new(|_| vec![(2_500, mode(6))]);
    assert!(Client::new(line()).read::<Mode>().unwrap_err().is_timeout());
    let mut config = ClientConfig::default();
    config.timeout = Duration::from_secs(3);
    let mut client = Client::with_config(line(), config);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::CHARGE);
}

#[test]
fn old_bytes_are_discarded_before_a_request() {
    let mut line = Line::new(|_| vec![(10, mode(3))]);
    line.arriving.push_back((line.now, mode(4)));
    let mut client = Client::new(line);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::BATTERY);
    let now = client.now();
    let mut line = client.into_link();
    line.arriving.push_back((now, mode(4)));
    let mut client = Client::new(line);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::BATTERY);
}

#[test]
fn query_is_repeated_after_a_damaged_reply() {
    let mut damaged = mode(5);
    damaged[6] ^= 1;
    let mut first = true;
    let mut client = Client::new(Line::new(move |_| {
        vec![(10, if std::mem::take(&mut first) { damaged.clone() } else { mode(5) })]
    }));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "MOD"]);
}

#[test]
fn query_is_repeated_after_two_different_replies() {
    let mut tries = 0;
    let mut client = Client::new(Line::new(move |_| {
        tries += 1;
        if tries == 1 { vec![(10, [mode(4), mode(5)].concat())] } else { vec![(10, mode(5))] }
    }));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
}

#[test]
fn query_is_repeated_after_bytes_before_the_reply() {
    let mut first = true;
    let mut client = Client::new(Line::new(move |_| {
        let without_end = mode(4)[..9].to_vec();
        let junk = if std::mem::take(&mut first) { without_end } else { vec![] };
        vec![(10, junk), (10, mode(5))]
    }));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "MOD"]);
}

#[test]
fn wrong_length_is_accepted_if_it_occurs_twice() {
    let wrong = |data: &str| {
        let mut frame = format!("^D010{data}").into_bytes();
        let checksum = pi18_proto::checksum(&frame);
        frame.extend(checksum);
        frame.push(b'\r');
        frame
    };
    let mut client = Client::new(Line::new(move |_| vec![(10, wrong("00003537"))]));
    let day = Date::new(2026, 4, 26).unwrap();
    let timed = client.query(Query::DayEnergy(day)).unwrap();
    assert_eq!(timed.reply, DayEnergy::new(WattHours(3537)).into());
    assert_eq!(timed.warnings, ["the stated length is 010, the actual length 011"]);
    assert_eq!(client.link().sent, ["PI", "ED20260426", "ID", "ED20260426"]);
}

#[test]
fn silent_unit_is_a_timeout_after_all_tries_within_the_deadline() {
    let mut client = Client::new(Line::new(|_| vec![]));
    let started = client.now();
    let error = client.read::<Mode>().unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        format!("{error:#}"),
        "test: expected a reply to MOD within 6.0 s, found nothing; \
         is the unit on, is the cable connected, and is this the right port?"
    );
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "MOD", "VFW", "MOD"]);
    assert!(client.now() - started <= Duration::from_secs(10));
}

#[test]
fn device_with_another_protocol_is_reported() {
    let ups = b"(230.1 000.0 230.1 012 50.0 2.20 25.0 00001001\r";
    let mut client = Client::new(Line::with_fences(|_| vec![(10, ups.to_vec())]));
    let error = client.read::<GeneralStatus>().unwrap_err();
    assert!(error.is_not_pi18());
    assert_eq!(
        format!("{error:#}"),
        "test: expected a PI18 inverter, found a device that answers \"(230.1 000.0 230\"… (47 bytes); \
         UPSs have the same USB adapter, and other inverters use another protocol"
    );
}

#[test]
fn unsupported_query_is_refused() {
    let mut client = Client::new(Line::new(|_| vec![(10, REFUSED.to_vec())]));
    let error = client.read::<MachineModel>().unwrap_err();
    assert!(error.is_refused());
    assert_eq!(error.to_string(), "test: GMN was refused (^0)");
}

#[test]
fn invalid_field_of_a_reply_is_named() {
    let invalid = GeneralStatus::SAMPLE.replacen("499", "4x9", 1);
    let mut client = Client::new(Line::new(move |_| vec![(10, raw(&invalid))]));
    let error = client.read::<GeneralStatus>().unwrap_err();
    assert!(error.is_decode());
    assert_eq!(
        error.to_string(),
        "test: the reply to GS cannot be read: GS field grid_frequency at offset 5: \
         expected a number of tenths of a hertz up to 65535, found \"4x9\""
    );
}

#[test]
fn reply_to_another_request_is_reported() {
    let mut client = Client::new(Line::new(|_| vec![(10, mode(5))]));
    let error = client.read::<GeneralStatus>().unwrap_err();
    assert!(error.is_timeout());
    assert!(error.to_string().contains("found a reply to another request"), "{error}");
}

#[test]
fn unit_that_returns_after_ten_minutes_is_read_within_a_second() {
    let start = Instant::now();
    let is_away = std::rc::Rc::new(std::cell::Cell::new(true));
    let is_away_now = is_away.clone();
    let mut client = Client::new(Line::with_fences(move |request| match request {
        _ if is_away_now.get() => vec![],
        "MOD" => vec![(10, mode(5))],
        request => vec![(10, fence(request))],
    }));
    while client.now() < start + Duration::from_mins(10) {
        assert!(client.read::<Mode>().unwrap_err().is_timeout());
    }
    is_away.set(false);
    let returned = client.now();
    client.read::<Mode>().unwrap();
    assert!(client.now() - returned < Duration::from_secs(1));
}

#[test]
fn set_command_is_sent_once_whatever_the_reply() {
    let mut damaged = ACCEPTED.to_vec();
    damaged[2] ^= 0x10;
    for (reply, expected) in [
        (vec![(10, ACCEPTED.to_vec())], SetOutcome::Accepted),
        (vec![(10, REFUSED.to_vec())], SetOutcome::Refused),
        (vec![(10, damaged)], SetOutcome::Garbled),
        (vec![(10, mode(5))], SetOutcome::Garbled),
        (vec![(10, [ACCEPTED, REFUSED].concat())], SetOutcome::Garbled),
        (vec![], SetOutcome::Silent),
    ] {
        let mut client = Client::new(Line::new(move |_| reply.clone()));
        assert_eq!(client.set(pop()).unwrap(), expected);
        assert_eq!(client.link().sent, ["PI", "POP1"]);
    }
}

#[test]
fn late_refusal_is_not_the_outcome_of_a_set_command() {
    // The refusal of GMN arrives after its timeout; the set command after it is accepted.
    let mut client = Client::new(Line::new(|request| match request {
        "GMN" => vec![(2_005, REFUSED.to_vec())],
        _ => vec![(10, ACCEPTED.to_vec())],
    }));
    assert!(client.read::<MachineModel>().is_err());
    assert_eq!(client.set(pop()).unwrap(), SetOutcome::Accepted);
}

#[test]
fn set_command_is_not_sent_to_a_silent_unit() {
    let mut client = Client::new(Line::with_fences(|_| vec![]));
    assert!(client.set(pop()).unwrap_err().is_timeout());
    assert!(!client.link().sent.contains(&"POP1".to_owned()));
}

#[test]
fn set_command_is_gone_if_the_device_disappears_after_sending() {
    let mut line = Line::new(|_| vec![]);
    line.gone_after = Some("POP1");
    assert_eq!(Client::new(line).set(pop()).unwrap(), SetOutcome::Gone);
}

#[test]
fn set_command_fails_if_the_device_disappears_before_sending() {
    let mut line = Line::new(|_| vec![]);
    line.gone_after = Some("PI");
    assert!(Client::new(line).set(pop()).unwrap_err().is_disconnected());
}

#[test]
fn echo_of_the_request_is_ignored() {
    let echo = Query::Mode.to_frame(pi18_proto::Dialect::Checksum).to_vec();
    let mut client = Client::new(Line::new(move |_| vec![(1, echo.clone()), (20, mode(5))]));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
}

#[test]
fn additional_field_is_a_warning() {
    let data = format!("{},7", GeneralStatus::SAMPLE);
    let mut client = Client::new(Line::new(move |_| vec![(10, raw(&data))]));
    let timed = client.query(Query::GeneralStatus).unwrap();
    assert_eq!(timed.warnings, ["1 unknown field: \"7\""]);
}

/// A line that takes three seconds to find its unit before the first send.
struct SlowToFind(Line);

impl Link for SlowToFind {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        if self.0.sent.is_empty() {
            self.0.now += Duration::from_secs(3);
        }
        self.0.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        self.0.receive(buffer, deadline)
    }

    fn name(&self) -> &'static str {
        "test"
    }

    fn now(&self) -> Instant {
        self.0.now
    }
}

impl Simulated for SlowToFind {
    fn advance_to(&mut self, now: Instant) {
        self.0.advance_to(now);
    }

    fn next_due(&self) -> Option<Instant> {
        self.0.next_due()
    }
}

#[test]
fn timeout_starts_after_the_request_was_sent() {
    let mut config = ClientConfig::default();
    config.tries = 1;
    let mut client = Client::with_config(SlowToFind(Line::new(|_| vec![(10, mode(5))])), config);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.link().0.sent, ["PI", "MOD"]);
}
