//! `clock`: the clocks of the units agree with each other, and with the computer that read them.
//!
//! The AC time windows follow the clock of each unit. If a unit has such a window and its clock shifts it, a
//! difference is a warning. A clock that is a day or more off is a warning too: it was lost or never set, and the
//! unit counts its energy on wrong days. Any other difference is information. The time between two readings is
//! taken into account. A saved bank is compared with the time at which it was read.
//!
//! The virtual bank has a day of its own, in June 2026. A difference between this day and the computer is
//! information.
//!
//! Limits: `clock_spread` between units and `host_clock_spread` to the computer, 300 s, and `clock_days`, 1 day (all
//! assumed: a clock that gains or loses a second a day is off by five minutes within a year).
//! Source: PI18 2017 and 2022, "T", "ACCT", "ACLT".

use std::time::Instant;

use lvx_settings::{HostClock, Settings, Window};
use pi18_proto::{AnyReply, Clock, DateTime};

use crate::{
    Finding, FindingKind, Reading, Severity, UnitSnapshot,
    context::{Context, each},
    rules::BuiltIn,
};

pub(crate) static RULE: BuiltIn = BuiltIn::new(
    "clock",
    "clocks differ between units (clock_spread), or from the computer that read them (host_clock_spread, clock_days)",
    "PI18 2017 and 2022, \"T\", \"ACCT\", \"ACLT\": time windows follow the clock of the unit; limits assumed",
    &[&WINDOW, &DAYS, &DIFFERENT],
    check,
);

static WINDOW: FindingKind = FindingKind::new(
    Severity::Warning,
    "clocks differ by more than clock_spread, or from the computer by more than host_clock_spread, and a unit has \
     an AC time window",
    "the AC time windows follow the clock of each unit: the units use the grid at other times than they should",
    SET,
);

static DAYS: FindingKind = FindingKind::new(
    Severity::Warning,
    "clocks differ, between units or from the computer, by clock_days or more",
    "a clock was lost or never set: the unit counts its energy on wrong days, and an AC time window would be \
     shifted",
    SET,
);

static DIFFERENT: FindingKind = FindingKind::new(
    Severity::Info,
    "clocks differ by more than clock_spread, or from the computer by more than host_clock_spread",
    "each unit counts its energy per day by its own clock; nothing else in this bank depends on the clocks",
    SET,
);

const SET: &[&str] = &["set the clocks to the time of the computer (`clock: host` in a profile)"];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let read = context.units.iter().filter_map(|unit| unit.clock.reading());
    let Some(reference) = read.map(|reading| reading.value.time).min() else { return Vec::new() };
    let offsets = context.units.iter().filter_map(|unit| ahead(unit.clock.reading()?, reference));
    let (least, greatest) = (offsets.clone().min().unwrap_or(0), offsets.max().unwrap_or(0));
    let found = greatest - least;
    let max = context.thresholds().clock_spread;
    let differ = found > i64::from(max.0);
    let off: Vec<_> = context.units.iter().filter(|unit| is_off(context, unit)).collect();
    let what = if differ {
        format!("clocks differ by {found} s, more than {max}")
    } else if off.is_empty() {
        return Vec::new();
    } else {
        "clocks differ from the computer that read them".to_owned()
    };
    let values = each(&context.units, |unit| {
        let time = unit.clock.value()?.time;
        let offset = host_offset(context, unit).filter(|_| is_off(context, unit)).map(relative);
        Some(format!("{time}{}", offset.unwrap_or_default()))
    });
    // The virtual bank has a day of its own.
    let comparable = off.into_iter().filter(|unit| !unit.is_virtual());
    let mut off = comparable.filter_map(|unit| host_offset(context, unit)).peekable();
    let has_window = context.units.iter().any(|unit| has_window(unit));
    let days = i64::from(context.thresholds().clock_days.0) * SECONDS_PER_DAY;
    let kind = if has_window && (differ || off.peek().is_some()) {
        &WINDOW
    } else if found >= days || off.any(|offset| offset.abs() >= days) {
        &DAYS
    } else {
        &DIFFERENT
    };
    vec![RULE.report(kind, what, values)]
}

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

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
            "clocks differ by 1200 s, more than 300 s: sim:0 2026-06-21 12:30:00, \
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
    fn difference_beyond_five_minutes_is_reported() {
        assert_eq!(found(|units| set(&mut units[1], 35, 1)), [("clock", Severity::Info)]);
        assert_eq!(found(|units| set(&mut units[1], 35, 0)), []);
        assert_eq!(found(|units| set(&mut units[1], 31, 40)), []);
        assert_eq!(found(|units| set(&mut units[0], 20, 0)), [("clock", Severity::Info)]);
    }

    /// Gives the units names of real ones.
    fn real(mut bank: BankSnapshot) -> BankSnapshot {
        for (number, unit) in bank.units.iter_mut().enumerate() {
            unit.name = format!("/dev/hidraw{number}");
        }
        bank
    }

    fn read_on(day: u8, hour: u8) -> BankSnapshot {
        let time = DateTime::new(Date::new(2026, 6, day).unwrap(), hour, 30, 0).unwrap();
        BankSnapshot { started: Some(time.into()), ..healthy() }
    }

    #[test]
    fn clock_of_real_unit_that_is_a_day_off_is_warning() {
        for (day, hour, severity) in [
            (22, 12, Severity::Warning),
            (20, 12, Severity::Warning),
            (22, 11, Severity::Info),
            (20, 13, Severity::Info),
        ] {
            let bank = real(read_on(day, hour));
            assert_eq!(findings(&bank), [("clock", severity)], "{day} {hour}");
        }
        // The virtual bank has a day of its own.
        assert_eq!(findings(&read_on(28, 12)), [("clock", Severity::Info)]);
        // Without a time of the computer, only the units are compared.
        let mut bank = real(healthy());
        assert_eq!(findings(&bank), []);
        let date = Date::new(2026, 6, 23).unwrap();
        bank.units[1].clock.value_mut().unwrap().time = DateTime::new(date, 12, 30, 0).unwrap();
        assert_eq!(findings(&bank), [("clock", Severity::Warning)]);
    }

    #[test]
    fn difference_to_computer_with_window_is_warning() {
        let with = |minute: u8, has_window: bool| {
            let mut bank = real(read_at(12, minute, 0));
            for unit in bank.units.iter_mut().filter(|_| has_window) {
                unit.ac_charge_window.value_mut().unwrap().end = TimeOfDay::new(6, 0).unwrap();
            }
            findings(&bank)
        };
        assert_eq!(with(36, true), [("clock", Severity::Warning)]);
        assert_eq!(with(35, true), []);
        assert_eq!(with(36, false), [("clock", Severity::Info)]);
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
            set(&mut units[1], 36, 0);
            if let crate::Answer::Received(reading) = &mut units[1].clock {
                reading.at = std::time::Duration::from_mins(6);
            }
        });
        assert_eq!(found, []);
    }
}
