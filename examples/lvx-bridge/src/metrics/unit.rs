//! Metrics of units: their values, the age of their answers, and the work of the poller.

use std::sync::Arc;

use super::{
    name::Metric,
    text::{MetricType, Text},
};
use crate::{
    Now, Snapshot,
    entity::UNIT,
    state::{LinkState, UnitView},
};

/// Writes the metrics of all units.
pub(super) fn write(text: &mut Text, banks: &[Arc<Snapshot>], now: Now) {
    for row in UNIT {
        let metric = Metric::of("lvx_unit", row);
        text.metric(&metric.name, &metric.help, metric.kind);
        each(banks, |unit, labels| {
            let value = row.value(unit, now);
            if let Some(datum) = value.fresh() {
                metric.sample(text, labels, &row.json(datum));
            }
        });
    }
    answers(text, banks, now);
    links(text, banks);
}

/// Writes the age of the answers.
fn answers(text: &mut Text, banks: &[Arc<Snapshot>], now: Now) {
    text.metric(
        "lvx_unit_answer_age_seconds",
        "Time since the last answer to a question.",
        MetricType::Gauge,
    );
    each(banks, |unit, labels| {
        for held in &unit.held {
            let Some((_, at)) = &held.reply else { continue };
            let age = now.instant.saturating_duration_since(*at).as_secs_f64();
            text.sample(&question(labels, &held.question()), age);
        }
    });
    let help = "Age from which the answer to a question is stale.";
    text.metric("lvx_unit_answer_max_age_seconds", help, MetricType::Gauge);
    each(banks, |unit, labels| {
        for held in &unit.held {
            text.sample(&question(labels, &held.question()), held.max_age.as_secs_f64());
        }
    });
    let help = "Whether the last attempt to ask a question failed.";
    text.metric("lvx_unit_answer_failed", help, MetricType::Gauge);
    each(banks, |unit, labels| {
        for held in &unit.held {
            let failed = if held.failure.is_some() { 1.0 } else { 0.0 };
            text.sample(&question(labels, &held.question()), failed);
        }
    });
}

/// Writes the work of the pollers.
fn links(text: &mut Text, banks: &[Arc<Snapshot>]) {
    text.metric("lvx_unit_up", "Whether the unit answers.", MetricType::Gauge);
    each(banks, |unit, labels| {
        text.sample(labels, if unit.link.state == LinkState::Up { 1.0 } else { 0.0 });
    });
    text.metric(
        "lvx_unit_energy_era",
        "Number of the era, which increases when the energy counter of the unit was reset.",
        MetricType::Gauge,
    );
    each(banks, |unit, labels| text.sample(labels, unit.energy.era.into()));
}

/// Calls a function with each unit and its labels.
fn each(banks: &[Arc<Snapshot>], mut visit: impl FnMut(&UnitView, &[(&str, &str); 4])) {
    for bank in banks {
        for unit in &bank.units {
            let serial = unit.serial.to_string();
            let labels = [
                ("site", bank.site.as_str()),
                ("bank", bank.bank.as_str()),
                ("unit", unit.name.as_str()),
                ("serial", serial.as_str()),
            ];
            visit(unit, &labels);
        }
    }
}

fn question<'a>(labels: &[(&'a str, &'a str); 4], mnemonic: &'a str) -> [(&'a str, &'a str); 5] {
    let [site, bank, unit, serial] = *labels;
    [site, bank, unit, serial, ("question", mnemonic)]
}
