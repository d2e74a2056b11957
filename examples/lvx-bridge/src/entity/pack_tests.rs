//! The rows of packs, compared with the fields of the measurements.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use lvx_parallel::pack::{Live, Registers, Scales};

use super::{Entity, Kind, PACK, Source, tests::check};
use crate::{
    Now,
    state::{Datum, PackView, Value},
    testing,
};

fn now() -> Now {
    Now {
        instant: Instant::now() + Duration::from_mins(1),
        wall: "2026-06-01T12:00:00Z".parse().unwrap(),
    }
}

#[track_caller]
fn value(pack: &PackView, key: &str, now: Now) -> Value {
    PACK.iter().find(|row| row.key == key).unwrap().value(pack, now)
}

#[test]
fn each_row_of_a_pack_fits_the_field_of_its_measurements() {
    let now = now();
    let (live, _) = testing::pack("a", now).live.unwrap();
    for row in PACK {
        check(row);
        let Source::Live(key, read) = row.source else { continue };
        let (_, text) = live.values().into_iter().find(|(field, _)| field.key == key).unwrap();
        let datum = read(&live).unwrap_or_else(|| panic!("{}: no value", row.key));
        if let Datum::Quantity { decimals, unit, .. } = datum {
            assert_eq!((row.decimals, row.unit), (decimals, unit), "{}", row.key);
            assert!(!matches!(row.kind, Kind::Text | Kind::Flag | Kind::Enum), "{}", row.key);
        } else {
            assert_eq!(row.kind, Kind::Text, "{}", row.key);
        }
        // Cells, sensors and their extremes are parts of a field.
        if !matches!(key, "cells" | "sensors") {
            assert_eq!(datum.to_string().trim_end(), text, "{}", row.key);
        }
    }
}

#[test]
fn each_field_of_the_measurements_has_a_row() {
    let of_rows: BTreeSet<_> = PACK
        .iter()
        .filter_map(|row| match row.source {
            Source::Live(key, _) => Some(key),
            _ => None,
        })
        .collect();
    let fields: BTreeSet<_> = Live::FIELDS.iter().map(|field| field.key).collect();
    assert_eq!(of_rows, fields);
}

#[test]
fn home_assistant_shows_cells_only_when_asked() {
    let is_cell = |row: &&Entity<PackView>| row.key.starts_with("cell_") && row.unit == "V";
    assert_eq!(PACK.iter().filter(is_cell).filter(|row| !row.enabled).count(), 16);
    let enabled: Vec<_> = PACK.iter().filter(|row| row.enabled).map(|row| row.key).collect();
    assert_eq!(
        enabled,
        [
            "voltage",
            "current",
            "power",
            "state_of_charge",
            "highest_cell_voltage",
            "lowest_cell_voltage",
            "cell_voltage_spread",
            "board_temperature",
            "temperature_1",
            "temperature_2",
            "status",
            "warnings",
            "protections",
        ]
    );
}

#[test]
fn values_are_those_of_the_published_frame() {
    let now = now();
    let pack = testing::pack("a", now);
    for (key, expected) in [
        ("voltage", "53.76 V"),
        ("current", "-4.36 A"),
        ("power", "-234 W"),
        ("state_of_charge", "91 %"),
        ("remaining_charge", "90.00 Ah"),
        ("max_charge_current", "50.00 A"),
        ("highest_cell_voltage", "3.361 V"),
        ("lowest_cell_voltage", "3.359 V"),
        ("cell_voltage_spread", "2 mV"),
        ("cell_8_voltage", "3.361 V"),
        ("sensor_4_temperature", "20 °C"),
        ("status", "discharging"),
        ("protections", "none"),
        ("full_capacity", "100.000 Ah"),
        ("design_capacity", "100.0 Ah"),
        ("model", "LFP-51.2V100Ah-V1.0"),
        ("firmware", "Z03T21"),
    ] {
        let value = value(&pack, key, now);
        assert_eq!(value.fresh().unwrap().to_string(), expected, "{key}");
    }
}

#[test]
fn value_without_a_known_scale_is_absent() {
    let now = now();
    let mut pack = testing::pack("a", now);
    let registers = pack.live.unwrap().0.to_registers();
    let registers = Registers::new(0, registers.words().to_vec());
    pack.live = Some((Live::from_registers(&registers, &Scales::UNKNOWN).unwrap(), now.instant));
    for key in ["current", "power", "remaining_charge", "max_charge_current"] {
        assert_eq!(value(&pack, key, now), Value::Absent, "{key}");
    }
    assert_eq!(value(&pack, "voltage", now).status(), "fresh");
}

#[test]
fn values_of_a_pack_are_as_old_as_its_measurements() {
    let now = now();
    let mut pack = testing::pack("a", now);
    let after = |seconds| Now { instant: now.instant + Duration::from_secs(seconds), ..now };
    assert_eq!(value(&pack, "voltage", after(30)).status(), "fresh");
    assert_eq!(value(&pack, "power", after(31)).status(), "stale");
    assert_eq!(value(&pack, "model", after(31)).status(), "fresh");
    let gap = lvx_parallel::Gap::new(lvx_parallel::Reason::Silent, "");
    pack.failure = Some(gap);
    assert_eq!(value(&pack, "voltage", after(30)).status(), "fresh");
    assert_eq!(value(&pack, "voltage", after(31)).status(), "failed");
}
