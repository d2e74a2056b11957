//! Battery packs in payloads and topics.

use std::{sync::Arc, time::Duration};

use serde_json::{Value as Json, json};

use super::{
    Topics,
    message::Message,
    outbox::Outbox,
    payload,
    testing::{check, snapshot},
};
use crate::{Now, Snapshot, entity, state::LinkState, testing};

const PERIOD: Duration = Duration::from_secs(5);

/// Returns a bank with two packs.
fn bank(now: Now) -> Snapshot {
    let mut bank = snapshot(1, now);
    bank.packs = ["pack-1", "pack-2"].map(|name| Arc::new(testing::pack(name, now))).into();
    bank
}

fn values(bank: &Snapshot, message: entity::Message, now: Now) -> Json {
    let schema = if message == entity::Message::State { "state" } else { "static" };
    let values = payload::values(bank, message, now);
    check(schema, &payload::envelope(bank, PERIOD, now, values))
}

#[test]
fn values_of_packs_fit_their_schema_and_are_null_unless_fresh() {
    let now = Now::system();
    let mut bank = bank(now);
    let pack = Arc::make_mut(&mut bank.packs[1]);
    (pack.live, pack.failure) =
        (None, Some(lvx_parallel::Gap::new(lvx_parallel::Reason::Silent, "")));
    let state = values(&bank, entity::Message::State, now);
    let fresh = &state["packs"]["pack-1"];
    assert_eq!((&fresh["voltage"], &fresh["current"]), (&json!(53.76), &json!(-4.36)));
    assert_eq!((&fresh["power"], &fresh["cell_voltage_spread"]), (&json!(-234), &json!(2)));
    let silent = &state["packs"]["pack-2"];
    assert_eq!(silent["voltage"], json!(null));
    assert!(silent["failed"].as_array().unwrap().contains(&json!("voltage")));
    let statics = values(&bank, entity::Message::Static, now);
    assert_eq!(statics["packs"]["pack-1"]["model"], "LFP-51.2V100Ah-V1.0");
    assert_eq!(statics["packs"]["pack-1"]["full_capacity"], json!(100.0));
    let later = Now { instant: now.instant + Duration::from_secs(31), ..now };
    let old = values(&bank, entity::Message::State, later);
    assert_eq!(old["packs"]["pack-1"]["voltage"], json!(null));
    assert!(old["packs"]["pack-1"]["stale"].as_array().unwrap().contains(&json!("voltage")));
    // A bank without packs has no key for them.
    assert_eq!(values(&snapshot(1, now), entity::Message::State, now).get("packs"), None);
}

/// Delivers everything that is due for some seconds.
fn run(outbox: &mut Outbox, now: &mut Now, seconds: u64) -> Vec<Message> {
    let mut sent = Vec::new();
    for _ in 0..seconds * 4 {
        now.instant += Duration::from_millis(250);
        while let Some((token, message)) = outbox.next(*now) {
            sent.push(message);
            outbox.settle(token, &Ok(()), now.instant);
        }
    }
    sent
}

fn availability(sent: &[Message], pack: &str) -> Option<Json> {
    let topic = format!("lvx/v1/cabin/main/pack/{pack}/availability");
    let last = sent.iter().rfind(|message| message.topic == topic)?;
    assert!(last.retain);
    Some(check("availability", &last.payload))
}

#[test]
fn pack_that_is_lost_is_offline_while_the_others_stay() {
    let mut now = Now::system();
    let mut bank = bank(now);
    let topics = Topics::new(&bank.site, &bank.bank);
    let mut outbox = Outbox::plain(topics, (PERIOD, 3 * PERIOD), Arc::new(bank.clone()), 1);
    outbox.connected(now.instant);
    let sent = run(&mut outbox, &mut now, 10);
    assert_eq!(availability(&sent, "pack-1").unwrap()["state"], "online");
    assert_eq!(availability(&sent, "pack-2").unwrap()["state"], "online");

    let pack = Arc::make_mut(&mut bank.packs[1]);
    pack.link.state = LinkState::Down { why: "no reply".to_owned(), retry_at: None };
    (bank.seq, bank.now) = (bank.seq + 1, now);
    outbox.take_snapshot(Arc::new(bank.clone()), now);
    let sent = run(&mut outbox, &mut now, 2);
    let gone = availability(&sent, "pack-2").unwrap();
    assert_eq!((&gone["state"], &gone["why"]), (&json!("offline"), &json!("no reply")));
    assert_eq!(availability(&sent, "pack-1"), None);
    let event = sent.iter().find(|message| message.topic.ends_with("/event")).unwrap();
    let event = check("event", &event.payload);
    assert_eq!(
        (&event["event"], &event["pack"]["name"]),
        (&json!("pack-offline"), &json!("pack-2"))
    );

    // A pack that is back shows its values at once.
    Arc::make_mut(&mut bank.packs[1]).link.state = LinkState::Up;
    (bank.seq, bank.now) = (bank.seq + 1, now);
    outbox.take_snapshot(Arc::new(bank.clone()), now);
    let sent = run(&mut outbox, &mut now, 1);
    assert_eq!(availability(&sent, "pack-2").unwrap()["state"], "online");
    assert!(sent.iter().any(|message| message.topic.ends_with("/state")));

    // A pack that leaves the configuration leaves nothing at the broker.
    bank.packs.pop();
    (bank.seq, bank.now) = (bank.seq + 1, now);
    outbox.take_snapshot(Arc::new(bank), now);
    outbox.disconnected();
    outbox.connected(now.instant);
    let sent = run(&mut outbox, &mut now, 10);
    let topic = "lvx/v1/cabin/main/pack/pack-2/availability";
    let removed = sent.iter().find(|message| message.topic == topic).unwrap();
    assert!(removed.retain && removed.payload.is_empty());
}
