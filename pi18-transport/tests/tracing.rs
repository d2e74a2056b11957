//! The events of exchanges, with a subscriber that collects them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex},
};

use pi18_proto::Mode;
use pi18_transport::{
    Client,
    sim::{Bank, BankConfig, SharedBank},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::with_default,
};

/// Collects each event as a line of text.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("pi18_transport")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn exchanges_are_events_with_place_outcome_and_tries() {
    let switches = vec!["frozen=on".parse().unwrap()];
    let bank = Bank::new(BankConfig { units: 1, switches }).unwrap();
    let mut unit = Client::new(SharedBank::virtual_time(bank).link(0));
    let collector = Collector::default();
    with_default(collector.clone(), || {
        unit.read::<Mode>().unwrap();
        let _ = unit.set("POP1".parse().unwrap()).unwrap();
        unit.link().bank().with(|bank| bank.disconnect(0));
        unit.read::<Mode>().unwrap_err();
    });
    let events = collector.0.lock().unwrap();
    let starts =
        [("DEBUG", "MOD", "reply"), ("INFO", "POP1", "accepted"), ("WARN", "MOD", "disconnected")];
    assert_eq!(events.len(), starts.len(), "{events:#?}");
    for (event, (level, request, outcome)) in events.iter().zip(starts) {
        assert!(event.starts_with(level), "{event}");
        for field in [
            "message=exchange ended",
            "place=\"sim:0\"",
            &format!("request={request}"),
            &format!("outcome=\"{outcome}\""),
            "elapsed=",
            "tries=1",
        ] {
            assert!(event.contains(field), "{field} in {event}");
        }
    }
}
