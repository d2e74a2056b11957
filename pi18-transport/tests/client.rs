//! The client against a line that is told what to do, in made-up time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod line;

use std::time::{Duration, Instant};

use bytes::BytesMut;
use line::{Line, fence, frame, mode, raw};
use pi18_proto::{
    ACCEPTED, Amperes, Currents, Date, DayEnergy, GeneralStatus, MachineModel, MaxChargeCurrents,
    Mode, Model, Query, REFUSED, Reply, SetCommand, WattHours, WorkingMode,
};
use pi18_transport::{Client, ClientConfig, Error, Link, SetOutcome};

fn pop() -> SetCommand {
    "POP1".parse().unwrap()
}

#[test]
fn asks_for_the_protocol_before_the_first_question_only() {
    let mut client = Client::new(Line::new(|_| vec![(10, mode(5))]));
    for _ in 0..3 {
        assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    }
    assert_eq!(client.link().sent, ["PI", "MOD", "MOD", "MOD"]);
}

#[test]
fn a_late_reply_is_not_taken_for_the_next_one() {
    // The replies to MOD and GMN have the same shape.
    let line = Line::new(|request| match request {
        "MOD" => vec![(2_005, mode(5))],
        _ => vec![(10, frame(MachineModel { model: Model::V4_TWIN }))],
    });
    let mut config = ClientConfig::default();
    config.tries = 1;
    let mut client = Client::with_config(line, config);
    assert!(client.read::<Mode>().unwrap_err().is_timeout());
    assert_eq!(client.read::<MachineModel>().unwrap().model, Model::V4_TWIN);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "GMN"]);
}

#[test]
fn a_late_reply_to_a_fence_proves_nothing_about_what_was_asked_after_it() {
    // The first fence is answered when the second was asked, MOD when GMN waits for the third.
    let line = Line::whole(move |request| match request {
        "PI" => vec![(2_100, fence("PI"))],
        "MOD" => vec![(2_500, mode(5))],
        "ID" | "VFW" | "DI" => vec![(10, fence(request))],
        _ => vec![(10, frame(MachineModel { model: Model::V4_TWIN }))],
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
fn what_a_fence_is_answered_is_taken_for_nothing_else() {
    // A copy of the last reply comes behind every reply, and is still there afterwards.
    let mut last = fence("PI");
    let mut client = Client::new(Line::whole(move |request| {
        let reply = match request {
            "MCHGCR" => {
                frame(MaxChargeCurrents { currents: Currents::new(&[Amperes(10)]).unwrap() })
            }
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
fn a_fence_is_never_the_question_itself() {
    let mut client = Client::new(Line::new(|_| vec![]));
    assert!(client.read::<Mode>().is_err());
    for query in [Query::Identity, Query::Defaults, Query::ProtocolId, Query::FirmwareVersions] {
        let before = client.link().sent.len();
        // A question that nobody answers puts the two out of step.
        let _ = client.read::<Mode>();
        let fenced = client.link().sent.len();
        client.query(query).unwrap();
        let asked = &client.link().sent[fenced..];
        assert_eq!(asked.last().unwrap(), query.info().mnemonic);
        assert!(!asked[..asked.len() - 1].contains(&query.to_string()), "{asked:?} after {before}");
    }
}

#[test]
fn a_unit_slower_than_the_time_out_is_told_and_a_longer_one_helps() {
    let line = || Line::new(|_| vec![(2_500, mode(6))]);
    assert!(Client::new(line()).read::<Mode>().unwrap_err().is_timeout());
    let mut config = ClientConfig::default();
    config.timeout = Duration::from_secs(3);
    let mut client = Client::with_config(line(), config);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::CHARGE);
}

#[test]
fn what_lies_in_the_line_is_thrown_away_before_asking() {
    let mut line = Line::new(|_| vec![(10, mode(3))]);
    line.coming.push_back((line.now, mode(4)));
    let mut client = Client::new(line);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::BATTERY);
    let now = client.now();
    let mut line = client.into_link();
    line.coming.push_back((now, mode(4)));
    let mut client = Client::new(line);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::BATTERY);
}

#[test]
fn a_damaged_reply_is_asked_for_again() {
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
fn two_replies_that_differ_are_no_answer() {
    let mut tries = 0;
    let mut client = Client::new(Line::new(move |_| {
        tries += 1;
        if tries == 1 { vec![(10, [mode(4), mode(5)].concat())] } else { vec![(10, mode(5))] }
    }));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
}

#[test]
fn bytes_before_a_reply_make_it_suspect() {
    let mut first = true;
    let mut client = Client::new(Line::new(move |_| {
        let lost_its_end = mode(4)[..9].to_vec();
        let junk = if std::mem::take(&mut first) { lost_its_end } else { vec![] };
        vec![(10, junk), (10, mode(5))]
    }));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "MOD"]);
}

#[test]
fn a_wrong_length_is_believed_when_it_comes_twice_alike() {
    let wrong = |data: &str| {
        let mut frame = format!("^D010{data}").into_bytes();
        let checksum = pi18_proto::checksum(&frame);
        frame.extend(checksum);
        frame.push(b'\r');
        frame
    };
    let mut client = Client::new(Line::new(move |_| vec![(10, wrong("00003537"))]));
    let day = Date::new(2026, 4, 26).unwrap();
    let reading = client.query(Query::DayEnergy(day)).unwrap();
    assert_eq!(reading.reply, DayEnergy { energy: WattHours(3537) }.into());
    assert_eq!(reading.warnings, ["the stated length is 010, the actual length 011"]);
    assert_eq!(client.link().sent, ["PI", "ED20260426", "ID", "ED20260426"]);
}

#[test]
fn silence_ends_after_a_bounded_number_of_tries_and_by_the_deadline() {
    let mut client = Client::new(Line::new(|_| vec![]));
    let started = client.now();
    let error = client.read::<Mode>().unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "test: expected a reply to MOD within 6.0 s, found nothing; \
         is the unit on, is the cable connected, and is this the right port?"
    );
    assert_eq!(client.link().sent, ["PI", "MOD", "ID", "MOD", "VFW", "MOD"]);
    assert!(client.now() - started <= Duration::from_secs(10));
}

#[test]
fn a_device_that_speaks_something_else_is_told() {
    let ups = b"(230.1 000.0 230.1 012 50.0 2.20 25.0 00001001\r";
    let mut client = Client::new(Line::whole(|_| vec![(10, ups.to_vec())]));
    let error = client.read::<GeneralStatus>().unwrap_err();
    assert!(error.is_not_pi18());
    assert_eq!(
        error.to_string(),
        "test: expected a PI18 inverter, found a device that answers \"(230.1 000.0 230\"… (47 bytes); \
         UPSs have the same USB adapter, and other inverters use another protocol"
    );
}

#[test]
fn a_query_that_the_unit_does_not_know_is_refused() {
    let mut client = Client::new(Line::new(|_| vec![(10, REFUSED.to_vec())]));
    let error = client.read::<MachineModel>().unwrap_err();
    assert!(error.is_refused());
    assert_eq!(error.to_string(), "test: GMN was refused (^0)");
}

#[test]
fn a_reply_that_cannot_be_read_names_the_field() {
    let spoiled = GeneralStatus::SAMPLE.replacen("499", "4x9", 1);
    let mut client = Client::new(Line::new(move |_| vec![(10, raw(&spoiled))]));
    let error = client.read::<GeneralStatus>().unwrap_err();
    assert!(error.is_decode());
    assert_eq!(
        error.to_string(),
        "test: the reply to GS cannot be read: GS field grid_frequency at offset 5: \
         expected a number of tenths of a hertz up to 65535, found \"4x9\""
    );
}

#[test]
fn a_reply_to_something_else_is_told_as_one() {
    let mut client = Client::new(Line::new(|_| vec![(10, mode(5))]));
    let error = client.read::<GeneralStatus>().unwrap_err();
    assert!(error.is_timeout());
    assert!(error.to_string().contains("found a reply to another request"), "{error}");
}

#[test]
fn a_unit_that_comes_back_is_asked_at_once() {
    // Away for ten minutes, then back.
    let start = Instant::now();
    let away = std::rc::Rc::new(std::cell::Cell::new(true));
    let seen = away.clone();
    let mut client = Client::new(Line::whole(move |request| match request {
        _ if seen.get() => vec![],
        "MOD" => vec![(10, mode(5))],
        request => vec![(10, fence(request))],
    }));
    while client.now() < start + Duration::from_mins(10) {
        assert!(client.read::<Mode>().unwrap_err().is_timeout());
    }
    away.set(false);
    let back = client.now();
    client.read::<Mode>().unwrap();
    assert!(client.now() - back < Duration::from_secs(1));
}

#[test]
fn a_set_command_is_sent_once_whatever_comes_back() {
    let mut damaged = ACCEPTED.to_vec();
    damaged[2] ^= 0x10;
    for (answer, wanted) in [
        (vec![(10, ACCEPTED.to_vec())], SetOutcome::Accepted),
        (vec![(10, REFUSED.to_vec())], SetOutcome::Refused),
        (vec![(10, damaged)], SetOutcome::Garbled),
        (vec![(10, mode(5))], SetOutcome::Garbled),
        (vec![(10, [ACCEPTED, REFUSED].concat())], SetOutcome::Garbled),
        (vec![], SetOutcome::Silent),
    ] {
        let mut client = Client::new(Line::new(move |_| answer.clone()));
        assert_eq!(client.set(pop()).unwrap(), wanted);
        assert_eq!(client.link().sent, ["PI", "POP1"]);
    }
}

#[test]
fn an_old_refusal_is_not_taken_for_that_of_a_set_command() {
    // GMN is refused only after the client gave up; the set command behind it is accepted.
    let mut client = Client::new(Line::new(|request| match request {
        "GMN" => vec![(2_005, REFUSED.to_vec())],
        _ => vec![(10, ACCEPTED.to_vec())],
    }));
    assert!(client.read::<MachineModel>().is_err());
    assert_eq!(client.set(pop()).unwrap(), SetOutcome::Accepted);
}

#[test]
fn a_set_command_is_not_sent_to_a_unit_that_does_not_answer() {
    let mut client = Client::new(Line::whole(|_| vec![]));
    assert!(client.set(pop()).unwrap_err().is_timeout());
    assert!(!client.link().sent.contains(&"POP1".to_owned()));
}

#[test]
fn a_set_command_is_gone_if_the_device_goes_before_it_answers() {
    let mut line = Line::new(|_| vec![]);
    line.gone_after = Some("POP1");
    assert_eq!(Client::new(line).set(pop()).unwrap(), SetOutcome::Gone);
}

#[test]
fn a_set_command_was_not_sent_if_the_device_went_before() {
    let mut line = Line::new(|_| vec![]);
    line.gone_after = Some("PI");
    assert!(Client::new(line).set(pop()).unwrap_err().is_disconnected());
}

#[test]
fn an_echo_of_the_request_is_no_answer() {
    let echo = Query::Mode.to_frame(pi18_proto::Dialect::Checksum).to_vec();
    let mut client = Client::new(Line::new(move |_| vec![(1, echo.clone()), (20, mode(5))]));
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
}

#[test]
fn surplus_fields_are_a_warning() {
    let data = format!("{},7", GeneralStatus::SAMPLE);
    let mut client = Client::new(Line::new(move |_| vec![(10, raw(&data))]));
    let reading = client.query(Query::GeneralStatus).unwrap();
    assert_eq!(reading.warnings, ["1 unknown field: \"7\""]);
}

/// A line to a unit that has to be found before the first thing is sent to it.
struct Found(Line);

impl Link for Found {
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

#[test]
fn the_time_for_a_reply_begins_when_the_request_was_sent() {
    let mut config = ClientConfig::default();
    config.tries = 1;
    let mut client = Client::with_config(Found(Line::new(|_| vec![(10, mode(5))])), config);
    assert_eq!(client.read::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
    assert_eq!(client.link().0.sent, ["PI", "MOD"]);
}
