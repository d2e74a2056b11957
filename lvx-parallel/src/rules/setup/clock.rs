//! `clock`: the clocks of the units agree with each other, and with the computer that read them.
//!
//! The AC time windows follow the clock of each unit. If a unit has such a window, a difference is a
//! warning; otherwise it is reported as information, because only the energy counters depend on the clock.
//! The time between two readings is taken into account. A saved bank is compared with the time at which
//! it was read.
//!
//! Limits: `clock_spread` between units and `host_clock_spread` to the computer (both assumed).
//! Source: PI18 2017 and 2022, "T", "ACCT", "ACLT".

use std::time::Instant;

use lvx_settings::{HostClock, Settings, Window};
use pi18_proto::{AnyReply, Clock, DateTime};

use crate::{
    Finding, Reading, Severity, UnitSnapshot,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "clock",
    "clocks differ between units (clock_spread), or from the computer that read them (host_clock_spread)",
    "PI18 2017 and 2022, \"T\", \"ACCT\", \"ACLT\": time windows follow the clock of the unit; limits assumed",
    &[],
    check,
);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let read = context.units.iter().filter_map(|unit| unit.clock.reading());
    let Some(reference) = read.map(|reading| reading.value.time).min() else { return Vec::new() };
    let offsets = context.units.iter().filter_map(|unit| ahead(unit.clock.reading()?, reference));
    let (least, greatest) = (offsets.clone().min().unwrap_or(0), offsets.max().unwrap_or(0));
    let found = greatest - least;
    let max = context.thresholds().clock_spread;
    let what = if found > i64::from(max.0) {
        format!("clocks differ by {found} s, more than {max}")
    } else if context.units.iter().any(|unit| is_off(context, unit)) {
        "clocks differ from the computer that read them".to_owned()
    } else {
        return Vec::new();
    };
    let values = each(&context.units, |unit| {
        let time = unit.clock.value()?.time;
        let offset = host_offset(context, unit).filter(|_| is_off(context, unit)).map(relative);
        Some(format!("{time}{}", offset.unwrap_or_default()))
    });
    let (severity, why) = if context.units.iter().any(|unit| has_window(unit)) {
        let why = "the AC time windows follow the clock of each unit: the units use the grid at other \
                   times than they should";
        (Severity::Warning, why)
    } else {
        let why = "each unit counts its energy per day by its own clock; nothing else in this bank depends \
                   on the clocks";
        (Severity::Info, why)
    };
    let finding = RULE.finding(severity, what, values, why);
    vec![
        finding
            .advise(&["set the clocks to the time of the computer (`clock: host` in a profile)"]),
    ]
}

/// Returns whether the clock of a unit differs too much from the computer's.
fn is_off(context: &Context<'_>, unit: &UnitSnapshot) -> bool {
    let max = u64::from(context.thresholds().host_clock_spread.0);
    host_offset(context, unit).is_some_and(|offset| offset.unsigned_abs() > max)
}

/// Returns by how many seconds the clock of a unit was ahead of the computer's, if that is known.
fn host_offset(context: &Context<'_>, unit: &UnitSnapshot) -> Option<i64> {
    ahead(unit.clock.reading()?, context.started?.time())
}

/// Returns an offset as it is shown: ` (3 days behind the computer)`.
fn relative(offset: i64) -> String {
    let direction = if offset < 0 { "behind" } else { "ahead of" };
    let seconds = offset.unsigned_abs();
    let amount = match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    format!(" ({amount} {direction} the computer)")
}

/// Returns by how many seconds the clock of a unit was ahead, given that reading started at `reference`.
fn ahead(clock: Reading<Clock>, reference: DateTime) -> Option<i64> {
    let start = Instant::now();
    let then = HostClock::new(start, reference).time(start.checked_add(clock.at)?)?;
    let mut settings = Settings::default();
    settings.take(&AnyReply::from(clock.value), Some(then));
    settings.clock.map(|offset| offset.seconds)
}

fn has_window(unit: &UnitSnapshot) -> bool {
    let settings = unit.settings();
    let windows = [settings.ac_charge_window, settings.ac_load_window];
    windows.into_iter().flatten().any(|Window { start, end }| start != end)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Date, DateTime, TimeOfDay};

    use crate::{
        BankSnapshot, Severity, UnitSnapshot, check,
        rules::testing::{findings, found, healthy},
    };

    /// Returns the healthy bank, read at this time of the computer. The clocks of the units show 12:30.
    fn read_at(hour: u8, minute: u8, second: u8) -> BankSnapshot {
        let date = Date::new(2026, 6, 21).unwrap();
        let time = DateTime::new(date, hour, minute, second).unwrap();
        BankSnapshot { started: Some(time.into()), ..healthy() }
    }

    #[test]
    fn difference_to_computer_is_reported() {
        for healthy in [read_at(12, 35, 0), read_at(12, 25, 0), healthy()] {
            assert_eq!(findings(&healthy), []);
        }
        for (off, amount) in [
            (read_at(12, 35, 1), "5 min behind"),
            (read_at(12, 24, 59), "5 min ahead of"),
            (read_at(15, 30, 0), "3 h behind"),
        ] {
            assert_eq!(findings(&off), [("clock", Severity::Info)]);
            let expected = format!(
                "clocks differ from the computer that read them: \
                 sim:0 + sim:1 2026-06-21 12:30:00 ({amount} the computer)"
            );
            assert_eq!(check(&off).findings[0].to_string(), expected);
        }
    }

    #[test]
    fn clock_that_is_off_is_named() {
        let mut bank = read_at(12, 30, 0);
        set(&mut bank.units[1], 50, 0);
        assert_eq!(
            check(&bank).findings[0].to_string(),
            "clocks differ by 1200 s, more than 60 s: sim:0 2026-06-21 12:30:00, \
             sim:1 2026-06-21 12:50:00 (20 min ahead of the computer)"
        );
        assert_eq!(findings(&bank), [("clock", Severity::Info)]);
    }

    #[test]
    fn saved_bank_is_compared_with_time_of_reading() {
        let saved = read_at(12, 30, 0).to_yaml();
        assert_eq!(findings(&BankSnapshot::parse(&saved).unwrap()), []);
        let saved = saved.replace("started: \"2026-06-21 12", "started: \"2026-06-21 09");
        let later = BankSnapshot::parse(&saved).unwrap();
        assert_eq!(findings(&later), [("clock", Severity::Info)], "{saved}");
    }

    fn set(unit: &mut UnitSnapshot, minute: u8, second: u8) {
        let date = Date::new(2026, 6, 21).unwrap();
        unit.clock.value_mut().unwrap().time = DateTime::new(date, 12, minute, second).unwrap();
    }

    #[test]
    fn difference_beyond_one_minute_is_reported() {
        assert_eq!(found(|units| set(&mut units[1], 31, 1)), [("clock", Severity::Info)]);
        assert_eq!(found(|units| set(&mut units[1], 31, 0)), []);
        assert_eq!(found(|units| set(&mut units[0], 20, 0)), [("clock", Severity::Info)]);
    }

    #[test]
    fn difference_with_time_window_is_warning() {
        let found = found(|units| {
            set(&mut units[1], 50, 0);
            for unit in units {
                unit.ac_load_window.value_mut().unwrap().end = TimeOfDay::new(6, 0).unwrap();
            }
        });
        assert_eq!(found, [("clock", Severity::Warning)]);
    }

    #[test]
    fn time_between_readings_is_taken_into_account() {
        let found = found(|units| {
            set(&mut units[1], 32, 0);
            if let crate::Answer::Received(reading) = &mut units[1].clock {
                reading.at = std::time::Duration::from_secs(100);
            }
        });
        assert_eq!(found, []);
    }
}
