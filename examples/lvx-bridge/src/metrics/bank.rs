//! Metrics of banks: values over all units, alerts, and the work of the core.

use std::sync::Arc;

use lvx_parallel::Severity;

use super::{
    name::Metric,
    text::{MetricType, Text, count},
};
use crate::{Now, Snapshot, entity::BANK};

/// Writes the metrics of all banks.
pub(super) fn write(text: &mut Text, banks: &[Arc<Snapshot>], now: Now) {
    for row in BANK {
        let metric = Metric::of("lvx_bank", row);
        text.metric(&metric.name, &metric.help, metric.kind);
        for bank in banks {
            let value = row.value(bank, now);
            // Energies age slowly, so check whether snapshots stopped.
            if let Some(datum) = value.fresh().filter(|_| !bank.is_overdue(now)) {
                metric.sample(text, &labels(bank), &row.json(datum));
            }
        }
    }
    text.metric("lvx_bank_units", "Units of the configuration.", MetricType::Gauge);
    for bank in banks {
        text.sample(&labels(bank), count(bank.units.len().try_into().unwrap_or(u64::MAX)));
    }
    text.metric("lvx_bank_packs", "Battery packs of the configuration.", MetricType::Gauge);
    for bank in banks {
        text.sample(&labels(bank), count(bank.packs.len().try_into().unwrap_or(u64::MAX)));
    }
    text.metric("lvx_bank_raised_alerts", "Alerts that are raised.", MetricType::Gauge);
    for bank in banks {
        for severity in [Severity::Info, Severity::Warning, Severity::Error] {
            let raised =
                bank.alerts.iter().filter(|alert| alert.is_raised() && alert.severity == severity);
            let [site, bank] = labels(bank);
            let labels = [site, bank, ("severity", &severity.to_string())];
            text.sample(&labels, count(raised.count().try_into().unwrap_or(u64::MAX)));
        }
    }
    let help = "Time since the bank was last judged after a complete round.";
    text.metric("lvx_bank_judged_age_seconds", help, MetricType::Gauge);
    for bank in banks {
        if let Some(at) = bank.judged_at {
            text.sample(&labels(bank), now.instant.saturating_duration_since(at).as_secs_f64());
        }
    }
    let help = "Snapshots that were made.";
    text.metric("lvx_bank_snapshots_total", help, MetricType::Counter);
    for bank in banks {
        text.sample(&labels(bank), count(bank.seq));
    }
}

fn labels(bank: &Snapshot) -> [(&str, &str); 2] {
    [("site", bank.site.as_str()), ("bank", bank.bank.as_str())]
}
