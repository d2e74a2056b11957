//! The `tracing` events of writes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

use bank::{apply_to, idle_bank, planned, profile, recorder::Memory};
use lvx_settings::{Ending, Options};
use pi18_proto::Decivolts;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Keeps events as lines of text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.0.insert_str(0, &format!("{value:?}:")),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "lvx_settings"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(format!("{} {}", event.metadata().level(), line.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn writes_verifications_and_undo_are_events() {
    let lines = Lines::default();
    let bank = idle_bank();
    bank.with(|bank| bank.switch(1, "refuse=1")).unwrap();
    let plan = planned(&bank, &profile(|s| s.bulk_voltage = Some(Decivolts(558))));
    let (report, _) = tracing::subscriber::with_default(lines.clone(), || {
        apply_to(&bank, plan, Options::default(), Memory::default())
    });
    assert_eq!(report.ending, Ending::Undone, "{report}");
    insta::assert_snapshot!(lines.0.lock().unwrap().join("\n"));
}
