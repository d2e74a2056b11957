//! Metrics of battery packs: their values, the age of their measurements, and whether they answer.

use std::sync::Arc;

use super::{
    name::Metric,
    text::{MetricType, Text},
};
use crate::{
    Now, Snapshot,
    entity::PACK,
    state::{LinkState, PackView},
};

/// Writes the metrics of all packs.
pub(super) fn write(text: &mut Text, banks: &[Arc<Snapshot>], now: Now) {
    for row in PACK {
        let metric = Metric::of("lvx_pack", row);
        text.metric(&metric.name, &metric.help, metric.kind);
        each(banks, |pack, labels| {
            let value = row.value(pack, now);
            if let Some(datum) = value.fresh() {
                metric.sample(text, labels, &row.json(datum));
            }
        });
    }
    let help = "Time since the pack was last measured.";
    text.metric("lvx_pack_answer_age_seconds", help, MetricType::Gauge);
    each(banks, |pack, labels| {
        if let Some((_, at)) = &pack.live {
            text.sample(labels, now.instant.saturating_duration_since(*at).as_secs_f64());
        }
    });
    let help = "Age from which the measurements of the pack are stale.";
    text.metric("lvx_pack_answer_max_age_seconds", help, MetricType::Gauge);
    each(banks, |pack, labels| text.sample(labels, pack.max_age.as_secs_f64()));
    text.metric("lvx_pack_up", "Whether the pack answers.", MetricType::Gauge);
    each(banks, |pack, labels| {
        text.sample(labels, if pack.link.state == LinkState::Up { 1.0 } else { 0.0 });
    });
}

/// Calls a function with each pack and its labels.
fn each(banks: &[Arc<Snapshot>], mut visit: impl FnMut(&PackView, &[(&str, &str); 3])) {
    for bank in banks {
        for pack in &bank.packs {
            let labels = [
                ("site", bank.site.as_str()),
                ("bank", bank.bank.as_str()),
                ("pack", pack.name.as_str()),
            ];
            visit(pack, &labels);
        }
    }
}
