//! Metrics of the connections to the MQTT broker.

use super::text::{MetricType, Text, count};
use crate::{Handle, Now, mqtt::Counts};

/// One metric of a connection.
struct Row {
    /// Name.
    name: &'static str,
    /// Description.
    help: &'static str,
    /// Type.
    kind: MetricType,
    /// Returns the value; `None` if there is none.
    value: fn(&Counts, Now) -> Option<f64>,
}

/// All metrics of a connection.
const ROWS: &[Row] = &[
    Row {
        name: "lvx_mqtt_connected",
        help: "Whether the bridge is connected to the MQTT broker.",
        kind: MetricType::Gauge,
        value: |counts, _| Some(if counts.is_connected { 1.0 } else { 0.0 }),
    },
    Row {
        name: "lvx_mqtt_connects_total",
        help: "Connections that the MQTT broker accepted.",
        kind: MetricType::Counter,
        value: |counts, _| Some(count(counts.connects)),
    },
    Row {
        name: "lvx_mqtt_published_total",
        help: "Messages that the MQTT broker acknowledged.",
        kind: MetricType::Counter,
        value: |counts, _| Some(count(counts.published)),
    },
    Row {
        name: "lvx_mqtt_publish_failures_total",
        help: "Messages that the MQTT broker did not take, and those that were lost with the connection.",
        kind: MetricType::Counter,
        value: |counts, _| Some(count(counts.failed)),
    },
    Row {
        name: "lvx_mqtt_dropped_total",
        help: "Events and results that were dropped, because too many waited or the MQTT broker did not take them.",
        kind: MetricType::Counter,
        value: |counts, _| Some(count(counts.dropped)),
    },
    Row {
        name: "lvx_mqtt_queue_length",
        help: "Events and results that wait for the MQTT broker, and messages that it has not acknowledged.",
        kind: MetricType::Gauge,
        value: |counts, _| Some(count(counts.waiting)),
    },
    Row {
        name: "lvx_mqtt_last_error_age_seconds",
        help: "Time since a connection ended or was refused, or a message or subscription was refused.",
        kind: MetricType::Gauge,
        value: |counts, now| {
            let at = counts.last_error?;
            Some(now.instant.saturating_duration_since(at).as_secs_f64())
        },
    },
];

/// Writes the metrics of the connections of these banks. A bank without a connection has none.
///
/// ```
/// # use lvx_bridge::{Now, metrics::{Text, write_mqtt}};
/// let mut text = Text::default();
/// write_mqtt(&mut text, [], Now::system());
/// assert_eq!(text.finish(), "");
/// ```
pub fn write_mqtt<'a>(text: &mut Text, banks: impl IntoIterator<Item = &'a Handle>, now: Now) {
    let banks: Vec<_> =
        banks.into_iter().filter_map(|bank| Some((bank.snapshot(), bank.mqtt_counts()?))).collect();
    for row in ROWS {
        text.metric(row.name, row.help, row.kind);
        for (bank, counts) in &banks {
            let labels = [("site", bank.site.as_str()), ("bank", bank.bank.as_str())];
            if let Some(value) = (row.value)(counts, now) {
                text.sample(&labels, value);
            }
        }
    }
}
