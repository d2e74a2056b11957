use std::{sync::Arc, time::Duration};

use lvx_parallel::Severity;
use pi18_proto::{Count, ParallelInstance, Query};

use super::*;
use crate::{state::Held, testing};

fn render(bank: Snapshot, now: Now) -> String {
    write(&[Arc::new(bank)], now).finish()
}

fn later(now: Now, seconds: u64) -> Now {
    Now { instant: now.instant + Duration::from_secs(seconds), ..now }
}

#[test]
fn fresh_value_has_a_sample_with_its_labels() {
    let now = Now::system();
    let bank = testing::bank(now);
    let value = bank.units[0].value("GS", "battery_voltage", now.instant);
    let volts = value.fresh().unwrap().number().unwrap();
    let serial = bank.units[0].serial;
    let line = format!(
        "lvx_unit_battery_voltage_volts{{site=\"home\",bank=\"garage\",unit=\"unit-1\",serial=\"{serial}\"}} {volts}\n"
    );
    let text = render(bank, now);
    assert!(text.contains(&line), "{text}");
}

#[test]
fn stale_value_has_no_sample_but_an_age() {
    let now = Now::system();
    let text = render(testing::bank(now), later(now, 16));
    assert!(!text.contains("battery_voltage_volts"), "{text}");
    assert!(text.contains("question=\"GS\"} 16\n"), "{text}");
    let text = render(testing::bank(now), later(now, 15));
    assert!(text.contains("battery_voltage_volts"), "{text}");
}

#[test]
fn values_of_a_bank_whose_core_has_stopped_have_no_sample() {
    let now = Now::system();
    let text = render(testing::bank(now), later(now, 60));
    assert!(text.contains("lvx_bank_pv_power_watts"), "{text}");
    let text = render(testing::bank(now), later(now, 61));
    assert!(!text.contains("lvx_bank_pv_power_watts"), "{text}");
    assert!(text.contains("lvx_bank_raised_alerts"), "{text}");
}

#[test]
fn each_series_has_one_sample() {
    let now = Now::system();
    let mut bank = testing::bank(now);
    let unit = Arc::make_mut(&mut bank.units[0]);
    for instance in 0..2 {
        let instance = ParallelInstance::new(Count(instance)).unwrap();
        let query = Query::ParallelStatus(instance);
        unit.held.push(Held { query, reply: None, failure: None, max_age: Duration::ZERO });
    }
    let text = render(bank, now);
    let mut series: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' '))
        .collect();
    let count = series.len();
    series.sort_unstable();
    series.dedup_by_key(|line| line.map(|(series, _)| series));
    assert_eq!(series.len(), count, "{text}");
}

#[test]
fn alerts_are_counted_by_severity() {
    let now = Now::system();
    let mut bank = testing::bank(now);
    let cleared = crate::alert::Alert {
        cleared: Some(now.wall),
        ..testing::alert("c", Severity::Error, now)
    };
    bank.alerts = vec![testing::alert("a", Severity::Error, now), cleared];
    testing::unplug(&mut bank, 1);
    let text = render(bank, now);
    assert!(
        text.contains(
            "lvx_bank_raised_alerts{site=\"home\",bank=\"garage\",severity=\"error\"} 1\n"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "lvx_bank_raised_alerts{site=\"home\",bank=\"garage\",severity=\"warning\"} 0\n"
        ),
        "{text}"
    );
    let is_down = |line: &str| line.starts_with("lvx_unit_up{") && line.ends_with(" 0");
    assert_eq!(text.lines().filter(|line| is_down(line)).count(), 1);
}

#[test]
fn each_metric_is_written_once() {
    let now = Now::system();
    let banks = [Arc::new(testing::bank(now)), Arc::new(testing::bank(now))];
    let text = write(&banks, now).finish();
    let mut names: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let before = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), before);
    let counters = names.iter().filter(|line| line.ends_with(" counter"));
    assert!(counters.clone().count() > 5);
    assert!(counters.clone().all(|line| line.contains("_total ")));
}

/// Returns a bank with a connection to a broker, on which each count has another value.
fn connected(bank: Snapshot, now: Now) -> crate::Handle {
    let (handle, core) = testing::handle(bank);
    // The handle keeps the snapshot.
    drop(core);
    let mut counts = crate::mqtt::Counts::default();
    (counts.is_connected, counts.last_error) = (true, Some(now.instant));
    (counts.connects, counts.published, counts.failed) = (2, 30, 4);
    (counts.dropped, counts.waiting) = (5, 6);
    handle.mqtt_meter().set(counts);
    handle
}

#[test]
fn connection_to_the_broker_is_counted() {
    let now = Now::system();
    let mut text = Text::default();
    let (without, _core) = testing::handle(testing::bank(now));
    let bank = connected(testing::bank(now), now);
    write_mqtt(&mut text, [&without, &bank], later(now, 90));
    let text = text.finish();
    let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let labels = "{site=\"home\",bank=\"garage\"}";
    let expected = [
        ("connected", 1),
        ("connects_total", 2),
        ("published_total", 30),
        ("publish_failures_total", 4),
        ("dropped_total", 5),
        ("queue_length", 6),
        ("last_error_age_seconds", 90),
    ];
    assert_eq!(samples, expected.map(|(name, value)| format!("lvx_mqtt_{name}{labels} {value}")));
}

/// Returns the names of all metrics: those of the table, and those that are written beside it.
fn names() -> std::collections::BTreeSet<String> {
    let now = Now::system();
    let mut bank = testing::bank(now);
    bank.judged_at = Some(now.instant);
    bank.packs = vec![Arc::new(testing::pack("pack-1", now))];
    let mut text = write(&[Arc::new(bank.clone())], now);
    write_mqtt(&mut text, [&connected(bank, now)], now);
    let text = text.finish();
    let written = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let units = crate::entity::UNIT.iter().map(|row| name::Metric::of("lvx_unit", row).name);
    let banks = crate::entity::BANK.iter().map(|row| name::Metric::of("lvx_bank", row).name);
    let packs = crate::entity::PACK.iter().map(|row| name::Metric::of("lvx_pack", row).name);
    written.map(str::to_owned).chain(units).chain(packs).chain(banks).collect()
}

#[test]
fn documentation_names_metrics_that_exist() {
    let names = names();
    let page = format!("{}/../../docs/monitoring.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = page.split(|c| !is_word(c));
    // A name that ends in `_` is the begin of several, and tokens begin with `lvx_`, too.
    let used = words.filter(|word| word.starts_with("lvx_") && !word.ends_with('_'));
    let unknown: Vec<_> = used.filter(|name| !names.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for name in names.iter().filter(|name| name.starts_with("lvx_mqtt_")) {
        assert!(page.contains(name.as_str()), "{name} is not documented");
    }
}

#[test]
fn dashboard_and_alert_rules_name_metrics_that_exist() {
    let names = names();
    let dashboard = include_str!("../../grafana/lvx.json");
    serde_json::from_str::<serde_json::Value>(dashboard).unwrap();
    for (file, least) in [(dashboard, 29), (include_str!("../../prometheus/alerts.yml"), 7)] {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = file.split(|c| !is_word(c));
        let used: std::collections::BTreeSet<_> =
            words.filter(|word| word.starts_with("lvx_") || word.starts_with("process_")).collect();
        let unknown: Vec<_> = used.iter().filter(|name| !names.contains(**name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert!(used.len() >= least, "{used:?}");
    }
}

#[test]
fn packs_have_samples_while_fresh_and_show_whether_they_answer() {
    let now = Now::system();
    let mut bank = testing::bank(now);
    let mut silent = testing::pack("pack-2", now);
    silent.link.state =
        crate::state::LinkState::Down { why: "no reply".to_owned(), retry_at: None };
    silent.live = None;
    bank.packs = vec![Arc::new(testing::pack("pack-1", now)), Arc::new(silent)];
    let text = render(bank.clone(), now);
    let of = |pack: &str| format!("{{site=\"home\",bank=\"garage\",pack=\"{pack}\"}}");
    let (first, second) = (of("pack-1"), of("pack-2"));
    for line in [
        format!("lvx_pack_voltage_volts{first} 53.76\n"),
        format!("lvx_pack_state_of_charge_ratio{first} 0.91\n"),
        format!("lvx_pack_cell_voltage_spread_volts{first} 0.002\n"),
        format!("lvx_pack_up{first} 1\n"),
        format!("lvx_pack_up{second} 0\n"),
        "lvx_bank_packs{site=\"home\",bank=\"garage\"} 2\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}{text}");
    }
    assert!(!text.contains(&format!("lvx_pack_voltage_volts{second}")), "{text}");
    let text = render(bank, later(now, 31));
    assert!(!text.contains("lvx_pack_voltage_volts"), "{text}");
    assert!(text.contains(&format!("lvx_pack_answer_age_seconds{first} 31\n")), "{text}");
}
