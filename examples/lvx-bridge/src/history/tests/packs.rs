//! Battery packs in the file.

use super::*;
use crate::history::series::{Subject, recorded};

/// Lets a pack be measured each ten seconds for some minutes, with 53.76 V and -4.36 A.
fn record(store: &mut Store, minutes: u64) {
    let mut scene = Scene::new();
    for minute in 0..minutes {
        for reading in 0..12 {
            let second = minute * 60 + reading * 5;
            if reading % 2 == 0 {
                let now = scene.at(second);
                scene.bank.packs = vec![Arc::new(testing::pack("pack-1", now))];
            }
            scene.read(second, 1000);
        }
        store.commit(&scene.take(minute * 60 + 59)).unwrap();
    }
}

#[test]
fn pack_is_recorded_once_per_measurement_and_read_by_its_name() {
    let bench = Bench::new();
    record(&mut bench.store(), 10);
    let series = ("series", "pack-1.voltage,pack-1.current,unit-1.pv_power,pack-1.state_of_charge");
    let times = [series, ("from", "1782000000"), ("to", "1782000600")];
    let answer = bench.ask(&[&times[..], &[("step", "5min")]].concat(), &TimeZone::UTC).unwrap();
    let means: Vec<_> = answer.series.iter().map(|one| one.mean[1].unwrap()).collect();
    assert_eq!(means, [53.76, -4.36, 1000.0, 91.0]);
    assert_eq!(answer.series[0].count[0], 30);
    assert_eq!((answer.series[0].unit.as_str(), answer.series[0].name.as_str()), ("V", "Voltage"));
    let raw = bench.ask(&[&times[..], &[("step", "raw")]].concat(), &TimeZone::UTC).unwrap();
    assert_eq!(raw.series[1].mean.iter().flatten().count(), 60);
    let error = bench.ask(&[("series", "pack-2.voltage")], &TimeZone::UTC).unwrap_err();
    assert!(error.contains("nothing was recorded of this unit or pack"), "{error}");
}

#[test]
fn energy_of_a_pack_is_integrated_between_its_measurements() {
    let bench = Bench::new();
    record(&mut bench.store(), 60);
    let parameters =
        [("series", "pack-1.power"), ("from", "2026-06-21"), ("to", "2026-06-22"), ("step", "day")];
    let answer = bench.ask(&parameters, &TimeZone::UTC).unwrap();
    let energy = first(&answer).energy.as_ref().unwrap();
    // -234 W for an hour, without the ten seconds after the last measurement.
    let negative = energy.negative_wh[0].unwrap();
    assert!((negative - 234.0 * 3590.0 / 3600.0).abs() < 0.1, "{negative}");
}

#[test]
fn single_cells_are_not_recorded() {
    let keys: Vec<_> = recorded(Subject::Pack).iter().map(|series| series.key).collect();
    assert!(keys.contains(&"highest_cell_voltage"), "{keys:?}");
    assert!(!keys.iter().any(|key| key.ends_with("_voltage") && key.starts_with("cell_")));
}
