//! Metrics of the HTTP server.

use std::sync::atomic::{AtomicU64, Ordering};

use super::app::Counts;
use crate::metrics::{MetricType, Text, count};

/// Writes the counters of the server.
pub(super) fn write(text: &mut Text, counts: &Counts) {
    text.metric("lvx_http_answers_total", "Requests that were answered.", MetricType::Counter);
    for (class, answered) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(&counts.answered) {
        text.sample(&[("status", class)], load(answered));
    }
    text.metric(
        "lvx_http_connections_total",
        "Connections that were accepted.",
        MetricType::Counter,
    );
    text.sample(&[], load(&counts.connections));
    let help = "Connections that were closed at once, because there were too many.";
    text.metric("lvx_http_rejected_connections_total", help, MetricType::Counter);
    text.sample(&[], load(&counts.rejected));
    text.metric("lvx_http_streams", "Event streams that are open.", MetricType::Gauge);
    text.sample(&[], load(&counts.streams));
}

fn load(counter: &AtomicU64) -> f64 {
    count(counter.load(Ordering::Relaxed))
}
