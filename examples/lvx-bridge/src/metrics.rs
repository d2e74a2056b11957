//! Prometheus metrics, from the table of entities.
//!
//! A value that is not fresh has no sample, so that Prometheus never shows an old value as a new one. Units are base
//! units: ratios from 0 to 1 instead of percent, joules instead of watt-hours.
//!
//! The text is written from snapshots at each scrape. A registry of counters would keep the series of values that are
//! no longer known.

mod bank;
mod mqtt;
mod name;
mod pack;
mod process;
mod text;
mod unit;

use std::sync::Arc;

pub(crate) use self::text::count;
pub use self::{
    mqtt::write_mqtt,
    text::{MetricType, Text},
};
use crate::{Now, Snapshot};

/// Media type of the metrics.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes the metrics of these banks and of the process.
///
/// ```
/// let text = lvx_bridge::metrics::write(&[], lvx_bridge::Now::system()).finish();
/// assert!(text.contains("lvx_bridge_info"));
/// ```
#[must_use]
pub fn write(banks: &[Arc<Snapshot>], now: Now) -> Text {
    let mut text = Text::default();
    process::write(&mut text, banks);
    bank::write(&mut text, banks, now);
    unit::write(&mut text, banks, now);
    pack::write(&mut text, banks, now);
    text
}

#[cfg(test)]
mod tests;
