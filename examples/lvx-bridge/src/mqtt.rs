//! MQTT 5: topics, payloads, and the connection to the broker.

mod topic;

pub use self::topic::Topics;
