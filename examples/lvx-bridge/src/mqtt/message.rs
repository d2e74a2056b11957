//! Messages to the broker and from it.

use std::time::Duration;

/// A message that is published with `QoS` 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Topic.
    pub topic: String,
    /// Payload; an empty one deletes a retained message.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// Time after which the broker drops it.
    pub expiry: Option<Duration>,
    /// Data that the sender of a command wants back with the result.
    pub correlation: Option<Vec<u8>>,
}

impl Message {
    /// Returns a message without retain and expiry.
    pub(super) fn new(topic: String, payload: Vec<u8>) -> Self {
        Self { topic, payload, retain: false, expiry: None, correlation: None }
    }

    /// Returns a retained message.
    pub(super) fn retained(topic: String, payload: Vec<u8>) -> Self {
        Self { retain: true, ..Self::new(topic, payload) }
    }
}

/// A message that another client sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Received {
    /// Topic.
    pub(super) topic: String,
    /// Payload.
    pub(super) payload: Vec<u8>,
    /// Whether the sender asked the broker to retain it.
    pub(super) retain: bool,
    /// Topic on which the sender wants the result.
    pub(super) response_topic: Option<String>,
    /// Data that the sender wants back with the result.
    pub(super) correlation: Option<Vec<u8>>,
}

/// Why a message was not delivered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Undelivered {
    /// The connection was lost before the broker acknowledged it.
    Lost,
    /// The broker does not take it, for this reason.
    Rejected(String),
}

/// Where the sender of a command wants its result.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Answer {
    /// Topic; `None` for the topic of results.
    pub(super) topic: Option<String>,
    /// Data that it wants back.
    pub(super) correlation: Option<Vec<u8>>,
}
