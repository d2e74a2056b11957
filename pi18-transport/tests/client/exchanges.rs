//! The client on a line with faults: every exchange ends in time, with the correct value or a typed error.

use std::time::Duration;

use pi18_proto::{AnyReply, Query};
use pi18_transport::{
    SetOutcome,
    sim::{Bank, BankConfig, SharedBank, SimLink, Switches},
};

use crate::Client;

/// Returns a client of the first of two units with these switches; the values of both are frozen.
fn client(switches: &str) -> Client<SimLink> {
    let unit = |text: &str| text.parse::<Switches>().unwrap();
    let config = BankConfig {
        units: 2,
        switches: vec![unit(&format!("frozen=on&{switches}")), unit("frozen=on")],
    };
    Client::new(SharedBank::virtual_time(Bank::new(config).unwrap()).link(0))
}

/// Returns every query; those with an argument repeatedly, so that many replies have the same form.
fn queries() -> Vec<Query> {
    let arguments = ["EY2025", "EM202605", "ED20260620", "ED20260619", "PGS0", "PRI0"];
    let examples = Query::LIST.iter().map(|info| info.example);
    examples.chain(arguments).map(|text| text.parse().unwrap()).collect()
}

/// Returns the reply that the unit has for a query.
fn correct_reply(client: &Client<SimLink>, query: Query) -> AnyReply {
    client.link().bank().with(|bank| bank.peek(0, query)).unwrap()
}

/// The results of a number of exchanges.
#[derive(Debug, Default)]
struct Tally {
    answered: u32,
    failed: u32,
}

/// Sends random queries. Panics on a wrong value or a missed deadline.
#[track_caller]
fn ask(client: &mut Client<SimLink>, count: usize, seed: u64) -> Tally {
    let queries = queries();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    for _ in 0..count {
        let Some(&query) = random.choice(&queries) else { continue };
        let started = client.now();
        match client.query(query) {
            Ok(timed) => {
                assert_eq!(timed.reply, correct_reply(client, query), "{query}, seed {seed}");
                tally.answered += 1;
            }
            Err(error) => {
                let is_typed = error.is_timeout() || error.is_decode() || error.is_not_pi18();
                assert!(is_typed, "{error}, seed {seed}");
                tally.failed += 1;
            }
        }
        assert!(client.now() - started <= Duration::from_secs(10), "{query}, seed {seed}");
    }
    tally
}

#[test]
fn every_query_is_answered_without_faults() {
    let tally = ask(&mut client(""), 1000, 1);
    assert_eq!(tally.answered, 1000);
}

#[test]
fn units_with_observed_deviations_are_read_correctly() {
    for switches in [
        "edition=2017",
        "short-length=piri",
        "short-length=all",
        "charge-currents=120&max-charge=120",
        "rated-current=25",
        "strict-length=on",
        "pi30=refuse",
        "pi30=answer",
        "ignore-checksum=on",
        "edition=2017&short-length=all&strict-length=on&ignore-checksum=on",
    ] {
        let mut client = client(switches);
        for query in queries() {
            let correct = client.link().bank().with(|bank| bank.peek(0, query));
            match (client.query(query), correct) {
                (Ok(timed), Some(correct)) => assert_eq!(timed.reply, correct, "{switches}"),
                (Err(error), None) => assert!(error.is_refused(), "{switches}: {error}"),
                (reply, correct) => {
                    panic!("{switches}: {query}: expected {correct:?}, found {reply:?}")
                }
            }
        }
        let outcome = client.set("PSP1".parse().unwrap()).unwrap();
        assert_eq!(outcome, SetOutcome::Accepted, "{switches}");
    }
}

#[test]
fn length_that_is_one_short_is_a_warning() {
    let timed = client("short-length=piri").query(Query::RatedInformation).unwrap();
    assert_eq!(timed.warnings, ["the stated length is 088, the actual length 089"]);
}

#[test]
fn single_fault_causes_no_wrong_value_and_few_errors() {
    // Each fault with the minimum number of replies to 1000 queries.
    for (seed, (fault, min_answered)) in (1..).zip([
        ("lose=0.01", 700),
        ("double=0.01", 700),
        ("flip=0.01", 700),
        ("junk=0.3", 900),
        ("late=0.3&late-by=3s", 500),
        ("late=0.3&late-by=20s", 100),
        ("stale=0.3", 900),
        ("silent=0.3", 700),
        ("reports=on&flip=0.005", 900),
        ("pace=2400&late=0.2&late-by=1500ms&stale=0.2", 900),
        ("think=1500ms", 1000),
    ]) {
        let mut client = client(&format!("{fault}&seed={seed}"));
        let tally = ask(&mut client, 1000, seed);
        assert!(tally.answered >= min_answered, "{fault}: {tally:?}");
    }
}

#[test]
fn all_faults_at_once_cause_no_wrong_value() {
    const ALL: &str =
        "lose=0.001&double=0.001&flip=0.001&junk=0.05&late=0.02&late-by=3s&stale=0.05&silent=0.02";
    let mut tally = Tally::default();
    for seed in 0..10 {
        let mut client = client(&format!("{ALL}&seed={seed}"));
        let more = ask(&mut client, 1000, seed);
        tally.answered += more.answered;
        tally.failed += more.failed;
    }
    assert_eq!(tally.answered + tally.failed, 10_000);
    // The retries must be effective.
    assert!(tally.answered > 5_000, "{tally:?}");
}

#[test]
fn outcome_of_a_set_command_is_correct_under_faults() {
    const ALL: &str = "lose=0.01&flip=0.01&junk=0.1&late=0.1&silent=0.2";
    let mut counts = [0; 5];
    for seed in 0..300 {
        let mut client = client(&format!("{ALL}&seed={seed}"));
        let before = client.link().bank().with(|bank| bank.set_counts(0));
        let outcome = client.set("POP0".parse().unwrap());
        let after = client.link().bank().with(|bank| bank.set_counts(0));
        let carried_out = after.accepted - before.accepted;
        assert!(after.received - before.received <= 1, "sent more than once, seed {seed}");
        let index = match outcome {
            Err(_) => 0,
            Ok(SetOutcome::Accepted) => 1,
            Ok(SetOutcome::Refused) => 2,
            Ok(SetOutcome::Garbled) => 3,
            Ok(SetOutcome::Silent | SetOutcome::Gone) => 4,
        };
        counts[index] += 1;
        match outcome {
            Err(_) => assert_eq!(after, before, "an error, but the unit received it, seed {seed}"),
            Ok(SetOutcome::Accepted) => assert_eq!(carried_out, 1, "seed {seed}"),
            Ok(SetOutcome::Refused) => assert_eq!(carried_out, 0, "seed {seed}"),
            Ok(_) => assert!(carried_out <= 1),
        }
    }
    let [_, accepted, _, garbled, silent] = counts;
    assert!(accepted > 0 && garbled > 0 && silent > 0, "{counts:?}");
}

#[test]
fn unplugged_unit_is_disconnected_until_it_is_plugged_in() {
    let mut client = client("disconnect=20");
    let error = queries().into_iter().cycle().find_map(|query| client.query(query).err()).unwrap();
    assert!(error.is_disconnected(), "{error}");
    assert!(client.query(Query::Mode).unwrap_err().is_disconnected());
    client.link().bank().with(|bank| bank.reconnect(0));
    let mode = client.query(Query::Mode).unwrap();
    assert_eq!(mode.reply, correct_reply(&client, Query::Mode));
}

#[test]
fn paced_exchange_takes_the_time_of_its_bytes() {
    let mut client = client("pace=2400");
    client.query(Query::ProtocolId).unwrap();
    let started = client.now();
    let timed = client.query(Query::GeneralStatus).unwrap();
    let bytes = "^P005GS__\r".len() + timed.frame.len();
    let needed = Duration::from_secs(10) * u32::try_from(bytes).unwrap() / 2400;
    let took = client.now() - started;
    assert!(
        took + Duration::from_micros(1) >= needed && took <= needed + Duration::from_millis(1),
        "{took:?} for {needed:?}"
    );
}
