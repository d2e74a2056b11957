//! What queries answer.

use super::*;

/// Records an hour of readings every five seconds: PV power rises by a watt with each.
fn hour(bench: &Bench) -> Store {
    let (mut scene, mut store) = (Scene::new(), bench.store());
    for minute in 0..60 {
        for reading in 0..12 {
            let number = u16::try_from(minute * 12 + reading).unwrap();
            // Nothing is read from minute 20 to minute 30.
            if !(20..30).contains(&minute) {
                scene.read(minute * 60 + reading * 5, number);
            }
        }
        store.commit(&scene.take(minute * 60 + 59)).unwrap();
    }
    store
}

#[test]
fn gap_is_null_and_never_zero() {
    let bench = Bench::new();
    let _store = hour(&bench);
    let parameters = [
        ("series", "unit-1.pv_power,pv_power"),
        ("from", "1782000000"),
        ("to", "1782003600"),
        ("step", "5min"),
    ];
    let answer = bench.ask(&parameters, &TimeZone::UTC).unwrap();
    assert_eq!(answer.t.len(), 12);
    let unit = first(&answer);
    assert_eq!(
        (unit.mean[0], unit.min[0], unit.max[0], unit.count[0]),
        (Some(29.5), Some(0.0), Some(59.0), 60)
    );
    for gap in [4, 5] {
        assert_eq!(
            (unit.mean[gap], unit.min[gap], unit.max[gap], unit.count[gap]),
            (None, None, None, 0)
        );
    }
    assert_eq!(unit.mean[6], Some(389.5));
    assert_eq!(answer.series[1].mean[6], Some(779.0));
    assert_eq!((unit.unit.as_str(), unit.name.as_str()), ("W", "PV power"));
}

#[test]
fn csv_has_a_line_per_point_and_nothing_for_a_gap() {
    let bench = Bench::new();
    let _store = hour(&bench);
    let parameters =
        [("series", "pv_power"), ("from", "1782001200"), ("to", "1782001860"), ("step", "5min")];
    let answer = bench.ask(&parameters, &TimeZone::UTC).unwrap();
    assert_eq!(
        answer.csv(&TimeZone::UTC),
        "time,pv_power,pv_power_min,pv_power_max,pv_power_count\n\
         2026-06-21T00:20:00+00:00,,,,0\n\
         2026-06-21T00:25:00+00:00,,,,0\n\
         2026-06-21T00:30:00+00:00,779,720,838,60\n"
    );
}

#[test]
fn readings_are_answered_as_they_are() {
    let bench = Bench::new();
    let _store = hour(&bench);
    let parameters = [
        ("series", "unit-2.pv_power"),
        ("from", "1782000000"),
        ("to", "1782000011"),
        ("step", "raw"),
    ];
    let answer = bench.ask(&parameters, &TimeZone::UTC).unwrap();
    assert_eq!((answer.t, answer.step.as_str()), (vec![START, START + 5, START + 10], "raw"));
    assert_eq!(answer.series[0].mean, [Some(0.0), Some(1.0), Some(2.0)]);
    assert!(answer.series[0].count.is_empty());
}

#[test]
fn step_is_chosen_by_length_and_by_what_is_kept() {
    let bench = Bench::new();
    let mut store = hour(&bench);
    let step = |from: &str, to: &str| {
        bench.ask(&[("from", from), ("to", to)], &TimeZone::UTC).unwrap().step
    };
    assert_eq!(step("1782000000", "1782003600"), "10");
    assert_eq!(step("1782000000", "1782086400"), "60");
    assert_eq!(step("1752000000", "1782086400"), "21600");
    // Readings are removed bit by bit, statistics stay.
    let now = Timestamp::from_second(START + 3600).unwrap();
    let retention = Retention { raw: Duration::from_mins(30), keep: Duration::from_hours(24) };
    let count = |store: &Store| -> i64 {
        let sql = "SELECT count(*) FROM unit_raw";
        store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let before = count(&store);
    store.commit_and_prune(&Batch::default(), retention, now).unwrap();
    assert_eq!(count(&store), before - 2 * 60);
    for _ in 0..20 {
        store.commit_and_prune(&Batch::default(), retention, now).unwrap();
    }
    assert_eq!(count(&store), 2 * 12 * 30);
    assert_eq!(step("1782000000", "1782003600"), "300");
    assert_eq!(step("1782001800", "1782003600"), "10");
    let answer = bench.ask(
        &[("series", "pv_power"), ("from", "1782000000"), ("to", "1782003600")],
        &TimeZone::UTC,
    );
    assert_eq!(first(&answer.unwrap()).count[0], 60);
}

#[test]
fn day_has_its_energy_and_says_where_it_is_from() {
    let bench = Bench::new();
    let (mut scene, mut store) = (Scene::new(), bench.store());
    for second in (0..=3600).step_by(5) {
        scene.read(second, 1800);
        if second % 60 == 0 {
            store.commit(&scene.take(second)).unwrap();
        }
    }
    let parameters =
        [("series", "pv_power"), ("from", "2026-06-20"), ("to", "2026-06-22"), ("step", "day")];
    let answer = bench.ask(&parameters, &TimeZone::UTC).unwrap();
    let energy = first(&answer).energy.as_ref().unwrap();
    assert_eq!((answer.t.len(), energy.origin.as_str()), (2, "computed"));
    assert_eq!(energy.wh, [None, Some(3600.0)]);
    assert_eq!(energy.seconds, [None, Some(3600.0)]);
    let parameters = [("series", "pv_energy_today"), ("step", "1h")];
    let error = bench.ask(&parameters, &TimeZone::UTC).unwrap_err();
    assert_eq!(error, "pv_energy_today: expected the step day, found 3600");
}

#[test]
fn days_of_summer_time_have_23_and_25_hours() {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    for (day, next, hours) in [("2026-03-29", "2026-03-30", 23), ("2026-10-25", "2026-10-26", 25)] {
        let bench = Bench::new();
        let (mut scene, mut store) = (Scene::new(), bench.store());
        let day_start = day.parse::<jiff::civil::Date>().unwrap().to_zoned(zone.clone()).unwrap();
        let day_start = day_start.timestamp();
        scene.start.wall = day_start - jiff::SignedDuration::from_hours(1);
        // A reading at the start of each hour, from an hour before the day to an hour after it.
        for hour in 0..=hours + 1 {
            scene.read(hour * 3600, 100);
            let batch = scene.recorder.take(scene.at(hour * 3600), &zone);
            store.commit(&batch).unwrap();
        }
        let parameters = [("series", "pv_power"), ("from", day), ("to", next), ("step", "day")];
        let answer = bench.ask(&parameters, &zone).unwrap();
        assert_eq!(answer.t, [day_start.as_second()], "{day}");
        assert_eq!(first(&answer).count, [i64::try_from(hours).unwrap()], "{day}");
        let count = i64::try_from(hours).unwrap();
        let [before, after] = [-24, count + 36].map(|hours| {
            let time = day_start + jiff::SignedDuration::from_hours(hours);
            time.to_zoned(zone.clone()).date().to_string()
        });
        let parameters =
            [("series", "pv_power"), ("from", &*before), ("to", &*after), ("step", "day")];
        let answer = bench.ask(&parameters, &zone).unwrap();
        assert_eq!(first(&answer).count.get(..3), Some(&[1, count, 1][..]));
        // Steps within the day count hours as they pass.
        let parameters = [("series", "pv_power"), ("from", day), ("to", next), ("step", "1h")];
        let answer = bench.ask(&parameters, &zone).unwrap();
        assert_eq!(answer.t.len(), usize::try_from(hours).unwrap(), "{day}");
        assert!(first(&answer).count.iter().all(|count| *count == 1), "{day}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_name() {
    let bench = Bench::new();
    let _store = hour(&bench);
    for (series, expected) in [
        ("nothing", "series: nothing: expected a value that is recorded"),
        ("unit-9.load", "series: unit-9.load: nothing was recorded of this unit"),
        ("unit-1.mode", "series: unit-1.mode: expected a value that is recorded"),
    ] {
        let error = bench.ask(&[("series", series)], &TimeZone::UTC).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    let reader = Reader::open(&bench.path).unwrap();
    assert_eq!(reader.banks().unwrap(), ["garage"]);
    let query = Query::parse([], Timestamp::from_second(START).unwrap(), &TimeZone::UTC).unwrap();
    let error = reader.answer("cabin", &query, &TimeZone::UTC).unwrap_err();
    assert_eq!(error.to_string(), "bank cabin: nothing was recorded yet");
}

#[test]
fn unit_is_found_by_its_serial_number_after_it_got_another_name() {
    let bench = Bench::new();
    let _store = hour(&bench);
    let parameters =
        [("series", "96132206100411.pv_power"), ("from", "1782000000"), ("to", "1782000300")];
    assert_eq!(first(&bench.ask(&parameters, &TimeZone::UTC).unwrap()).count[0], 2);
}

#[test]
fn answer_survives_json() {
    let bench = Bench::new();
    let _store = hour(&bench);
    let answer = bench.ask(&[("step", "day"), ("from", "2026-06-20")], &TimeZone::UTC).unwrap();
    let json = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
}

#[test]
fn answer_that_takes_too_long_is_given_up() {
    let bench = Bench::new();
    let _store = hour(&bench);
    let now = Timestamp::from_second(START + 3600).unwrap();
    let parameters = [("from", "-1h"), ("step", "1min")];
    let query = Query::parse(parameters, now, &TimeZone::UTC).unwrap();
    let ask = |deadline| -> Result<Answer, ReadError> {
        Reader::open_until(&bench.path, deadline)?.answer("garage", &query, &TimeZone::UTC)
    };
    let start = std::time::Instant::now();
    let error = ask(start).unwrap_err();
    assert!(matches!(error, ReadError::File(HistoryError::TooLong { .. })), "{error}");
    ask(start + Duration::from_hours(1)).unwrap();
}

#[test]
fn mean_has_two_digits_more_than_a_reading() {
    let bench = Bench::new();
    let (mut scene, mut store) = (Scene::new(), bench.store());
    for (second, watts) in [(0, 100), (5, 100), (10, 101)] {
        scene.read(second, watts);
    }
    store.commit(&scene.take(15)).unwrap();
    let parameters = [("series", "unit-1.pv_power"), ("from", "1782000000"), ("step", "5min")];
    let answer = bench.ask(&parameters, &TimeZone::UTC).unwrap();
    assert_eq!(first(&answer).mean[0], Some(100.33));
}
