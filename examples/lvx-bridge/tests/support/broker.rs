//! A broker that is away at times, and checks what is published.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use lvx_bridge::{
    Now, Snapshot,
    mqtt::{Message, Outbox, Topics, Undelivered},
    state::{Datum, LinkState, UnitView},
};
use serde_json::Value as Json;

use super::{chaos::Chaos, oracle::Oracle};

/// A broker, and the connection to it.
#[derive(Debug)]
pub(crate) struct Broker {
    random: fastrand::Rng,
    start: Instant,
    /// Time of the connection; `None` while the broker is away.
    connected: Option<Duration>,
    /// Time of the next connection or of the end of this one.
    change: Duration,
    /// Time until which nothing is acknowledged.
    slow_until: Duration,
    /// Messages that are acknowledged later.
    waiting: Vec<(u64, Duration)>,
    /// Time at which as many messages as possible waited for it.
    full: Duration,
    /// Time since which another `state` can be published; `None` while one is not acknowledged.
    state_since: Option<Duration>,
    /// For each topic, the time of the last message on this connection.
    received: BTreeMap<String, Duration>,
    /// The last retained payload of each topic.
    pub(crate) retained: BTreeMap<String, Json>,
    /// For each topic, the time since which the retained payload is not the present one.
    differs: BTreeMap<String, Duration>,
    /// For each topic, the time until which nothing is published, because of what the broker did.
    excused: BTreeMap<String, Duration>,
    pub(crate) state: Option<Json>,
    /// Events that arrived: the time, the change, and the id of the alert.
    events: Vec<(Duration, String, String)>,
    /// Number of events that the broker rejected since the start of the bridge.
    rejected: u64,
    /// Session and sequence number of the last `state`.
    last: (u64, u64),
    pub(crate) messages: u64,
    /// Number of values that were compared.
    pub(crate) compared: u64,
    pub(crate) losses: u32,
    /// Greatest numbers of messages that wait, of those in flight, and of retained topics.
    pub(crate) sizes: [usize; 3],
    /// Greatest age of a measurement that was published.
    pub(crate) age: Duration,
}

impl Broker {
    pub(crate) fn new(start: Instant, seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            start,
            connected: None,
            change: Duration::from_secs(3),
            slow_until: Duration::ZERO,
            waiting: Vec::new(),
            full: Duration::ZERO,
            state_since: None,
            received: BTreeMap::new(),
            retained: BTreeMap::new(),
            differs: BTreeMap::new(),
            excused: BTreeMap::new(),
            state: None,
            events: Vec::new(),
            rejected: 0,
            last: (0, 0),
            messages: 0,
            compared: 0,
            losses: 0,
            sizes: [0; 3],
            age: Duration::ZERO,
        }
    }

    /// Returns an outbox for another run of the bridge, whose connection is made soon.
    pub(crate) fn outbox(&mut self, snapshot: Arc<Snapshot>, now: Duration) -> Outbox {
        if self.connected.is_some() {
            self.lose();
            self.change = now + Duration::from_secs(self.random.u64(1..5));
        }
        (self.rejected, self.events) = (0, Vec::new());
        if snapshot.session <= self.last.0 {
            // The number of the earlier run was not saved.
            self.last = (0, 0);
        }
        let topics = Topics::new(&snapshot.site, &snapshot.bank);
        let times = (Duration::from_secs(5), Duration::from_secs(15));
        Outbox::plain(topics, times, snapshot, self.random.u64(..))
    }

    /// Loses or makes the connection. In a calm time, the broker stays.
    pub(crate) fn step(&mut self, outbox: &mut Outbox, now: Duration, is_calm: bool) {
        let is_due = now >= self.change;
        match self.connected {
            Some(_) if is_due && !is_calm => {
                outbox.disconnected();
                self.lose();
                self.losses += 1;
                // Long enough for many events, at times.
                let seconds = if self.losses % 3 == 1 { 900..2400 } else { 1..120 };
                self.change = now + Duration::from_secs(self.random.u64(seconds));
            }
            None if is_due || is_calm => {
                outbox.connected(self.start + now);
                (self.connected, self.state_since) = (Some(now), Some(now + MAX_GREETING));
                self.change = now + Duration::from_secs(self.random.u64(1..900));
                if self.losses % 3 == 1 || self.random.bool() {
                    self.slow_until = now + Duration::from_secs(self.random.u64(10..120));
                }
            }
            _ => {}
        }
        if is_calm {
            self.slow_until = self.slow_until.min(now);
            self.waiting.iter_mut().for_each(|(_, at)| *at = now.min(*at));
        }
    }

    /// Loses the connection, and publishes the last will.
    fn lose(&mut self) {
        (self.connected, self.state_since) = (None, None);
        self.waiting.clear();
        self.received.clear();
        self.differs.clear();
        self.excused.clear();
        self.retained.insert("availability".to_owned(), serde_json::json!({ "state": "offline" }));
    }

    /// Takes the messages that are due.
    #[track_caller]
    pub(crate) fn pump(
        &mut self,
        outbox: &mut Outbox,
        now: Now,
        snapshot: &Snapshot,
        (oracle, chaos): (&Oracle, &Chaos),
    ) {
        let elapsed = now.instant - self.start;
        for (token, _) in self.waiting.extract_if(.., |(_, at)| *at <= elapsed).collect::<Vec<_>>()
        {
            let topic = outbox.settle(token, &Ok(()), now.instant).unwrap();
            if topic.ends_with("/state") {
                self.state_since = Some(elapsed);
            }
        }
        let is_slow = elapsed < self.slow_until;
        while let Some((token, message)) = outbox.next(now) {
            assert!(self.connected.is_some(), "nothing is handed over while the broker is away");
            let topic = message.topic.strip_prefix(PREFIX).unwrap().to_owned();
            if topic == "state" {
                self.state_since = Some(elapsed);
            }
            let wait = match self.random.u8(..) {
                0..2 if !chaos.is_calm => {
                    let why = Undelivered::Rejected("quota exceeded".to_owned());
                    outbox.settle(token, &Err(why), now.instant);
                    // Its next turn is the next repetition.
                    let next = if topic == "static" { 15 } else { 5 };
                    self.excused.insert(topic.clone(), elapsed + Duration::from_mins(next));
                    if topic == "event" {
                        self.rejected += 1;
                        self.take_event(&message, elapsed);
                    }
                    continue;
                }
                _ if is_slow => Some(self.slow_until),
                // Lost on its way: it did not arrive, or only its acknowledgement did not.
                2..4 if !chaos.is_calm => {
                    outbox.settle(token, &Err(Undelivered::Lost), now.instant);
                    if self.random.bool() {
                        continue;
                    }
                    None
                }
                4..20 if !chaos.is_calm => {
                    Some(elapsed + Duration::from_secs(self.random.u64(1..20)))
                }
                _ => {
                    outbox.settle(token, &Ok(()), now.instant);
                    None
                }
            };
            if let Some(at) = wait {
                self.waiting.push((token, at));
                if topic == "state" {
                    self.state_since = None;
                }
                self.excused.insert(topic, at);
            }
            self.take(&message, now.instant, snapshot, oracle, chaos);
        }
        for (most, size) in self.sizes.iter_mut().zip(outbox.sizes()) {
            *most = (*most).max(size);
        }
        let units = snapshot.units.len();
        let [queued, in_flight, retained] = outbox.sizes();
        let is_bounded =
            queued <= MAX_QUEUED && in_flight <= MAX_IN_FLIGHT && retained <= 3 + units;
        assert!(is_bounded, "{:?}", outbox.sizes());
        if in_flight == MAX_IN_FLIGHT {
            self.full = elapsed;
        }
        if let Some(since) = self.state_since.filter(|_| self.connected.is_some()) {
            let is_late = elapsed > since.max(self.full) + MAX_PAUSE;
            assert!(!is_late, "{elapsed:?}: no state since {since:?}");
        }
        if self.connected.is_some_and(|at| elapsed > at + MAX_GREETING) {
            self.check_retained(snapshot, now);
        }
        if chaos.is_calm
            && let Some(at) = self.connected.filter(|at| elapsed > *at + MAX_GREETING)
            && elapsed > chaos.calm_since.max(chaos.restarted) + MAX_GREETING + MAX_PAUSE
        {
            assert!(self.received.len() >= 4 + units, "{at:?} {elapsed:?} {:?}", self.received);
        }
    }

    #[track_caller]
    fn take(
        &mut self,
        message: &Message,
        now: Instant,
        snapshot: &Snapshot,
        oracle: &Oracle,
        chaos: &Chaos,
    ) {
        let elapsed = now - self.start;
        let topic = message.topic.strip_prefix(PREFIX).unwrap();
        self.messages += 1;
        self.received.insert(topic.to_owned(), elapsed);
        let payload: Json = serde_json::from_slice(&message.payload).unwrap();
        let session = payload["session"].as_u64().unwrap();
        assert_eq!(session, snapshot.session);
        let is_retained = !matches!(topic, "state" | "event");
        assert_eq!(message.retain, is_retained, "{topic}");
        match topic {
            "state" => {
                assert_eq!(message.expiry, Some(Duration::from_secs(15)));
                let seq = payload["seq"].as_u64().unwrap();
                assert!((session, seq) >= self.last, "{session} {seq} after {:?}", self.last);
                self.last = (session, seq);
                self.check_state(&payload, now, oracle);
                self.state = Some(payload.clone());
            }
            "static" => self.check_static(&payload, now, oracle),
            "findings" => {
                let raised = snapshot.alerts.iter().filter(|alert| alert.is_raised()).count();
                assert_eq!(payload["alerts"].as_array().map(Vec::len), Some(raised));
            }
            "availability" => assert_eq!(payload["state"], "online"),
            "event" => self.take_event(message, elapsed),
            _ => {
                let name = topic.strip_prefix("unit/unit-").unwrap();
                let unit: usize = name.strip_suffix("/availability").unwrap().parse().unwrap();
                assert_eq!(payload["serial"], oracle.serial(unit));
                let since = chaos.unreachable_since(unit);
                let is_gone = since.is_some_and(|since| elapsed > since + MAX_UNNOTICED);
                let link = &snapshot.units[unit].link;
                assert!(
                    !is_gone || payload["state"] == "offline",
                    "{elapsed:?}: unit {unit} is {payload} and unreachable since {since:?}: {link:?}"
                );
            }
        }
        if is_retained {
            self.retained.insert(topic.to_owned(), payload);
        }
    }

    /// Checks that each value was read of its unit, and is within its limit of age.
    #[track_caller]
    fn check_state(&mut self, payload: &Json, now: Instant, oracle: &Oracle) {
        let units = payload["units"].as_object().unwrap();
        for (name, values) in units {
            let unit: usize = name.strip_prefix("unit-").unwrap().parse().unwrap();
            assert_eq!(values["serial"], oracle.serial(unit), "{name}");
            for (key, question, field) in MEASUREMENTS {
                let Some(value) = values[*key].as_f64() else { continue };
                let age =
                    oracle.age_of(unit, question, now, |reply| number(reply, field) == Some(value));
                let age = age.unwrap_or_else(|| panic!("{name} never had {key} {value}"));
                let limit = Duration::from_secs(if *question == "GS" { 15 } else { 45 });
                assert!(age <= limit, "{name}: {key} {value} is {age:?} old");
                if *question == "GS" {
                    self.age = self.age.max(age);
                }
                self.compared += 1;
            }
        }
        check_totals(payload);
    }

    fn take_event(&mut self, message: &Message, now: Duration) {
        let payload: Json = serde_json::from_slice(&message.payload).unwrap();
        if let Some(id) = payload["alert"]["id"].as_str() {
            let event = payload["event"].as_str().unwrap();
            self.events.push((now, event.to_owned(), id.to_owned()));
        }
    }

    /// Checks that the events that are expected have arrived, soon after they could.
    #[track_caller]
    pub(crate) fn check_events(
        &mut self,
        expected: &mut Vec<(Duration, &'static str, String)>,
        outbox: &Outbox,
        now: Duration,
    ) {
        if outbox.dropped() > self.rejected {
            // The oldest of too many were dropped while the broker was away.
            self.rejected = outbox.dropped();
            expected.clear();
        }
        let has_arrived = |at: Duration, change: &str, id: &str| {
            let mut events = self.events.iter();
            events.any(|event| event.0 >= at && event.1 == change && event.2 == id)
        };
        expected.retain(|(at, change, id)| !has_arrived(*at, change, id));
        if expected.is_empty() {
            self.events.clear();
        }
        let Some(connected) = self.connected else { return };
        let is_late =
            |at: Duration| now > at.max(connected + MAX_GREETING).max(self.full) + MAX_DELAY;
        let late = expected.iter().find(|(at, ..)| is_late(*at));
        assert!(late.is_none(), "{now:?}: expected the event {late:?}");
    }

    /// Checks that what the broker retains is the present state.
    #[track_caller]
    fn check_retained(&mut self, snapshot: &Snapshot, now: Now) {
        let elapsed = now.instant - self.start;
        let is_online = |unit: &UnitView| unit.link.state == LinkState::Up;
        let state = |is_online| Json::from(if is_online { "online" } else { "offline" });
        let raised = snapshot.alerts.iter().filter(|alert| alert.is_raised());
        let mut present = vec![
            ("availability".to_owned(), "/state".to_owned(), state(true)),
            ("availability".to_owned(), "/session".to_owned(), snapshot.session.into()),
        ];
        let end = format!("/alerts/{}", raised.clone().count());
        present.push(("findings".to_owned(), end, Json::Null));
        for (number, alert) in raised.enumerate() {
            let place = format!("/alerts/{number}/id");
            present.push(("findings".to_owned(), place, alert.id.clone().into()));
        }
        for unit in &snapshot.units {
            let topic = format!("unit/{}/availability", unit.name);
            present.push((topic, "/state".to_owned(), state(is_online(unit))));
            if is_online(unit) {
                let value = unit.value("PIRI", "bulk_voltage", now.instant);
                let volts = value.fresh().and_then(Datum::number);
                let place = format!("/units/{}/bulk_voltage", unit.name);
                present.push(("static".to_owned(), place, volts.into()));
            }
        }
        let is_equal = |topic: &str, place: &str, present: &Json| {
            let retained = self.retained.get(topic).and_then(|payload| payload.pointer(place));
            *retained.unwrap_or(&Json::Null) == *present
        };
        let different: Vec<_> =
            present.iter().filter(|(topic, place, value)| !is_equal(topic, place, value)).collect();
        self.differs.retain(|topic, _| different.iter().any(|(other, ..)| other == topic));
        for (topic, place, value) in different {
            let since = *self.differs.entry(topic.clone()).or_insert(elapsed);
            let excused = self.excused.get(topic).copied().unwrap_or_default();
            let is_late = elapsed > since.max(excused).max(self.full) + MAX_DELAY;
            assert!(!is_late, "{elapsed:?}: {topic}{place} is not {value} since {since:?}");
        }
    }

    #[track_caller]
    fn check_static(&mut self, payload: &Json, now: Instant, oracle: &Oracle) {
        for (name, values) in payload["units"].as_object().unwrap() {
            let unit: usize = name.strip_prefix("unit-").unwrap().parse().unwrap();
            assert_eq!(values["serial"], oracle.serial(unit), "{name}");
            for (key, question, field) in SETTINGS {
                let Some(value) = values[*key].as_f64() else { continue };
                let has = |reply: &_| number(reply, field) == Some(value);
                let age = oracle.age_of(unit, question, now, has);
                let age = age.unwrap_or_else(|| panic!("{name} never had {key} {value}"));
                assert!(age <= Duration::from_mins(6), "{name}: {key} {value} is {age:?} old");
                self.compared += 1;
            }
        }
    }
}

/// Checks sums over the units against the values of the units: there are none if a unit has no fresh values.
#[track_caller]
fn check_totals(payload: &Json) {
    let units: Vec<_> = payload["units"].as_object().unwrap().values().collect();
    let fresh = units.iter().filter(|unit| unit["battery_voltage"].is_number()).count();
    let is_complete = fresh == units.len();
    let sum = |value: &dyn Fn(&Json) -> f64| {
        is_complete.then(|| units.iter().map(|unit| value(unit)).sum::<f64>())
    };
    let of = |unit: &Json, key: &str| unit[key].as_f64().unwrap();
    let current = |unit: &Json| of(unit, "charge_current") - of(unit, "discharge_current");
    let count = f64::from(u32::try_from(units.len()).unwrap());
    let voltages = || units.iter().map(|unit| of(unit, "battery_voltage"));
    let spread = || voltages().fold(0.0, f64::max) - voltages().fold(f64::MAX, f64::min);
    // The greatest difference is that of a rounded value.
    let expected = [
        ("fresh_units", Some(f64::from(u32::try_from(fresh).unwrap())), 0.0),
        ("pv_power", sum(&|unit| of(unit, "pv1_power") + of(unit, "pv2_power")), 0.0),
        ("load_power", sum(&|unit| of(unit, "active_power")), 0.0),
        ("apparent_power", sum(&|unit| of(unit, "apparent_power")), 0.0),
        ("battery_current", sum(&current), 0.0),
        ("battery_power", sum(&|unit| of(unit, "battery_voltage") * current(unit)), 1.0),
        ("battery_voltage", sum(&|unit| of(unit, "battery_voltage") / count), 0.05),
        ("battery_voltage_spread", is_complete.then(spread), 0.0),
        ("state_of_charge", sum(&|unit| of(unit, "state_of_charge") / count), 0.5),
    ];
    for (key, expected, difference) in expected {
        let found = payload["derived"][key].as_f64();
        let is_right = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= difference + 1e-6,
            (found, expected) => found == expected,
        };
        assert!(is_right, "{key}: expected {expected:?}, found {found:?} in {payload}");
    }
}

/// Returns the number of a field, in its unit.
fn number(reply: &pi18_proto::AnyReply, field: &str) -> Option<f64> {
    let mut found = None;
    reply.visit(&mut |info, value| {
        if info.name == field {
            found = match value {
                pi18_proto::Value::Quantity { steps, decimals, .. } => {
                    let steps = f64::from(i32::try_from(steps).unwrap());
                    Some(steps / 10_f64.powi(decimals.into()))
                }
                pi18_proto::Value::Code { number, .. } => Some(number.into()),
                _ => None,
            };
        }
    });
    found
}

/// Keys of `state`, each with the question and the field that it shows.
const MEASUREMENTS: &[(&str, &str, &str)] = &[
    ("battery_voltage", "GS", "battery_voltage"),
    ("output_voltage", "GS", "output_voltage"),
    ("active_power", "GS", "active_power"),
    ("charge_current", "GS", "charge_current"),
    ("discharge_current", "GS", "discharge_current"),
    ("state_of_charge", "GS", "battery_capacity"),
    ("pv1_power", "GS", "pv1_power"),
    ("pv2_power", "GS", "pv2_power"),
    ("fault_code", "FWS", "fault"),
];

/// Keys of `static`, each with the question and the field that it shows.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("pv_energy", "ET", "energy"),
    ("bulk_voltage", "PIRI", "bulk_voltage"),
    ("float_voltage", "PIRI", "float_voltage"),
];

/// Beginning of all topics.
const PREFIX: &str = "lvx/v1/site/bank/";

/// Greatest number of messages that wait for the broker's acknowledgement.
pub(crate) const MAX_IN_FLIGHT: usize = 16;

/// Greatest number of events that wait for the broker.
const MAX_QUEUED: usize = 64;

/// Time in which a change is published.
const MAX_DELAY: Duration = Duration::from_secs(3);

/// Time after which everything was published on a new connection.
const MAX_GREETING: Duration = Duration::from_secs(8);

/// Longest pause between two messages with live values.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Time in which the loss of a unit is noticed.
const MAX_UNNOTICED: Duration = Duration::from_mins(1);
