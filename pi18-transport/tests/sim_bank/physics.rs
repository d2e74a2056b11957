//! Simulated days: measured values are consistent, and do not depend on when they are read.

use std::time::Duration;

use pi18_proto::{AnyReply, Count, ParallelInstance, ParallelStatus, Query, WorkingMode};
use pi18_transport::sim::Bank;

use crate::{ask_at, bank, data, hours, status};

/// A quarter of an hour, in seconds.
const QUARTER: u64 = 15 * 60;

/// Runs the bank for two days, and calls `check` every quarter of an hour.
fn days(mut bank: Bank, mut check: impl FnMut(&Bank)) {
    for quarter in 0..2 * 96 {
        bank.advance(Duration::from_secs(quarter * QUARTER));
        check(&bank);
    }
}

/// Returns the reply of unit 0 to a query whose reply is one number.
fn number(bank: &Bank, query: &str) -> u32 {
    let query: Query = query.parse().unwrap();
    data(&bank.peek(0, query).unwrap()).parse().unwrap()
}

fn parallel_status(bank: &Bank, asked: usize, unit: u16) -> ParallelStatus {
    let instance = ParallelInstance::new(Count(unit)).unwrap();
    match bank.peek(asked, Query::ParallelStatus(instance)) {
        Some(AnyReply::ParallelStatus(status)) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn powers_without_grid_balance() {
    for switches in [
        "grid=off&soc=60",
        "grid=off&soc=60&load=6000",
        "grid=off&soc=99&load=100",
        "grid=off&units=1&soc=40",
    ] {
        days(bank(&[switches]), |bank| {
            for unit in 0..bank.units() {
                let now = status(bank, unit);
                let volts = now.battery_voltage.in_unit();
                let pv = f64::from(now.pv1_power.0 + now.pv2_power.0);
                let battery =
                    (f64::from(now.charge_current.0) - f64::from(now.discharge_current.0)) * volts;
                // MPPT chargers and inverter lose 2 and 7 %, and a running inverter uses 50 W itself. Up to half
                // an ampere is lost by rounding.
                let own_use = if now.output_voltage.0 > 0 { 50.0 } else { 0.0 };
                let used = (f64::from(now.active_power.0) + own_use) / 0.93;
                let rest = pv * 0.98 - used - battery;
                assert!((-35.0..=35.0).contains(&rest), "{switches}: {rest} W left of {now:?}");
            }
        });
    }
}

#[test]
fn values_are_in_range_and_directions_match() {
    for switches in [
        "",
        "grid=off",
        "load=9000",
        "soc=2&grid=off&sun=10",
        "soc=5&sun=0",
        "output-priority=0&charger-priority=1",
        "machine-type=1&soc=100",
        "rated=24",
    ] {
        days(bank(&[switches, switches]), |bank| {
            for unit in 0..2 {
                let now = status(bank, unit);
                let scale = if switches == "rated=24" { 2.0 } else { 1.0 };
                let volts = now.battery_voltage.in_unit() * scale;
                assert!((42.0..=56.6).contains(&volts), "{switches}: {volts} V");
                assert!(now.battery_capacity.0 <= 100);
                assert!(now.charge_current.0 <= 60, "{switches}: {now:?}");
                assert!(now.charge_current.0 == 0 || now.discharge_current.0 == 0);
                let direction = match (now.charge_current.0, now.discharge_current.0) {
                    (0, 0) => 0,
                    (_, 0) => 1,
                    _ => 2,
                };
                assert_eq!(now.battery_direction.0, direction);
                for (power, charger) in
                    [(now.pv1_power, now.mppt1_status), (now.pv2_power, now.mppt2_status)]
                {
                    assert_eq!(charger.0, if power.0 > 0 { 2 } else { 1 });
                }
                let load = now.apparent_power.0 * 100;
                let rated = if scale > 1.0 { 2400 } else { 6000 };
                assert!(load.abs_diff(u32::from(now.load_percent.0) * rated) <= rated, "{now:?}");
                assert!(now.active_power.0 <= now.apparent_power.0);
                if switches.contains("grid=off") {
                    assert_eq!((now.line_direction.0, now.grid_voltage.0), (0, 0));
                }
                if let Some(AnyReply::Mode(mode)) = bank.peek(unit, Query::Mode) {
                    let on =
                        [WorkingMode::BATTERY, WorkingMode::HYBRID].contains(&mode.working_mode);
                    assert_eq!(now.output_voltage.0 > 0, on);
                    assert_eq!(now.load_connection.0 == 1, on);
                    assert!(on || now.active_power.0 == 0);
                }
            }
        });
    }
}

#[test]
fn parallel_units_share_voltage_and_current() {
    days(bank(&[]), |bank| {
        let [one, two] = [0, 1].map(|unit| status(bank, unit));
        assert!(one.battery_voltage.0.abs_diff(two.battery_voltage.0) <= 2);
        assert!(one.charge_current.0.abs_diff(two.charge_current.0) <= 5);
    });
}

#[test]
fn parallel_status_equals_the_status_of_each_unit() {
    days(bank(&["units=3"]), |bank| {
        let all: Vec<_> = (0..3).map(|unit| status(bank, unit)).collect();
        for asked in 0..3 {
            for (unit, own) in (0..).zip(&all) {
                let shown = parallel_status(bank, asked, unit);
                assert_eq!(shown.battery_voltage, own.battery_voltage);
                assert_eq!(shown.battery_capacity, own.battery_capacity);
                assert_eq!(shown.active_power, own.active_power);
                assert_eq!(shown.pv2_power, own.pv2_power);
                assert_eq!(shown.line_direction, own.line_direction);
                let sum: u16 = all.iter().map(|status| status.charge_current.0).sum();
                assert_eq!(shown.total_charge_current.0, sum);
                let sum: u32 = all.iter().map(|status| status.apparent_power.0).sum();
                assert_eq!(shown.total_apparent_power.0, sum);
                let sum: u32 = all.iter().map(|status| status.active_power.0).sum();
                assert_eq!(shown.total_active_power.0, sum);
            }
        }
    });
}

#[test]
fn counters_never_fall_and_add_up() {
    let mut before = [0; 3];
    let mut bank = bank(&[]);
    for hour in 0..48 {
        bank.advance(hours(hour));
        let now = ["ET", "EY2026", "EM202606"].map(|query| number(&bank, query));
        assert!(now >= before && now[0] >= now[1] && now[1] >= now[2]);
        assert!(now[2] >= number(&bank, "ED20260621"));
        before = now;
    }
    let days: u32 = (1..=30).map(|day| number(&bank, &format!("ED202606{day:02}"))).sum();
    assert_eq!(days, number(&bank, "EM202606"));
    let months: u32 = (1..=12).map(|month| number(&bank, &format!("EM2026{month:02}"))).sum();
    assert_eq!(months, number(&bank, "EY2026"));
    let years: u32 = (2020..=2030).map(|year| number(&bank, &format!("EY{year}"))).sum();
    assert_eq!(years, number(&bank, "ET"));
    assert!(number(&bank, "ED20260615") > 5_000);
    assert_eq!(number(&bank, "ED20260701"), 0);
    assert_eq!(number(&bank, "EM202607"), 0);
}

#[test]
fn day_energy_equals_sum_of_power_over_time() {
    let mut bank = bank(&["frozen=off"]);
    let before = number(&bank, "ED20260621");
    let mut power = 0.0;
    for second in 0..3600 {
        bank.advance(Duration::from_secs(second));
        let now = status(&bank, 0);
        power += f64::from(now.pv1_power.0 + now.pv2_power.0) / 3600.0;
    }
    bank.advance(hours(1));
    let energy = f64::from(number(&bank, "ED20260621") - before);
    assert!((energy - power).abs() < 5.0, "{energy} Wh, {power} Wh");
}

#[test]
fn state_does_not_depend_on_how_often_it_is_read() {
    let all = |bank: &Bank| -> Vec<String> {
        let queries = Query::LIST.iter().map(|info| info.example.parse().unwrap());
        queries.map(|query| data(&bank.peek(1, query).unwrap())).collect()
    };
    let mut once = bank(&[]);
    once.advance(hours(9));
    let mut often = bank(&[]);
    for step in 0..7_000 {
        ask_at(&mut often, 1, "GS", Duration::from_millis(step * 4_321));
    }
    often.advance(hours(9));
    assert_eq!(all(&once), all(&often));
}

#[test]
fn modes_follow_sun_grid_and_battery() {
    let mode = |switches: &str, hour: u64| {
        let mut bank = bank(&[switches]);
        bank.advance(hours(hour));
        data(&bank.peek(0, Query::Mode).unwrap())
    };
    assert_eq!(mode("", 0), "05");
    assert_eq!(mode("", 10), "03");
    assert_eq!(mode("grid=off", 0), "03");
    assert_eq!(mode("output-priority=0", 10), "05");
    assert_eq!(mode("mode=06", 0), "06");
    assert_eq!(mode("fault=71&mode=06", 0), "04");
    assert_eq!(mode("grid=off&soc=1&sun=0", 1), "01");
    assert_eq!(mode("grid=off&soc=1&load=9000&sun=5", 1), "06");
    // At the re-charge voltage the grid supplies the load and, without sun, charges the battery.
    assert_eq!(mode("soc=3&sun=0", 1), "05");
}

#[test]
fn charging_ends_when_battery_is_full() {
    let mut bank = bank(&["soc=97&load=500&grid=off"]);
    bank.advance(hours(2));
    let now = status(&bank, 0);
    assert!(now.charge_current.0 <= 1, "{now:?}");
    assert!(now.pv1_power.0 < 300, "{now:?}");
}

#[test]
fn battery_offset_switch_shifts_the_measured_voltage() {
    let bank = bank(&["", "battery-offset=0.5"]);
    let difference = status(&bank, 1).battery_voltage.0 - status(&bank, 0).battery_voltage.0;
    assert!((4..=6).contains(&difference));
}

#[test]
fn gusts_with_the_same_seed_are_the_same() {
    let run = |seed: u32| {
        let mut bank = bank(&[&format!("gusts=50&seed={seed}&load=2000&sun=50")]);
        let powers = (0..60).map(|step| {
            bank.advance(Duration::from_secs(step * 10));
            let status = status(&bank, 0);
            (status.active_power.0, status.pv1_power.0)
        });
        powers.collect::<Vec<_>>()
    };
    let once = run(1);
    assert_eq!(once, run(1));
    assert_ne!(once, run(2));
    let loads: Vec<_> = once.iter().map(|(load, _)| *load).collect();
    assert!(loads.iter().all(|load| (500..=1000).contains(load)), "{loads:?}");
    assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() > 300, "{loads:?}");
}

#[test]
fn unit_without_battery_measures_zero() {
    let bank = bank(&["battery=off", ""]);
    let (without, with) = (status(&bank, 0), status(&bank, 1));
    assert_eq!((without.battery_voltage.0, without.charge_current.0), (0, 0));
    assert_eq!(without.battery_capacity.0, 0);
    assert!(with.battery_voltage.0 > 500 && with.charge_current.0 > 0);
}
