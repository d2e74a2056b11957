//! Queries that the crate does not know: the client takes only the reply that must belong to the query.

use std::time::Duration;

use pi18_proto::{GeneralStatus, MAX_FRAME, Mode, Query, REFUSED, Reply};
use pi18_transport::ErrorKind;

use crate::{
    Client,
    line::{Line, fence, mode, raw},
    shared_line::Shared,
};

#[test]
fn raw_reply_is_returned_after_a_fence_confirmed_it() {
    let mut client = Client::new(Line::new(|_| vec![(10, raw("42,7"))]));
    assert_eq!(client.ask_raw(b"XYZ1").unwrap(), b"42,7");
    assert_eq!(client.ask_raw(b"XYZ1").unwrap(), b"42,7");
    assert_eq!(client.link().sent, ["PI", "XYZ1", "ID", "VFW", "XYZ1", "DI"]);
}

#[test]
fn duplicate_of_an_earlier_reply_is_not_returned_for_a_raw_query() {
    let mut is_lost = true;
    let mut client = Client::new(Line::new(move |request| match request {
        "MOD" => vec![(10, mode(5)), (12, mode(5))],
        _ if std::mem::take(&mut is_lost) => vec![],
        _ => vec![(10, raw("42,7"))],
    }));
    client.query(Query::Mode).unwrap();
    assert_eq!(client.ask_raw(b"XYZ1").unwrap(), b"42,7");
}

#[test]
fn raw_query_is_repeated_after_two_different_replies() {
    let mut is_first = true;
    let mut client = Client::new(Line::new(move |_| {
        let late = std::mem::take(&mut is_first).then(|| (5, mode(5)));
        late.into_iter().chain([(8, raw("42,7"))]).collect()
    }));
    assert_eq!(client.ask_raw(b"XYZ1").unwrap(), b"42,7");
    let sent = &client.link().sent;
    assert_eq!(sent.iter().filter(|request| *request == "XYZ1").count(), 2);
}

#[test]
fn late_reply_to_a_fence_is_not_returned_for_a_raw_query() {
    // The unit answers PI only after the next fence and the raw query were sent.
    let mut client = Client::new(Line::with_fences(|request| match request {
        "PI" => vec![(2_030, fence("PI"))],
        "XYZ1" => vec![(40, raw("42,7"))],
        request => vec![(10, fence(request))],
    }));
    assert_eq!(client.ask_raw(b"XYZ1").unwrap(), b"42,7");
}

#[test]
fn raw_query_of_a_known_fence_is_answered() {
    let mut client = Client::new(Line::new(|_| vec![]));
    for (data, expected) in [("PI", "18"), ("ID", Query::Identity.info().sample)] {
        assert_eq!(client.ask_raw(data.as_bytes()).unwrap(), expected.as_bytes());
    }
}

#[test]
fn raw_query_can_be_refused() {
    let mut client = Client::new(Line::new(|_| vec![(10, REFUSED.to_vec())]));
    let error = client.ask_raw(b"XYZ1").unwrap_err();
    assert_eq!(error.to_string(), "test: XYZ1 was refused (^0)");
    assert!(error.is_refused());
}

#[test]
fn data_of_a_set_command_is_never_sent() {
    let mut client = Client::new(Line::new(|_| vec![]));
    for data in [&b"POP1"[..], b"POP9", b"PF", b"X\r^S007POP1", b"", &[b'X'; 24]] {
        assert_eq!(client.ask_raw(data).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    assert!(client.link().sent.is_empty());
}

#[test]
fn raw_reply_to_another_host_is_discarded() {
    let mut is_first = true;
    let mut client = Client::new(Shared(Line::new(move |_| {
        let foreign = std::mem::take(&mut is_first).then(|| (5, raw(GeneralStatus::SAMPLE)));
        foreign.into_iter().chain([(8, raw("42,7"))]).collect()
    })));
    assert_eq!(client.ask_raw(b"XYZ1").unwrap(), b"42,7");
}

#[test]
fn timed_reply_has_its_time_and_warnings() {
    let data = format!("{},7", GeneralStatus::SAMPLE);
    let mut client = Client::new(Line::new(move |_| vec![(600, raw(&data))]));
    client.query(Query::ProtocolId).unwrap();
    let start = client.now();
    let timed = client.read_timed::<GeneralStatus>().unwrap();
    assert_eq!(timed.at, start + Duration::from_millis(600));
    assert_eq!(timed.warnings, ["1 unknown field: \"7\""]);
    assert_eq!(timed.value, GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes()).unwrap());
    assert!(client.read_timed::<Mode>().is_err());
}

#[cfg(feature = "sim")]
#[test]
fn raw_queries_under_faults_never_return_a_wrong_reply() {
    use pi18_transport::sim::{Bank, BankConfig, SharedBank};

    const FAULTS: &str =
        "lose=0.001&flip=0.001&double=0.001&junk=0.05&late=0.05&late-by=3s&stale=0.05&silent=0.02";
    let mut counts = [0; 2];
    for seed in 0..5 {
        let switches = format!("frozen=on&seed={seed}&{FAULTS}");
        let config = BankConfig { units: 1, switches: vec![switches.parse().unwrap()] };
        let bank = SharedBank::virtual_time(Bank::new(config).unwrap());
        let mut client = Client::new(bank.link(0));
        for info in Query::LIST.iter().cycle().take(400) {
            let query: Query = info.example.parse().unwrap();
            match client.ask_raw(info.example.as_bytes()) {
                Ok(data) => {
                    let mut buffer = [0; MAX_FRAME];
                    let reply = bank.with(|bank| bank.peek(0, query)).unwrap();
                    let len = reply.encode(&mut buffer).unwrap();
                    assert_eq!(
                        data.escape_ascii().to_string(),
                        buffer[..len].escape_ascii().to_string(),
                        "{query}, seed {seed}"
                    );
                    counts[0] += 1;
                }
                Err(error) => {
                    assert!(error.is_timeout(), "{error}");
                    counts[1] += 1;
                }
            }
        }
    }
    assert!(counts[0] > 1_000, "{counts:?}");
}
