//! The charge of the battery: bulk and float, shares of the units, the BMS, and units without a battery.

use std::time::Duration;

use pi18_proto::Query;
use pi18_transport::sim::Bank;

use crate::{ask_at, bank, data, hours, status};

fn mode(bank: &Bank, unit: usize) -> String {
    data(&bank.peek(unit, Query::Mode).unwrap())
}

/// Returns the voltage and the charge currents of both units.
fn charge(bank: &Bank) -> (f64, [u16; 2]) {
    let [one, two] = [0, 1].map(|unit| status(bank, unit));
    (one.battery_voltage.in_unit(), [one.charge_current.0, two.charge_current.0])
}

/// Advances the bank by a minute at a time until `is_reached`, and returns the minutes.
#[track_caller]
fn minutes_until(bank: &mut Bank, from: u64, is_reached: impl Fn(&Bank) -> bool) -> u64 {
    let reached = (from..from + 24 * 60).find(|minute| {
        bank.advance(Duration::from_secs(minute * 60));
        is_reached(bank)
    });
    reached.unwrap_or_else(|| panic!("not within a day: {:?}", status(bank, 0)))
}

#[test]
fn charge_tapers_at_bulk_voltage_then_floats() {
    for bulk in ["55.2", "56.4", "57.6"] {
        let target: f64 = bulk.parse().unwrap();
        let switches = format!("bulk={bulk}&soc=80&load=0&clock=2026-06-21T08:00:00");
        let mut bank = bank(&[&switches, &switches]);
        let full = minutes_until(&mut bank, 0, |bank| charge(bank).0 > target - 0.15);
        assert!(charge(&bank).1[0] > 20, "{bulk}: {:?}", charge(&bank));
        let end = minutes_until(&mut bank, full, |bank| charge(bank).1 == [0, 0]);
        assert!((10..240).contains(&(end - full)), "{bulk}: {} minutes", end - full);
        assert!(status(&bank, 0).battery_capacity.0 >= 97, "{bulk}: {:?}", status(&bank, 0));
        // The battery rests, or is held at the float voltage with less than two amperes.
        for minute in end..end + 120 {
            bank.advance(Duration::from_secs(minute * 60));
            let (volts, currents) = charge(&bank);
            assert!(
                volts <= target + 0.1 && currents.iter().sum::<u16>() <= 2,
                "{volts} {currents:?}"
            );
        }
        let (volts, _) = charge(&bank);
        assert!((53.8..=55.6).contains(&volts), "{bulk}: {volts} V");
    }
}

#[test]
fn full_battery_supplies_a_load_without_collapse() {
    for soc in [95, 98, 100] {
        let mut bank = bank(&[&format!("soc={soc}&sun=0&grid=off&load=2000")]);
        for minute in 0..30 {
            bank.advance(Duration::from_secs(minute * 60));
            assert_eq!(mode(&bank, 0), "03", "{soc} %, minute {minute}");
            assert!(charge(&bank).0 > 51.0, "{soc} %, minute {minute}: {:?}", charge(&bank));
        }
    }
    // Full after a charge, then a load without sun.
    let mut bank = bank(&["soc=97&load=0&grid=off"]);
    let full = minutes_until(&mut bank, 0, |bank| charge(bank).1 == [0, 0]);
    bank.switch(0, "sun=0").unwrap();
    bank.switch(0, "load=2500").unwrap();
    for minute in full..full + 30 {
        bank.advance(Duration::from_secs(minute * 60));
        assert!(charge(&bank).0 > 51.0, "{:?}", charge(&bank));
    }
}

#[test]
fn share_of_a_shaded_unit_goes_to_the_other() {
    let at_taper = |switches: &str| {
        let mut bank = bank(&["soc=95&load=0", switches]);
        let full = minutes_until(&mut bank, 0, |bank| charge(bank).0 > 56.2);
        bank.advance(Duration::from_secs((full + 1) * 60));
        charge(&bank).1
    };
    let [one, two] = at_taper("");
    assert!(one > 15 && one.abs_diff(two) <= 1, "{one} A, {two} A");
    let [alone, limited] = at_taper("max-charge=10");
    assert!(limited <= 10 && alone > limited + 10, "{alone} A, {limited} A");
}

#[test]
fn larger_voltage_at_the_end_of_a_cable_follows_its_current() {
    let bank = bank(&["cable=0&load=0", "cable=10"]);
    let (one, [_, current]) = charge(&bank);
    let two = status(&bank, 1).battery_voltage.in_unit();
    let drop = f64::from(current) * 0.010;
    assert!((two - one - drop).abs() < 0.2, "{one} V, {two} V, {drop} V");
}

#[test]
fn sharing_error_divides_the_load_unequally() {
    let bank = bank(&["load=1100&share=1.2"]);
    let powers = [0, 1].map(|unit| status(&bank, unit).active_power.0);
    assert_eq!(powers, [600, 500]);
}

#[test]
fn open_bms_curtails_the_sun_and_lets_the_voltage_jump() {
    let mut bank = bank(&["load=1000&bms=open&grid=off"]);
    bank.advance(hours(1));
    for unit in 0..2 {
        let now = status(&bank, unit);
        assert_eq!((now.charge_current.0, now.discharge_current.0), (0, 0));
        assert!(now.battery_voltage.in_unit() > 57.5, "{now:?}");
        assert!(now.pv1_power.0 + now.pv2_power.0 < 700 && now.active_power.0 == 500);
        assert_eq!(mode(&bank, unit), "03");
    }
    // Without enough sun the voltage collapses, and the outputs are off.
    bank.switch(0, "load=11000").unwrap();
    assert_eq!((mode(&bank, 0), status(&bank, 0).active_power.0), ("04".to_owned(), 0));
    bank.switch(0, "sun=0").unwrap();
    assert_eq!(status(&bank, 0).battery_voltage.0, 0);
    bank.switch(0, "grid=on").unwrap();
    assert_eq!(mode(&bank, 0), "02");
    bank.switch(0, "load=1000").unwrap();
    bank.switch(0, "bms=closed").unwrap();
    assert!(status(&bank, 0).battery_voltage.in_unit() > 51.0);
}

#[test]
fn bms_opens_when_a_cell_is_overcharged() {
    let mut bank = bank(&["bulk=58.4&soc=97&load=0", "bulk=58.4"]);
    let opened = minutes_until(&mut bank, 0, |bank| charge(bank).0 > 59.0);
    assert_eq!(charge(&bank).1, [0, 0]);
    bank.advance(Duration::from_secs(opened * 60 + 600));
    assert!(charge(&bank).0 > 59.0);
    // It closes after the battery was discharged.
    bank.switch(0, "soc=90").unwrap();
    assert!(charge(&bank).0 < 56.0, "{:?}", charge(&bank));
}

#[test]
fn unit_without_battery_supplies_what_the_sun_gives() {
    let mut bank = bank(&["battery=off&grid=off&load=3000&sun=20", ""]);
    let powers = [0, 1].map(|unit| status(&bank, unit).active_power.0);
    assert!(powers[0] < 1100 && powers[0] + powers[1] == 3000, "{powers:?}");
    assert_eq!(mode(&bank, 0), "03");
    bank.switch(0, "sun=0").unwrap();
    assert_eq!((mode(&bank, 0), status(&bank, 1).active_power.0), ("01".to_owned(), 3000));
}

#[test]
fn bank_without_any_battery_stops_when_the_sun_is_too_weak() {
    let mut bank = bank(&["battery=off&grid=off&load=3000", "battery=off"]);
    assert_eq!(status(&bank, 0).active_power.0, 1500);
    bank.switch(0, "sun=20").unwrap();
    assert_eq!(status(&bank, 0).active_power.0, 0);
    assert_eq!(mode(&bank, 0), "01");
    bank.switch(0, "grid=on").unwrap();
    assert_eq!((mode(&bank, 0), status(&bank, 0).active_power.0), ("05".to_owned(), 1500));
}

#[test]
fn disconnected_unit_in_a_kept_mode_no_longer_discharges_the_battery() {
    let mut bank = bank(&["units=1&mode=05&grid=off&sun=0&load=2000"]);
    assert!(status(&bank, 0).discharge_current.0 > 30);
    let before = status(&bank, 0).battery_capacity.0;
    bank.switch(0, "battery=off").unwrap();
    bank.advance(hours(2));
    bank.switch(0, "load=0").unwrap();
    bank.switch(0, "battery=on").unwrap();
    assert_eq!(status(&bank, 0).battery_capacity.0, before);
}

#[test]
fn unit_without_battery_stays_off_if_the_sun_does_not_cover_its_own_use() {
    let bank =
        bank(&["battery=off&grid=off&load=0&sun=20&standby-use=500&clock=2026-06-21T07:00:00"]);
    let now = status(&bank, 0);
    assert_eq!((mode(&bank, 0), now.output_voltage.0), ("01".to_owned(), 0), "{now:?}");
}

#[test]
fn unit_without_battery_waits_for_its_time_window_in_standby() {
    let mut bank = bank(&["units=1&battery=off&sun=0&load=500"]);
    assert_eq!(mode(&bank, 0), "02");
    assert_eq!(ask_at(&mut bank, 0, "ACLT0100,0200", Duration::ZERO), "^1");
    bank.advance(Duration::from_secs(20));
    let mut modes = Vec::new();
    for step in 2..120 {
        bank.advance(Duration::from_secs(step * 10));
        modes.push(mode(&bank, 0));
    }
    assert!(modes.iter().all(|mode| mode == "01"), "{modes:?}");
}
