//! Which readings are recorded.

use jiff::SignedDuration;

use super::*;
use crate::history::{
    batch::{DayEnergy, Part, SPANS},
    series::{Subject, recorded},
};

/// Returns the readings of a series of the first unit: time since the start, and value.
fn readings(batch: &Batch, key: &str) -> Vec<(i64, Option<i64>)> {
    let index = recorded(Subject::Unit).iter().position(|series| series.key == key).unwrap();
    let part = unit_part(batch);
    part.raw.iter().map(|(t, values)| (t - START, values[index])).collect()
}

fn unit_part(batch: &Batch) -> &Part {
    batch.parts.iter().find(|part| part.source.unit.is_some()).unwrap()
}

#[test]
fn reading_is_taken_once_and_only_while_it_is_fresh() {
    let mut scene = Scene::new();
    scene.read(5, 1000);
    // The same reading again, in a new snapshot of the unit.
    let later = scene.at(9);
    for unit in &mut scene.bank.units {
        Arc::make_mut(unit).link.counts.exchanges += 1;
    }
    scene.recorder.observe(&scene.bank, later);
    scene.read(10, 1100);
    // A reading that was seen only after it became stale.
    let now = scene.at(15);
    for unit in &mut scene.bank.units {
        set_power(Arc::make_mut(unit), 1200, now);
    }
    let late = scene.at(31);
    scene.recorder.observe(&scene.bank, late);
    let batch = scene.take(60);
    assert_eq!(readings(&batch, "pv_power"), [(5, Some(1000)), (10, Some(1100))]);
    assert!(scene.take(120).is_empty());
}

#[test]
fn unit_that_failed_and_sum_that_is_absent_leave_a_gap() {
    let mut scene = Scene::new();
    scene.read(5, 1000);
    let gap = lvx_parallel::Gap::new(lvx_parallel::Reason::Silent, "no answer");
    for unit in &mut scene.bank.units {
        status(Arc::make_mut(unit)).failure = Some(gap.clone());
    }
    let now = scene.at(40);
    scene.bank.totals.pv_power = None;
    (scene.bank.now, scene.bank.judged_at) = (now, Some(now.instant));
    scene.recorder.observe(&scene.bank, now);
    let batch = scene.take(60);
    assert_eq!(readings(&batch, "pv_power"), [(5, Some(1000))]);
    let bank = batch.parts.iter().find(|part| part.source.unit.is_none()).unwrap();
    let index = recorded(Subject::Bank).iter().position(|one| one.key == "pv_power").unwrap();
    let values: Vec<_> = bank.raw.values().map(|values| values[index]).collect();
    // At 40 s, the bank was judged: other values are there, and this one is not zero.
    assert_eq!(values.iter().flatten().collect::<Vec<_>>(), [&2000]);
}

#[test]
fn statistics_are_those_of_whole_spans() {
    let mut scene = Scene::new();
    for (second, watts) in [(0, 1000), (150, 1300), (299, 1003), (300, 7)] {
        scene.read(second, watts);
    }
    let batch = scene.take(300);
    let index = recorded(Subject::Unit).iter().position(|one| one.key == "pv_power").unwrap();
    let [five, hours] = &unit_part(&batch).spans;
    let stats = five[&START][index];
    assert_eq!((stats.count, stats.min, stats.max, stats.sum), (3, 1000, 1300, 3303));
    assert_eq!(five[&(START + SPANS[0].seconds)][index].max, 7);
    assert_eq!((hours.len(), hours[&START][index].count), (1, 4));
}

#[test]
fn power_is_integrated_between_readings_without_a_gap() {
    let mut scene = Scene::new();
    // 3600 W for 10 s are 10 Wh. Between 10 s and 60 s, nothing was read.
    for second in [0, 5, 10, 60, 65] {
        scene.read(second, 3600);
    }
    let batch = scene.take(70);
    let day = "2026-06-21".parse().unwrap();
    let energy = unit_part(&batch).days[&(day, "pv_power")];
    let (positive, covered) = (15 * 3600 * 1000, 15_000);
    assert_eq!(energy, DayEnergy::Computed { positive, negative: 0, covered });
}

#[test]
fn clock_that_is_set_before_the_commit_counts() {
    let mut scene = Scene::new();
    scene.read(5, 1000);
    let now = scene.at(60);
    // The clock was a day behind.
    let now = Now { wall: now.wall + SignedDuration::from_hours(24), ..now };
    let batch = scene.recorder.take(now, &TimeZone::UTC);
    assert_eq!(readings(&batch, "pv_power"), [(86_405, Some(1000))]);
    // A clock that is not set at all holds everything back.
    scene.read(65, 1000);
    let unset = Now { wall: Timestamp::UNIX_EPOCH, ..scene.at(70) };
    assert!(scene.recorder.take(unset, &TimeZone::UTC).is_empty());
    assert_eq!(readings(&scene.take(120), "pv_power"), [(65, Some(1000))]);
}

#[test]
fn readings_before_a_suspend_keep_their_times_and_the_suspend_is_a_gap() {
    let mut scene = Scene::new();
    scene.read(5, 3600);
    scene.read(10, 3600);
    // The monotonic clock does not count the hour.
    scene.recorder.add_suspend(Duration::from_hours(1));
    scene.start.wall += SignedDuration::from_hours(1);
    scene.read(15, 3600);
    let batch = scene.take(20);
    let times: Vec<_> = readings(&batch, "pv_power").into_iter().map(|(t, _)| t).collect();
    assert_eq!(times, [5, 10, 3615]);
    let day = "2026-06-21".parse().unwrap();
    let energy = unit_part(&batch).days[&(day, "pv_power")];
    let (positive, covered) = (5 * 3600 * 1000, 5000);
    assert_eq!(energy, DayEnergy::Computed { positive, negative: 0, covered });
}

#[test]
fn counter_of_the_day_belongs_to_the_day_of_the_unit() {
    let mut scene = Scene::new();
    let set = |scene: &mut Scene, second: u64, (year, month, day): (u16, u8, u8), wh: u64| {
        let now = scene.at(second);
        for unit in &mut scene.bank.units {
            let unit = Arc::make_mut(unit);
            let mut held = status(unit).clone();
            held.query = Question::DayEnergy(pi18_proto::Date::new(year, month, day).unwrap());
            held.reply.as_mut().unwrap().1 = now.instant;
            unit.held.retain(|held| !matches!(held.query, Question::DayEnergy(_)));
            unit.held.push(held);
            unit.energy.pv_today = Some(wh);
        }
        scene.bank.now = now;
        scene.bank.judged_at = Some(now.instant);
        scene.recorder.observe(&scene.bank, now);
    };
    // The clock of the unit is behind: its day ends later than that of the computer.
    set(&mut scene, 10, (2026, 6, 20), 9000);
    set(&mut scene, 20, (2026, 6, 21), 0);
    set(&mut scene, 30, (2026, 6, 21), 40);
    // A unit whose clock is not set.
    set(&mut scene, 40, (2020, 1, 1), 7);
    let batch = scene.take(60);
    let days: Vec<_> = unit_part(&batch)
        .days
        .iter()
        .filter(|((_, key), _)| *key == "pv_energy_today")
        .map(|((day, _), energy)| (day.to_string(), *energy))
        .collect();
    let counter = |wh, second| DayEnergy::Counter { wh, at: START + second };
    let expected =
        [("2026-06-20".to_owned(), counter(9000, 10)), ("2026-06-21".to_owned(), counter(40, 30))];
    assert_eq!(days, expected);
    let bank = batch.parts.iter().find(|part| part.source.unit.is_none()).unwrap();
    let day = "2026-06-21".parse().unwrap();
    assert_eq!(bank.days[&(day, "pv_energy_today")], counter(80, 30));
}

#[test]
fn readings_that_cannot_be_written_are_bounded_and_counted() {
    let mut scene = Scene::new();
    for second in 0..1000 {
        scene.read(second, 1000);
    }
    // Two units and the bank.
    assert_eq!(scene.recorder.lost(), 3 * 100);
    assert_eq!(scene.take(1000).readings(), 3 * 900);
}

#[test]
fn readings_of_many_sources_that_wait_are_bounded_together() {
    let mut scene = Scene::new();
    for number in 0..60 {
        scene.bank.bank = format!("bank-{number}").parse().unwrap();
        scene.read(number, 1000);
    }
    // 180 sources.
    for second in 60..260 {
        scene.read(second, 1000);
    }
    let lost = scene.recorder.lost();
    assert!(lost > 0);
    let readings = scene.take(300).readings();
    assert_eq!(readings, 3 * (60 + 200) - usize::try_from(lost).unwrap());
    // Of the last bank, which goes on, as many as for each of 180.
    assert_eq!(readings, 3 * (59 + 20_000 / 180));
}
