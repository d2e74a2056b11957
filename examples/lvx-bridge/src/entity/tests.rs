//! Tests of the table.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use lvx_parallel::{Gap, Reason};
use lvx_settings::Setting;
use pi18_proto::{AnyReply, Form, Query, SerialNumber};

use super::{ACTIONS, Action, BANK, Entity, Kind, PACK, Source, UNIT};
use crate::{
    Now, Snapshot,
    state::{Datum, Energy, Held, LinkCounts, LinkState, LinkView, UnitView, Value},
    testing,
};

/// Checks what every row has in common.
#[track_caller]
pub(super) fn check<T>(row: &Entity<T>) {
    let key = row.key;
    assert!(
        key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
        "{key}"
    );
    let classes: &[&str] = match (row.kind, row.unit) {
        (Kind::Enum, "") => &["", "enum"],
        (Kind::Flag, "") => &["", "problem"],
        (Kind::Text | Kind::Counter | Kind::Measurement | Kind::Number, "") => &[""],
        (Kind::Counter | Kind::Daily, "Wh") => &["energy"],
        (Kind::Measurement | Kind::Number, unit) => match unit {
            "V" | "mV" => &["voltage"],
            "Ah" => &[""],
            "A" => &["current"],
            "W" => &["power"],
            "VA" => &["apparent_power"],
            "Hz" => &["frequency"],
            "°C" => &["temperature"],
            "%" => &["", "battery"],
            "s" | "ms" => &["duration"],
            _ => panic!("{key}: no class for {unit:?}"),
        },
        other => panic!("{key}: no class for {other:?}"),
    };
    assert!(
        classes.contains(&row.class),
        "{key}: expected one of {classes:?}, found {:?}",
        row.class
    );
}

#[test]
fn each_row_of_a_unit_fits_the_field_of_its_reply() {
    for row in UNIT {
        check(row);
        let Source::Field(mnemonic, name) = row.source else { continue };
        let field = row.field().unwrap_or_else(|| panic!("{}: no {mnemonic}.{name}", row.key));
        assert_eq!((row.unit, row.decimals), (field.unit, field.decimals), "{}", row.key);
        let fits = match row.kind {
            Kind::Measurement => {
                matches!(field.form, Form::Number { .. }) && !field.unit.is_empty()
            }
            // The number of a code is a number, too.
            Kind::Number => matches!(field.form, Form::Number { .. } | Form::Code(_)),
            Kind::Counter | Kind::Daily => field.unit == "Wh",
            Kind::Enum => matches!(field.form, Form::Code(_)),
            Kind::Flag => {
                matches!(field.form, Form::Code([no, yes]) if (no.code, yes.code) == (0, 1))
            }
            Kind::Text => matches!(field.form, Form::Text(_)),
        };
        assert!(fits, "{}: {:?} does not fit {:?}", row.key, row.kind, field.form);
    }
}

#[test]
fn each_row_of_a_bank_is_computed() {
    for row in BANK {
        check(row);
        assert!(matches!(row.source, Source::Computed(_)), "{}", row.key);
    }
}

#[test]
fn keys_and_names_are_unique() {
    let keys: BTreeSet<_> = UNIT.iter().map(|row| row.key).collect();
    let names: BTreeSet<_> = UNIT.iter().map(|row| row.name).collect();
    assert_eq!((keys.len(), names.len()), (UNIT.len(), UNIT.len()));
    let keys: BTreeSet<_> = PACK.iter().map(|row| row.key).collect();
    let names: BTreeSet<_> = PACK.iter().map(|row| row.name).collect();
    assert_eq!((keys.len(), names.len()), (PACK.len(), PACK.len()));
    let keys: BTreeSet<_> = BANK.iter().map(|row| row.key).collect();
    let names: BTreeSet<_> = BANK.iter().map(|row| row.name).collect();
    assert_eq!((keys.len(), names.len()), (BANK.len(), BANK.len()));
    for action in ACTIONS {
        assert!(!keys.contains(action.key) && !names.contains(action.name), "{}", action.key);
        assert!(action.key.parse::<Setting>().is_err(), "{}", action.key);
        assert_eq!(Action::of(action.key).map(|found| found.name), Some(action.name));
    }
    assert!(Action::of("output_priority").is_none());
}

#[test]
fn each_field_that_is_polled_has_a_row() {
    // Whether a setting was changed since the last question is of no use beside the settings themselves. Energy and
    // clock are computed from their replies.
    let without_row = [("GS", "settings"), ("ET", "energy"), ("ED", "energy"), ("T", "time")];
    for mnemonic in ["GS", "MOD", "FWS", "PIRI", "FLAG", "VFW", "ET", "ED", "T"] {
        let query = Query::LIST.iter().find(|info| info.mnemonic == mnemonic).unwrap();
        for field in query.fields {
            let has_row = UNIT.iter().any(
                |row| matches!(row.source, Source::Field(m, f) if (m, f) == (mnemonic, field.name)),
            );
            assert_ne!(
                has_row,
                without_row.contains(&(mnemonic, field.name)),
                "{mnemonic}.{}",
                field.name
            );
        }
    }
}

#[test]
fn the_23_usual_sensors_are_enabled() {
    let is_read = |row: &&Entity<UnitView>| row.enabled && row.field().is_some();
    assert_eq!(UNIT.iter().filter(is_read).count(), 23);
    let computed: Vec<_> =
        UNIT.iter().filter(|row| row.enabled && row.field().is_none()).map(|row| row.key).collect();
    assert_eq!(
        computed,
        [
            "battery_power",
            "battery_current",
            "pv_energy",
            "pv_energy_today",
            "battery_charge_energy",
            "battery_discharge_energy"
        ]
    );
}

/// Returns a unit whose `GS` was read five seconds ago.
fn unit(now: Now, reply: &[u8], max_age: Duration, failure: Option<Gap>) -> UnitView {
    let (reply, _) = Query::GeneralStatus.parse_reply(reply).unwrap();
    UnitView {
        name: "u1".parse().unwrap(),
        serial: SerialNumber::new("96132206100410").unwrap(),
        link: LinkView {
            address: "sim:0".to_owned(),
            state: LinkState::Up,
            since: now.wall,
            counts: LinkCounts::default(),
            latency: None,
        },
        held: vec![held(Query::GeneralStatus, reply, now, max_age, failure)],
        energy: Energy { battery_charge_total: Some(1234), ..Energy::default() },
    }
}

fn held(query: Query, reply: AnyReply, now: Now, max_age: Duration, failure: Option<Gap>) -> Held {
    let at = now.instant.checked_sub(Duration::from_secs(5)).unwrap();
    Held { query, reply: Some((reply, at)), failure, max_age }
}

fn now() -> Now {
    Now {
        instant: Instant::now() + Duration::from_mins(1),
        wall: "2026-06-01T12:00:00Z".parse().unwrap(),
    }
}

#[track_caller]
fn value(unit: &UnitView, key: &str, now: Now) -> Value {
    UNIT.iter().find(|row| row.key == key).unwrap().value(unit, now)
}

const CHARGING: &[u8] =
    b"2336,499,2336,499,0443,0255,007,524,000,000,000,017,042,039,000,000,1326,0011,1907,0000,0,2,0,1,1,2,1,1";
const DISCHARGING: &[u8] =
    b"2336,499,2336,499,0443,0255,007,521,000,000,007,000,042,039,000,000,0000,0000,0000,0000,0,1,9,1,2,2,1,1";

#[test]
fn battery_power_is_positive_while_charging() {
    let now = now();
    let age = Duration::from_secs(5);
    let watts = |reply| {
        let unit = unit(now, reply, Duration::from_secs(15), None);
        let Value::Fresh { datum: Datum::Quantity { steps, unit: "W", .. }, age: found } =
            value(&unit, "battery_power", now)
        else {
            panic!("not fresh")
        };
        assert_eq!(found, age);
        steps
    };
    assert_eq!(watts(CHARGING), 891, "52.4 V × 17 A = 890.8 W");
    assert_eq!(watts(DISCHARGING), -365, "52.1 V × -7 A = -364.7 W");
}

#[test]
fn computed_values_are_as_old_as_their_reply() {
    let now = now();
    let stale = unit(now, CHARGING, Duration::from_secs(4), None);
    assert_eq!(value(&stale, "battery_current", now).status(), "stale");
    assert_eq!(value(&stale, "battery_charge_energy", now).status(), "stale");
    let failed = unit(now, CHARGING, Duration::from_secs(4), Some(Gap::new(Reason::Silent, "")));
    assert_eq!(value(&failed, "pv_power", now).status(), "failed");
    let fresh = unit(now, CHARGING, Duration::from_secs(6), Some(Gap::new(Reason::Silent, "")));
    assert_eq!(value(&fresh, "pv_power", now).fresh().and_then(Datum::number), Some(1337.0));
    assert_eq!(value(&fresh, "pv_energy", now), Value::Absent, "no counter was read");
}

#[track_caller]
fn bank_value(bank: &Snapshot, key: &str, now: Now) -> Value {
    BANK.iter().find(|row| row.key == key).unwrap().value(bank, now)
}

#[test]
fn latency_is_absent_while_the_unit_does_not_answer() {
    let now = now();
    let mut unit = unit(now, CHARGING, Duration::from_secs(6), None);
    unit.link.latency = Some(Duration::from_millis(120));
    assert_eq!(value(&unit, "link_latency", now).status(), "fresh");
    unit.link.state = LinkState::Down { why: "unplugged".to_owned(), retry_at: None };
    assert_eq!(value(&unit, "link_latency", now), Value::Absent);
}

#[test]
fn alerts_are_absent_before_the_bank_was_judged() {
    let now = now();
    let mut bank = testing::bank(now);
    (bank.alerts, bank.findings) = (Vec::new(), None);
    for key in ["problem", "alerts", "worst_alert"] {
        assert_eq!(bank_value(&bank, key, now), Value::Absent, "{key}");
    }
    bank.findings = Some(Vec::new());
    assert_eq!(bank_value(&bank, "alerts", now).fresh().and_then(Datum::number), Some(0.0));
}

#[test]
fn values_of_the_bank_are_stale_if_snapshots_have_stopped() {
    let now = now();
    let mut bank = testing::bank(now);
    bank.totals.pv_power = Some(1337);
    bank.findings = Some(Vec::new());
    let later = Now { instant: now.instant + Duration::from_secs(61), ..now };
    for key in ["pv_power", "fresh_units", "problem", "alerts", "worst_alert"] {
        assert_eq!(bank_value(&bank, key, now).status(), "fresh", "{key}");
        assert_eq!(bank_value(&bank, key, later).status(), "stale", "{key}");
    }
    // The slowest question does not make the limit longer.
    let mut slow = bank.units[0].held[0].clone();
    slow.max_age = Duration::from_mins(15);
    std::sync::Arc::make_mut(&mut bank.units[0]).held.push(slow);
    assert_eq!(bank_value(&bank, "pv_power", later).status(), "stale");
}

#[test]
fn clock_offset_counts_from_the_time_of_reading() {
    let now = now();
    let mut unit = unit(now, CHARGING, Duration::from_secs(6), None);
    let read = now.wall.checked_sub(Duration::from_secs(5)).unwrap();
    let shown = read.checked_add(Duration::from_secs(37)).unwrap();
    let shown = shown.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y%m%d%H%M%S").to_string();
    let (clock, _) = Query::Clock.parse_reply(shown.as_bytes()).unwrap();
    unit.held.push(held(Query::Clock, clock, now, Duration::from_secs(6), None));
    let offset = value(&unit, "clock_offset", now);
    assert_eq!(offset.fresh().and_then(Datum::number), Some(37.0));
}

#[test]
fn json_is_what_payloads_carry() {
    let now = now();
    let unit = unit(now, DISCHARGING, Duration::from_secs(6), None);
    let json = |key: &str| {
        let row = UNIT.iter().find(|row| row.key == key).unwrap();
        row.json(row.value(&unit, now).fresh().unwrap()).to_string()
    };
    assert_eq!(json("battery_voltage"), "52.1");
    assert_eq!(json("charge_current"), "0");
    assert_eq!(json("mppt1_status"), "\"normal, not charging\"");
    assert_eq!(json("mppt2_status"), "\"code 9\"", "a code without a name");
    let row = UNIT.iter().find(|row| row.key == "warning_line_fail").unwrap();
    assert_eq!(row.json(&Datum::Code { number: 1, name: Some("raised") }), true);
    let row = UNIT.iter().find(|row| row.key == "fault_code").unwrap();
    assert_eq!(row.json(&Datum::Code { number: 83, name: None }), 83);
}

#[test]
fn counter_of_the_bank_is_as_old_as_the_latest_reply() {
    let now = now();
    let mut bank = testing::bank(now);
    bank.totals.battery_charge_energy = Some(1234);
    assert_eq!(bank_value(&bank, "pv_energy", now), Value::Absent, "no unit was read");
    assert_eq!(bank_value(&bank, "battery_charge_energy", now).status(), "fresh");
    // One unit is read later, the other one not at all.
    let later = Now { instant: now.instant + Duration::from_mins(1), ..now };
    let unit = std::sync::Arc::make_mut(&mut bank.units[1]);
    unit.held[0].reply.as_mut().unwrap().1 = later.instant;
    let value = bank_value(&bank, "battery_charge_energy", later);
    assert_eq!(value.fresh().and_then(Datum::number), Some(1234.0));
    let much_later = Now { instant: later.instant + Duration::from_mins(1), ..now };
    assert_eq!(bank_value(&bank, "battery_charge_energy", much_later).status(), "stale");
}

#[test]
fn energy_today_is_the_sum_of_one_day() {
    let now = now();
    let mut bank = testing::bank(now);
    let mut take = |unit: usize, day: u8, watt_hours: u64| {
        let query = Query::DayEnergy(pi18_proto::Date::new(2026, 6, day).unwrap());
        let (reply, _) = query.parse_reply(query.info().sample.as_bytes()).unwrap();
        let view = std::sync::Arc::make_mut(&mut bank.units[unit]);
        view.held.retain(|held| held.question() != "ED");
        view.held.push(held(query, reply, now, Duration::from_mins(6), None));
        view.energy.pv_today = Some(watt_hours);
        bank_value(&bank, "pv_energy_today", now).fresh().and_then(Datum::number)
    };
    assert_eq!(take(0, 1, 20_000), None, "the other unit has none");
    assert_eq!(take(1, 1, 20_000), Some(40_000.0));
    assert_eq!(take(0, 2, 0), None, "the other unit shows yesterday");
    assert_eq!(take(1, 2, 5), Some(5.0));
}
