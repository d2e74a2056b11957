//! Snapshots for tests of this module.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;
use pi18_proto::{GeneralStatus, Query, Reply};
use serde_json::{Value as Json, json};

use super::{Topics, command::Commands, message::Received};
use crate::{
    Now, Snapshot,
    alert::Alert,
    control::{Command, ControlView},
    state::{Held, Totals, UnitView},
    testing,
};

/// Limit of age of the values of [`unit`], in seconds.
pub(super) const MAX_AGE: u64 = 15;

/// Returns a unit that was read at `at`.
pub(super) fn unit(name: &str, serial: &str, at: Instant) -> UnitView {
    let (reply, _) = Query::GeneralStatus.parse_reply(GeneralStatus::SAMPLE.as_bytes()).unwrap();
    let held = Held {
        query: Query::GeneralStatus,
        reply: Some((reply, at)),
        failure: None,
        max_age: std::time::Duration::from_secs(MAX_AGE),
    };
    testing::answering(name, serial, held)
}

/// Returns a snapshot of a bank with two units.
pub(super) fn snapshot(seq: u64, now: Now) -> Snapshot {
    let units = [("left", "96132206100410"), ("right", "96132206100411")];
    Snapshot {
        session: 7,
        seq,
        now,
        started: now,
        site: "cabin".parse().unwrap(),
        bank: "main".parse().unwrap(),
        units: units.map(|(name, serial)| Arc::new(unit(name, serial, now.instant))).into(),
        packs: Vec::new(),
        totals: Totals::default(),
        findings: None,
        judged_at: Some(now.instant),
        alerts: Vec::new(),
        control: ControlView::default(),
    }
}

/// Returns an alert that is raised.
pub(super) fn alert(now: Now) -> Alert {
    serde_json::from_value(json!({
        "id": "battery-voltage-0011223344556677", "rule": "battery-voltage", "severity": "warning",
        "title": "battery voltages differ: left, right", "why": "one unit does more work",
        "advice": ["check the cables"], "values": [["left", "54.6 V"], ["right", "54.2 V"]],
        "units": ["96132206100410", "96132206100411"],
        "since": now.wall, "raised": now.wall, "acknowledged": null, "cleared": null,
    }))
    .unwrap()
}

/// Checks a payload with a schema of `schema/`.
#[track_caller]
pub(super) fn check(schema: &str, payload: &[u8]) -> Json {
    let path = format!("{}/schema/mqtt-{schema}.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let payload: Json = serde_json::from_slice(payload).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&payload).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{payload:#}");
    payload
}

/// The commands that arrive over MQTT, for tests of control.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Commands);

impl Arrivals {
    /// Sends a command over MQTT. Returns it as it arrives at control; `None` if it is refused before.
    pub(crate) fn send(
        &mut self,
        command: &Command,
        retain: bool,
        now: Timestamp,
    ) -> Option<Command> {
        let topics = Topics::new(&"cabin".parse().unwrap(), &"main".parse().unwrap());
        let Command { id, key, to, expires, .. } = command;
        let payload = json!({"id": id, "key": key, "to": to, "expires": expires});
        let received = Received {
            topic: topics.command(),
            payload: payload.to_string().into_bytes(),
            retain,
            response_topic: None,
            correlation: None,
        };
        self.0.judge(&received, &topics, now).ok().map(|(command, _)| command)
    }
}
