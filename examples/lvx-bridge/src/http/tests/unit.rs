//! What can be kept about one unit.

use lvx_parallel::{Gap, Reason, UnitSnapshot};
use lvx_settings::{HostClock, Profile, Unit};
use pi18_proto::Query;
use pi18_transport::Client;

use super::*;
use crate::state::Held;

const SERIAL: &str = "96132206100410";

/// Returns a bank whose first unit was read completely.
fn bank() -> Snapshot {
    let now = Now::system();
    let mut bank = testing::bank(now);
    let mut client = Client::open("sim:0").unwrap();
    let unit = Arc::make_mut(&mut bank.units[0]);
    let asked = UnitSnapshot::STATIC.iter().chain(UnitSnapshot::DYNAMIC).copied();
    unit.held = asked
        .map(|query| Held {
            query,
            reply: Some((client.query(query).unwrap().reply, now.instant)),
            failure: None,
            max_age: Duration::from_mins(3),
        })
        .collect();
    bank
}

fn lose(bank: &mut Snapshot, query: Query, reason: Reason) {
    let unit = Arc::make_mut(&mut bank.units[0]);
    let held = unit.held.iter_mut().find(|held| held.query == query).unwrap();
    held.reply = None;
    held.failure = Some(Gap::new(reason, "no reply"));
}

fn line(serial: &str, what: &str) -> String {
    format!("GET /api/v1/units/{serial}/{what}")
}

#[tokio::test(start_paused = true)]
async fn profile_is_that_of_the_settings_of_the_unit() {
    let bench = Bench::with(bank(), |_| {});
    for path in
        [line(SERIAL, "profile"), format!("GET /api/v1/banks/garage/units/{SERIAL}/profile")]
    {
        let answer = bench.local(&path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/yaml"));
        let expected = format!("attachment; filename=\"lvx-{SERIAL}.yaml\"");
        assert_eq!(answer.header("content-disposition"), Some(expected.as_str()));
        let mut client = Client::open("sim:0").unwrap();
        let mut unit = Unit::read(&mut client, &HostClock::system()).unwrap();
        // Another unit has another clock.
        unit.clock = None;
        assert_eq!(answer.body, Profile::from_unit(&unit).commented(&unit));
    }
}

#[tokio::test(start_paused = true)]
async fn profile_is_never_incomplete_or_old() {
    for query in [Query::RatedInformation, Query::Flags, Query::AcChargeWindow] {
        let mut bank = bank();
        lose(&mut bank, query, Reason::Silent);
        let answer = Bench::with(bank, |_| {}).local(&line(SERIAL, "profile")).await;
        assert_eq!(answer.status, 409, "{answer:?}");
        assert!(answer.body.contains("expected a recent answer to"), "{answer:?}");
    }
    // A unit that does not know the question does not have the setting.
    let mut older = bank();
    lose(&mut older, Query::AcChargeWindow, Reason::Refused);
    let answer = Bench::with(older, |_| {}).local(&line(SERIAL, "profile")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.body.contains("ac_charge_window:"), "{answer:?}");
    let bench = Bench::with(bank(), |_| {});
    tokio::time::advance(Duration::from_secs(200)).await;
    assert_eq!(bench.local(&line(SERIAL, "profile")).await.status, 409);
}

#[tokio::test(start_paused = true)]
async fn capture_is_that_of_the_unit() {
    let mut bench = Bench::with(bank(), |_| {});
    let mut requests = std::mem::replace(&mut bench.core.requests, tokio::sync::mpsc::channel(1).1);
    for expected in [Ok(b"{\"time\"}\n".to_vec()), Err(RequestError::Refused("nothing".to_owned()))]
    {
        let path = line(SERIAL, "capture");
        let (answer, ()) = tokio::join!(bench.local(&path), async {
            match requests.recv().await {
                Some(Request::Capture { unit, reply }) => {
                    assert_eq!(unit.as_str(), SERIAL);
                    reply.send(expected.clone()).unwrap();
                }
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(answer.status, if expected.is_ok() { 200 } else { 409 }, "{answer:?}");
        if let Ok(lines) = expected {
            assert_eq!(answer.body.as_bytes(), lines);
            let name = answer.header("content-disposition").unwrap();
            assert!(name.ends_with(&format!("\"lvx-{SERIAL}.jsonl\"")), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn files_of_a_unit_need_a_known_unit_and_the_right_to_read() {
    let bench = Bench::with(bank(), |_| {});
    for what in ["profile", "capture"] {
        for serial in ["1", "9613220610041", "96132206100499", "..", "%2e%2e", "%00"] {
            assert_eq!(bench.local(&line(serial, what)).await.status, 404, "{serial}");
        }
        assert_eq!(bench.ask(lan(), &line(SERIAL, what), &[], "").await.status, 401, "{what}");
    }
}
