//! The strings of panels: shade, abnormal chargers, and their voltage.

use std::time::Duration;

use crate::{bank, hours, status};

#[test]
fn shade_switch_reduces_power_of_its_string_only() {
    let clear = status(&bank(&["load=5000"]), 0);
    let shaded = status(&bank(&["load=5000&shade1=30"]), 0);
    let share = f64::from(shaded.pv1_power.0) / f64::from(clear.pv1_power.0);
    assert!((share - 0.7).abs() < 0.01, "{share}");
    assert_eq!(shaded.pv2_power, clear.pv2_power);
    let shaded = status(&bank(&["load=5000&shade2=100"]), 0);
    assert_eq!((shaded.pv2_power.0, shaded.pv2_voltage.0), (0, 0));
    assert_eq!(shaded.mppt2_status.0, 1);
    assert_eq!(shaded.pv1_power, clear.pv1_power);
}

#[test]
fn abnormal_charger_takes_no_power_and_its_string_has_open_circuit_voltage() {
    let bank = bank(&["load=5000&mppt2=abnormal", ""]);
    let (broken, normal) = (status(&bank, 0), status(&bank, 1));
    assert_eq!((broken.mppt1_status.0, broken.mppt2_status.0), (2, 0));
    assert_eq!(broken.pv2_power.0, 0);
    assert!(broken.pv1_power.0 > 2000);
    assert!(broken.pv2_voltage.0 > normal.pv2_voltage.0 + 300, "{broken:?}");
}

#[test]
fn panel_voltage_rises_when_less_power_is_needed() {
    let loaded = status(&bank(&["load=9000&soc=30"]), 0);
    let full = status(&bank(&["load=100&soc=100"]), 0);
    assert!(full.pv1_power.0 < loaded.pv1_power.0 / 4);
    assert!(full.pv1_voltage.0 > loaded.pv1_voltage.0 + 200, "{full:?}");
    assert!((2500..3700).contains(&loaded.pv1_voltage.0), "{loaded:?}");
}

#[test]
fn panel_voltage_is_zero_at_night_and_high_soon_after_dawn() {
    let mut bank = bank(&[]);
    bank.advance(hours(12));
    assert_eq!(status(&bank, 0).pv1_voltage.0, 0);
    // Dawn is at 5:45 on the second day.
    bank.advance(hours(17) + Duration::from_mins(30));
    assert!((2000..3300).contains(&status(&bank, 0).pv1_voltage.0));
}
