//! Measured values: power factor, circulating power, the grid, and the state of charge.

use std::time::Duration;

use pi18_proto::GeneralStatus;

use crate::{bank, hours, status};

fn power_factor(status: &GeneralStatus) -> f64 {
    f64::from(status.active_power.0) / f64::from(status.apparent_power.0)
}

#[test]
fn power_factor_rises_with_the_load_unless_it_is_fixed() {
    let factor = |switches: &str| power_factor(&status(&bank(&[switches]), 0));
    let [night, evening] = ["load=250", "load=3000"].map(factor);
    assert!((0.8..0.9).contains(&night) && (0.94..0.98).contains(&evening), "{night} {evening}");
    assert!((factor("load=3000&power-factor=0.7") - 0.7).abs() < 0.01);
}

#[test]
fn circulating_power_is_apparent_in_all_units_and_active_in_none() {
    let clear = bank(&["units=3&load=900"]);
    let bank = bank(&["units=3&load=900", "circulating=1500"]);
    let all = [0, 1, 2].map(|unit| status(&bank, unit));
    assert!((1500..1700).contains(&all[1].apparent_power.0), "{:?}", all[1]);
    assert!((750..950).contains(&all[2].apparent_power.0), "{:?}", all[2]);
    assert!(power_factor(&all[1]) < 0.3);
    for (unit, found) in (0..).zip(&all) {
        let before = status(&clear, unit);
        assert_eq!(found.active_power, before.active_power);
        assert_eq!(found.charge_current, before.charge_current);
    }
}

#[test]
fn circulating_power_needs_a_second_running_unit() {
    let alone = status(&bank(&["load=900&circulating=1500", "fault=02"]), 0);
    assert!(alone.apparent_power.0 < 1000, "{alone:?}");
}

#[test]
fn output_offset_switch_shifts_the_output_voltage() {
    for switches in ["grid=off", "grid=on"] {
        let bank = bank(&[switches, "output-offset=-12"]);
        let [right, wrong] = [0, 1].map(|unit| status(&bank, unit).output_voltage.0);
        assert_eq!(right - wrong, 120, "{switches}");
    }
}

#[test]
fn generator_drifts_more_than_the_grid_and_with_its_load() {
    let range = |switches: &str| {
        let mut bank = bank(&[switches, switches]);
        let values = (0..360).map(|step| {
            bank.advance(Duration::from_secs(step * 10));
            let now = status(&bank, 0);
            assert_eq!(now.grid_voltage, status(&bank, 1).grid_voltage);
            (now.grid_voltage.0, now.grid_frequency.0)
        });
        let (volts, hertz): (Vec<_>, Vec<_>) = values.unzip();
        let spread = |all: &[u16]| (*all.iter().min().unwrap(), *all.iter().max().unwrap());
        (spread(&volts), spread(&hertz))
    };
    let load = "sun=0&output-priority=0&charger-priority=2&load=5000";
    let ((low, high), (slow, fast)) = range(&format!("grid=generator&{load}"));
    assert!(low >= 1140 && high <= 1260 && high - low > 30, "{low} to {high}");
    assert!(slow >= 585 && fast <= 630 && fast - slow > 6, "{slow} to {fast}");
    let (_, (_, idle)) = range("grid=generator&sun=0&charger-priority=2&load=0");
    assert!(idle > fast + 10, "{idle}");
    let ((low, high), (slow, fast)) = range(&format!("grid=on&{load}"));
    assert!(high - low <= 20 && fast - slow <= 2);
}

#[test]
fn soc_error_switch_shifts_the_shown_state_of_charge() {
    let bank = bank(&["soc=60&soc-error=-8", ""]);
    let shown = [0, 1].map(|unit| status(&bank, unit).battery_capacity.0);
    assert_eq!(shown, [52, 60]);
}

#[test]
fn estimates_drift_apart_until_a_full_charge() {
    let mut bank = bank(&["grid=off&soc=95&load=1500"]);
    let shown =
        |bank: &pi18_transport::sim::Bank| [0, 1].map(|unit| status(bank, unit).battery_capacity.0);
    bank.advance(hours(17));
    let [one, two] = shown(&bank);
    assert!(one < two && two - one <= 3, "{one} {two}");
    bank.switch(0, "soc=70").unwrap();
    assert_eq!(shown(&bank), [70, 70]);
}
