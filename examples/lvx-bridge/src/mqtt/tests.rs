//! Payloads, commands, and what is published when, in virtual time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::{
    Topics,
    command::Commands,
    discovery::Discovery,
    message::{Answer, Message, Received, Undelivered},
    outbox::Outbox,
    payload,
    testing::{MAX_AGE, alert, check, snapshot, unit},
};
use crate::{
    Now, Snapshot,
    control::{CommandState, CommandView, ControlItem, ControlView},
    entity,
    state::LinkState,
};

const PERIOD: Duration = Duration::from_secs(5);

/// An outbox with a clock, and a broker that acknowledges everything while it is there.
struct Bench {
    now: Now,
    outbox: Outbox,
    snapshot: Snapshot,
    sent: Vec<Message>,
}

impl Bench {
    fn new() -> Self {
        Self::with(BTreeSet::new())
    }

    fn with(retained: BTreeSet<String>) -> Self {
        let now = Now::system();
        let snapshot = snapshot(1, now);
        let topics = Topics::new(&snapshot.site, &snapshot.bank);
        let discovery = Discovery::new(Some(Box::new(|snapshot: &Snapshot, _: &Topics| {
            let units = snapshot.units.iter();
            units.map(|unit| (format!("ha/{}", unit.name), b"{}".to_vec())).collect()
        })));
        let outbox = Outbox::new(
            topics,
            (PERIOD, 3 * PERIOD),
            discovery,
            retained,
            Arc::new(snapshot.clone()),
            fastrand::Rng::with_seed(1),
        );
        Self { now, outbox, snapshot, sent: Vec::new() }
    }

    /// Lets time pass, with a complete round every 5 s, and delivers what is due.
    fn run(&mut self, seconds: u64) {
        for tick in 1..=seconds * 4 {
            self.now.instant += Duration::from_millis(250);
            self.now.wall += Duration::from_millis(250);
            if tick % 20 == 0 {
                self.round();
            }
            self.deliver();
        }
    }

    /// Shows a new snapshot after a complete round.
    fn round(&mut self) {
        let units = self.snapshot.units.iter().map(|old| {
            let mut new = unit(old.name.as_str(), old.serial.as_str(), self.now.instant);
            new.link = old.link.clone();
            Arc::new(new)
        });
        self.snapshot.units = units.collect();
        self.snapshot.judged_at = Some(self.now.instant);
        self.show();
    }

    fn show(&mut self) {
        self.snapshot.seq += 1;
        self.snapshot.now = self.now;
        self.outbox.take_snapshot(Arc::new(self.snapshot.clone()), self.now);
    }

    /// Shows one alert after the other.
    fn raise_one_after_another(&mut self, count: u32) {
        for index in 0..count {
            self.snapshot.alerts = vec![alert(self.now)];
            self.snapshot.alerts[0].id = format!("cause-{index}");
            self.show();
        }
    }

    fn deliver(&mut self) {
        while let Some((token, message)) = self.outbox.next(self.now) {
            self.sent.push(message);
            self.outbox.settle(token, &Ok(()), self.now.instant);
        }
    }

    fn connect(&mut self) {
        self.outbox.connected(self.now.instant);
        self.run(10);
    }

    /// Returns how often each topic was sent, by its last part, and forgets it.
    fn counts(&mut self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for message in self.sent.drain(..) {
            let topic = message.topic.trim_start_matches("lvx/v1/cabin/main/").to_owned();
            *counts.entry(topic).or_default() += 1;
        }
        counts
    }
}

#[test]
fn connection_publishes_everything_in_order() {
    let mut bench = Bench::new();
    bench.run(60);
    assert_eq!(bench.sent, []);
    bench.outbox.connected(bench.now.instant);
    bench.run(2);
    let topics: Vec<_> = bench.sent.iter().map(|message| message.topic.as_str()).collect();
    let root = "lvx/v1/cabin/main";
    let expected = [
        format!("{root}/availability"),
        format!("{root}/availability"),
        "ha/left".to_owned(),
        "ha/right".to_owned(),
        format!("{root}/unit/right/availability"),
        format!("{root}/unit/left/availability"),
        format!("{root}/static"),
        format!("{root}/findings"),
        format!("{root}/state"),
    ];
    assert_eq!(topics, expected);
    let retained = |message: &&Message| message.retain;
    assert_eq!(bench.sent.iter().filter(retained).count(), 8);
    let state = bench.sent.last().unwrap();
    assert_eq!((state.retain, state.expiry), (false, Some(3 * PERIOD)));
}

#[test]
fn state_is_published_once_per_round_and_the_rest_seldom() {
    let mut bench = Bench::new();
    bench.connect();
    bench.counts();
    bench.run(3600);
    let counts = bench.counts();
    assert_eq!(counts["state"], 720, "{counts:?}");
    assert!((4..=5).contains(&counts["static"]), "{counts:?}");
    for topic in ["findings", "availability", "unit/left/availability"] {
        assert!((12..=14).contains(&counts[topic]), "{counts:?}");
    }
    assert!(!counts.contains_key("ha/left"), "{counts:?}");
}

#[test]
fn state_goes_on_without_complete_rounds_and_shows_what_is_stale() {
    let mut bench = Bench::new();
    bench.connect();
    bench.counts();
    for _ in 0..240 {
        bench.now.instant += Duration::from_millis(250);
        bench.deliver();
    }
    let mut states = bench.sent.iter().filter(|message| message.topic.ends_with("/state"));
    let last = states.next_back().unwrap();
    let state = check("state", &last.payload);
    let left = &state["units"]["left"];
    assert_eq!(left["battery_voltage"], json!(null));
    let keys = left["stale"].as_array().unwrap();
    assert!(keys.contains(&json!("battery_voltage")), "{left}");
}

#[test]
fn counters_are_published_once_a_minute_and_settings_at_once() {
    let mut bench = Bench::new();
    bench.connect();
    bench.counts();
    let count = |bench: &mut Bench, energy| {
        bench.round();
        for unit in &mut bench.snapshot.units {
            Arc::make_mut(unit).energy.battery_charge_total = Some(energy);
        }
        bench.show();
        bench.run(4);
        bench.counts().get("static").copied().unwrap_or_default()
    };
    assert_eq!(count(&mut bench, 1), 1, "the counter became known");
    let sent = (1..150).map(|energy| count(&mut bench, energy)).sum::<usize>();
    assert!((9..=11).contains(&sent), "{sent} in ten minutes");
    bench.snapshot.control = control(bench.now, CommandState::Proved);
    assert_eq!(count(&mut bench, 150), 1);
}

#[test]
fn change_is_published_at_once() {
    let mut bench = Bench::new();
    bench.connect();
    bench.counts();
    bench.snapshot.alerts = vec![alert(bench.now)];
    bench.show();
    bench.run(1);
    let findings = bench.sent.iter().find(|message| message.topic.ends_with("/findings")).unwrap();
    let findings = check("findings", &findings.payload);
    assert_eq!(findings["worst"], "warning");
    let event = bench.sent.iter().find(|message| message.topic.ends_with("/event")).unwrap();
    assert_eq!(check("event", &event.payload)["event"], "alert-raised");
    bench.counts();
    let left = Arc::make_mut(&mut bench.snapshot.units[0]);
    left.link.state = LinkState::Down { why: "no reply".to_owned(), retry_at: None };
    bench.show();
    bench.run(1);
    let gone = bench.sent.iter().find(|message| message.topic.ends_with("left/availability"));
    let gone = check("availability", &gone.unwrap().payload);
    assert_eq!((&gone["state"], &gone["why"]), (&json!("offline"), &json!("no reply")));
    let event = bench.sent.iter().find(|message| message.topic.ends_with("/event")).unwrap();
    assert_eq!(check("event", &event.payload)["event"], "unit-offline");
}

#[test]
fn birth_repeats_everything_but_a_flood_of_births_does_not() {
    let mut bench = Bench::new();
    bench.connect();
    bench.run(60);
    bench.counts();
    bench.outbox.birth(bench.now.instant);
    bench.run(3);
    let counts = bench.counts();
    for topic in ["ha/left", "static", "findings", "availability", "unit/left/availability"] {
        assert_eq!(counts[topic], 1, "{topic}: {counts:?}");
    }
    assert!(counts["state"] >= 1, "{counts:?}");
    // The first state after discovery can be lost.
    bench.run(4);
    assert_eq!(bench.counts()["static"], 1);
    bench.run(120);
    bench.counts();
    for _ in 0..600 {
        bench.outbox.birth(bench.now.instant);
        bench.run(1);
    }
    let counts = bench.counts();
    assert!(counts["ha/left"] <= 33, "{counts:?}");
    assert!(counts["state"] <= 200, "{counts:?}");
}

#[test]
fn birth_of_home_assistant_is_answered_within_ten_seconds() {
    let mut bench = Bench::new();
    bench.connect();
    for _ in 0..3 {
        bench.run(20);
        bench.counts();
        bench.outbox.birth(bench.now.instant);
        bench.run(7);
        let counts = bench.counts();
        assert_eq!((counts["ha/left"], counts["static"]), (1, 2), "{counts:?}");
    }
}

#[test]
fn message_that_was_lost_is_sent_again() {
    let mut bench = Bench::new();
    bench.snapshot.alerts = vec![alert(bench.now)];
    bench.show();
    bench.outbox.connected(bench.now.instant);
    bench.now.instant += Duration::from_secs(1);
    let mut first = Vec::new();
    while let Some((_, message)) = bench.outbox.next(bench.now) {
        first.push(message.topic);
    }
    assert_eq!(usize::try_from(bench.outbox.disconnected()), Ok(first.len()));
    assert!(bench.outbox.next(bench.now).is_none());
    bench.outbox.connected(bench.now.instant);
    bench.run(2);
    let again: Vec<_> = bench.sent.iter().map(|message| message.topic.clone()).collect();
    assert!(first.len() > 8 && first.iter().all(|topic| again.contains(topic)), "{again:?}");
    assert!(again.contains(&"lvx/v1/cabin/main/event".to_owned()), "{again:?}");
}

#[test]
fn message_that_is_rejected_waits_for_its_turn() {
    let mut bench = Bench::new();
    bench.outbox.connected(bench.now.instant);
    let mut count = 0;
    for _ in 0..40 {
        bench.now.instant += Duration::from_millis(250);
        while let Some((token, message)) = bench.outbox.next(bench.now) {
            count += usize::from(message.topic.ends_with("/static"));
            let rejected = Err(Undelivered::Rejected("NotAuthorized".to_owned()));
            let topic = bench.outbox.settle(token, &rejected, bench.now.instant);
            assert_eq!(topic, Some(message.topic));
        }
    }
    assert_eq!(count, 2, "at the connection and once again");
}

#[test]
fn nothing_grows_while_the_broker_is_away() {
    let mut bench = Bench::new();
    bench.raise_one_after_another(1000);
    assert_eq!((bench.outbox.waiting(), bench.outbox.dropped()), (64, bench.snapshot.seq - 65));
    bench.connect();
    assert_eq!(bench.counts()["event"], 64);
    assert_eq!(bench.outbox.waiting(), 0);
}

#[test]
fn what_left_the_configuration_is_deleted_from_the_broker() {
    let old = ["lvx/v1/cabin/main/unit/gone/availability", "ha/gone"].map(str::to_owned);
    let mut bench = Bench::with(old.clone().into());
    bench.connect();
    for topic in &old {
        let message = bench.sent.iter().find(|message| message.topic == *topic).unwrap();
        assert!(message.retain && message.payload.is_empty());
        assert!(!bench.outbox.retained().contains(topic));
    }
    assert!(bench.outbox.retained().contains("ha/left"));
}

#[test]
fn farewell_ends_with_offline() {
    let mut bench = Bench::new();
    bench.connect();
    let messages = bench.outbox.farewell(bench.now);
    let (_, last) = messages.last().unwrap();
    assert!(last.retain && last.topic.ends_with("main/availability"));
    assert_eq!(check("availability", &last.payload)["state"], "offline");
    assert!(messages[0].1.topic.ends_with("/state"));
    for (token, _) in messages {
        assert!(!bench.outbox.is_settled());
        bench.outbox.settle(token, &Ok(()), bench.now.instant);
    }
    assert!(bench.outbox.is_settled());
}

#[test]
fn farewell_fits_the_queue_of_the_connection() {
    let mut bench = Bench::new();
    bench.raise_one_after_another(64);
    let messages = bench.outbox.farewell(bench.now);
    assert!(messages.len() + 16 <= 64, "{}", messages.len());
    let event = check("event", &messages[messages.len() - 3].1.payload);
    assert_eq!(event["alert"]["id"], "cause-63");
}

#[test]
fn values_fit_their_schema_and_are_null_unless_fresh() {
    let now = Now::system();
    let mut snapshot = snapshot(1, now);
    snapshot.control = control(now, CommandState::Refused);
    for (message, schema) in
        [(entity::Message::State, "state"), (entity::Message::Static, "static")]
    {
        let values = payload::values(&snapshot, message, now);
        let payload = check(schema, &payload::envelope(&snapshot, PERIOD, now, values));
        assert_eq!((&payload["session"], &payload["period"]), (&json!(7), &json!(5.0)));
    }
    let fresh = payload::values(&snapshot, entity::Message::State, now);
    assert_eq!(fresh["units"]["left"]["battery_voltage"], json!(52.4));
    let mut later = now;
    later.instant += Duration::from_secs(MAX_AGE + 1);
    let old = payload::values(&snapshot, entity::Message::State, later);
    assert_eq!(old["units"]["left"]["battery_voltage"], json!(null));
}

fn control(now: Now, state: CommandState) -> ControlView {
    let serial = pi18_proto::SerialNumber::new("96132206100410").unwrap();
    let item = ControlItem {
        setting: lvx_settings::Setting::OutputPriority,
        options: vec!["a".to_owned(), "b".to_owned()],
        values: vec![(serial, Some("a".to_owned()))],
        value: None,
        blocked: None,
    };
    let command = CommandView {
        id: "1".to_owned(),
        key: "output_priority".to_owned(),
        from: None,
        to: "b".to_owned(),
        by: "mqtt".to_owned(),
        at: now.wall,
        state,
        why: Some("a reason".to_owned()),
        units: vec![(serial, "a".to_owned())],
    };
    ControlView { items: vec![item], results: vec![command], ..ControlView::default() }
}

#[test]
fn result_goes_where_its_sender_wants_it() {
    let mut bench = Bench::new();
    bench.connect();
    bench.counts();
    let topic = "lvx/v1/cabin/main/cmd/result/panel".to_owned();
    let answer = Answer { topic: Some(topic.clone()), correlation: Some(vec![1]) };
    bench.outbox.expect_result("1".to_owned(), answer);
    bench.snapshot.control = control(bench.now, CommandState::Undone);
    bench.show();
    bench.show();
    bench.run(1);
    let results: Vec<_> =
        bench.sent.iter().filter(|message| message.topic == topic).cloned().collect();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].correlation, Some(vec![1]));
    assert_eq!(check("result", &results[0].payload)["state"], "undone");
    assert!(bench.counts().contains_key("static"), "a select shows the old value again");
    bench.outbox.refuse(None, "no JSON", Answer::default(), bench.now);
    bench.run(1);
    let refusal = bench.sent.iter().find(|message| message.topic.ends_with("cmd/result")).unwrap();
    assert_eq!(check("result", &refusal.payload)["why"], "no JSON");
}

fn received(payload: &str) -> Received {
    Received {
        topic: "lvx/v1/cabin/main/cmd".to_owned(),
        payload: payload.as_bytes().to_vec(),
        retain: false,
        response_topic: None,
        correlation: None,
    }
}

fn topics() -> Topics {
    Topics::new(&"cabin".parse().unwrap(), &"main".parse().unwrap())
}

/// Returns why a payload is refused at 12:00:00.
#[track_caller]
fn refusal(commands: &mut Commands, message: &Received) -> String {
    commands.judge(message, &topics(), noon()).unwrap_err().why
}

fn noon() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

const GOOD: &str =
    r#"{"id": "1", "key": "output_priority", "to": "b", "expires": "2026-11-28T12:00:30Z"}"#;

#[test]
fn command_is_taken_once_over_restarts() {
    check("command", GOOD.as_bytes());
    let mut commands = Commands::default();
    let (command, _) = commands.judge(&received(GOOD), &topics(), noon()).unwrap();
    assert_eq!((command.key.as_str(), command.to.as_str()), ("output_priority", "b"));
    let repeated = "a command with this id was already taken; use a new id";
    assert_eq!(refusal(&mut commands, &received(GOOD)), repeated);
    let mut again = Commands::new(Some(&commands.saved())).unwrap();
    assert_eq!(refusal(&mut again, &received(GOOD)), repeated);
    assert!(Commands::new(Some(b"{")).is_err());
}

#[test]
fn command_with_seconds_is_taken() {
    let expires = noon().as_second() + 30;
    let text = format!(r#"{{"id": "1", "key": "k", "to": "b", "expires": {expires}.25}}"#);
    let (command, _) = Commands::default().judge(&received(&text), &topics(), noon()).unwrap();
    assert_eq!(command.expires.unwrap().as_second(), expires);
}

#[test]
fn command_that_could_act_later_or_twice_is_refused() {
    let mut commands = Commands::default();
    let mut retained = received(GOOD);
    retained.retain = true;
    assert!(refusal(&mut commands, &retained).starts_with("retained commands are not"));
    let late = GOOD.replace("12:00:30", "12:00:00");
    assert!(
        refusal(&mut commands, &received(&late)).starts_with("expected an expiry in the future")
    );
    let far = GOOD.replace("12:00:30", "12:01:01");
    assert!(refusal(&mut commands, &received(&far)).starts_with("expected an expiry at most 60 s"));
    let none = r#"{"id": "1", "key": "output_priority", "to": "b"}"#;
    assert!(refusal(&mut commands, &received(none)).starts_with("expected an expiry, found none"));
    for number in ["1e300", "-1e300"] {
        let odd = GOOD.replace("\"2026-11-28T12:00:30Z\"", number);
        assert!(refusal(&mut commands, &received(&odd)).starts_with("expires: expected seconds"));
    }
    let mut elsewhere = received(GOOD);
    elsewhere.response_topic = Some("homeassistant/device/x/config".to_owned());
    assert!(
        refusal(&mut commands, &elsewhere).starts_with("expected a response topic at or below")
    );
    let mut large = received(GOOD);
    large.correlation = Some(vec![0; 65]);
    assert!(refusal(&mut commands, &large).starts_with("expected correlation data of at most"));
    commands.judge(&received(GOOD), &topics(), noon()).unwrap();
    let earlier = "2026-11-28T11:59:59Z".parse().unwrap();
    let other = GOOD.replace("\"1\"", "\"2\"");
    let back = commands.judge(&received(&other), &topics(), earlier).unwrap_err();
    assert!(back.why.starts_with("the clock of the bridge went back"));
}

#[test]
fn command_that_is_no_command_is_refused() {
    let mut commands = Commands::default();
    let deep = format!("{}{}", "[".repeat(900), "]".repeat(100));
    let texts = [
        ("", "expected JSON"),
        ("b", "expected JSON"),
        ("[]", "expected JSON"),
        ("{\"id\": 1}", "expected JSON"),
        (&GOOD.replace("\"key\"", "\"more\""), "expected JSON"),
        (&GOOD.replace("\"1\"", "\"\""), "id: expected 1 to 64 bytes"),
        (&GOOD.replace("\"b\"", "\"\\n\""), "to: expected 1 to 64 bytes"),
        (&deep, "expected a flat JSON object"),
        (&" ".repeat(1025), "expected at most 1024 bytes, found 1025"),
    ];
    for (text, expected) in texts {
        let why = refusal(&mut commands, &received(text));
        assert!(why.starts_with(expected), "{text}: {why}");
    }
}

#[test]
fn ids_are_bounded_but_none_that_could_be_repeated_is_forgotten() {
    let mut commands = Commands::default();
    for id in 0..256 {
        let text = GOOD.replace("\"1\"", &format!("\"x{id}\""));
        commands.judge(&received(&text), &topics(), noon()).unwrap();
    }
    let why = refusal(&mut commands, &received(GOOD));
    assert_eq!(why, "too many commands within a minute; try again later");
    let later = "2026-11-28T12:00:40Z".parse().unwrap();
    let text = GOOD.replace("12:00:30", "12:01:00");
    commands.judge(&received(&text), &topics(), later).unwrap();
    assert!(commands.saved().len() < 16_000);
}

#[test]
fn samples_of_the_documentation_fit_their_schemas() {
    let page = format!("{}/../../docs/mqtt.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let samples: Vec<_> =
        page.split("```json").skip(1).filter_map(|part| part.split("```").next()).collect();
    assert_eq!(samples.len(), 2);
    check("state", samples[0].as_bytes());
    check("command", samples[1].as_bytes());
}

proptest! {
    #[test]
    fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut message = received("");
        message.payload = payload;
        let _ = Commands::default().judge(&message, &topics(), noon());
    }

    /// Whatever happens to messages and the connection: nothing grows, and the newest state arrives in the end.
    #[test]
    fn newest_state_arrives_after_any_faults(steps in prop::collection::vec(0_u8..8, 1..150)) {
        let mut bench = Bench::new();
        let mut in_flight = Vec::new();
        for step in steps {
            bench.now.instant += Duration::from_millis(700);
            match step {
                0 => {
                    bench.outbox.disconnected();
                    in_flight.clear();
                }
                1 => bench.outbox.connected(bench.now.instant),
                2 => bench.round(),
                3 => bench.outbox.birth(bench.now.instant),
                4 => {
                    for token in in_flight.drain(..) {
                        let lost = Err(Undelivered::Lost);
                        bench.outbox.settle(token, &lost, bench.now.instant);
                    }
                }
                5 => {
                    for token in in_flight.drain(..) {
                        bench.outbox.settle(token, &Ok(()), bench.now.instant);
                    }
                }
                _ => in_flight.extend(bench.outbox.next(bench.now).map(|(token, _)| token)),
            }
            prop_assert!(in_flight.len() <= 16);
        }
        bench.outbox.disconnected();
        bench.connect();
        let seq = bench.snapshot.seq;
        let mut states = bench.sent.iter().filter(|message| message.topic.ends_with("/state"));
        let state = check("state", &states.next_back().unwrap().payload);
        prop_assert_eq!(&state["seq"], &json!(seq));
        let statics = bench.sent.iter().filter(|message| message.topic.ends_with("/static"));
        prop_assert!(statics.count() >= 2);
    }
}
