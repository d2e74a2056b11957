//! MQTT 5: topics, payloads, and the connection to the broker.
