//! Metrics of the bridge itself.

use std::{fs, sync::Arc};

use super::text::{MetricType, Text, count};
use crate::Snapshot;

/// Writes version, time of the start, memory and processor time.
pub(super) fn write(text: &mut Text, banks: &[Arc<Snapshot>]) {
    text.metric("lvx_bridge_info", "Version of the bridge.", MetricType::Gauge);
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    if let Some(bank) = banks.first() {
        text.metric(
            "lvx_bridge_start_time_seconds",
            "Unix time at which the bridge started.",
            MetricType::Gauge,
        );
        text.sample(&[], bank.started.wall.as_duration().as_secs_f64());
    }
    // These names are the ones of Prometheus' client libraries.
    if let Some(bytes) =
        fs::read_to_string("/proc/self/statm").ok().as_deref().and_then(resident_bytes)
    {
        text.metric(
            "process_resident_memory_bytes",
            "Memory that the process uses.",
            MetricType::Gauge,
        );
        text.sample(&[], bytes);
    }
    if let Some(seconds) =
        fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds)
    {
        text.metric(
            "process_cpu_seconds_total",
            "Processor time that the process used.",
            MetricType::Counter,
        );
        text.sample(&[], seconds);
    }
}

/// Reads the resident memory from `/proc/self/statm`, which counts pages.
fn resident_bytes(statm: &str) -> Option<f64> {
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(count(pages.checked_mul(rustix::param::page_size().try_into().ok()?)?))
}

/// Reads the processor time from `/proc/self/stat`: user and system time are the 14th and 15th fields. The second one
/// is the name of the program in parentheses, which may contain spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(count(user.checked_add(system)?) / count(rustix::param::clock_ticks_per_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_the_name() {
        let stat = "1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20";
        let ticks = count(rustix::param::clock_ticks_per_second());
        assert_eq!(cpu_seconds(stat), Some(200.0 / ticks));
        assert_eq!(cpu_seconds(""), None);
        assert!(resident_bytes("100 3 1").is_some_and(|bytes| bytes >= 3.0 * 4096.0));
        assert_eq!(resident_bytes("x"), None);
    }
}
