//! The units' clocks agree.

use std::time::Instant;

use lvx_settings::{HostClock, Settings, Window};
use pi18_proto::{AnyReply, Clock, DateTime};

use super::Rule;
use crate::{
    Finding, Reading, Severity, UnitSnapshot,
    case::{Case, each},
};

pub(super) static RULE: Rule = Rule::new(
    "clock",
    "clocks differ (clock_spread)",
    "PI18 2017 and 2022, \"T\", \"ACCT\", \"ACLT\": time windows go by the unit's clock",
    check,
);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let read = case.units.iter().filter_map(|unit| unit.clock.reading());
    let Some(reference) = read.map(|reading| reading.value.time).min() else { return Vec::new() };
    let ahead = |unit: &UnitSnapshot| ahead(unit.clock.reading()?, reference);
    let offsets = || case.units.iter().filter_map(|unit| ahead(unit));
    let found = offsets().max().unwrap_or(0) - offsets().min().unwrap_or(0);
    let most = case.thresholds().clock_spread;
    if found <= i64::from(most.0) {
        return Vec::new();
    }
    let values = each(&case.units, |unit| unit.clock.value().map(|clock| clock.time));
    let what = format!("clocks differ by {found} s, more than {most}");
    if case.units.iter().any(|unit| has_window(unit)) {
        let why = "the AC time windows go by each unit's own clock: the units take up and leave the grid \
                   at different times";
        return vec![
            RULE.tell(Severity::Warning, what, values, why)
                .advise(&["set the clocks (setting clock: host)"]),
        ];
    }
    let why = "energy is counted by each unit's own day; nothing else goes by the clock here";
    vec![
        RULE.tell(Severity::Info, what, values, why)
            .advise(&["set the clocks (setting clock: host)"]),
    ]
}

/// Seconds that a unit's clock was ahead of `reference`, had that been the time at the start.
fn ahead(clock: Reading<Clock>, reference: DateTime) -> Option<i64> {
    let start = Instant::now();
    let then = HostClock::new(start, reference).time(start.checked_add(clock.at)?)?;
    let mut settings = Settings::default();
    settings.take(&AnyReply::from(clock.value), Some(then));
    settings.clock.map(|offset| offset.seconds)
}

fn has_window(unit: &UnitSnapshot) -> bool {
    let settings = unit.settings();
    let windows = [settings.ac_charging_window, settings.ac_load_window];
    windows.into_iter().flatten().any(|Window { start, end }| start != end)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Date, DateTime, TimeOfDay};

    use crate::{Severity, UnitSnapshot, rules::testing::found};

    fn set(unit: &mut UnitSnapshot, minute: u8, second: u8) {
        let date = Date::new(2026, 6, 21).unwrap();
        unit.clock.value_mut().unwrap().time = DateTime::new(date, 12, minute, second).unwrap();
    }

    #[test]
    fn more_than_a_minute_is_told() {
        assert_eq!(found(|units| set(&mut units[1], 31, 1)), [("clock", Severity::Info)]);
        assert_eq!(found(|units| set(&mut units[1], 31, 0)), []);
        assert_eq!(found(|units| set(&mut units[0], 20, 0)), [("clock", Severity::Info)]);
    }

    #[test]
    fn it_matters_where_a_time_window_goes_by_it() {
        let found = found(|units| {
            set(&mut units[1], 50, 0);
            for unit in units {
                unit.ac_load_window.value_mut().unwrap().end = TimeOfDay::new(6, 0).unwrap();
            }
        });
        assert_eq!(found, [("clock", Severity::Warning)]);
    }

    #[test]
    fn the_time_between_two_readings_is_no_difference() {
        let found = found(|units| {
            set(&mut units[1], 32, 0);
            if let crate::Told::Said(reading) = &mut units[1].clock {
                reading.at = std::time::Duration::from_secs(100);
            }
        });
        assert_eq!(found, []);
    }
}
