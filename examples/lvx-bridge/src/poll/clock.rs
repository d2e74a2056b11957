//! The clock of a unit, between two reads of `T`.

use std::time::Instant;

use jiff::{SignedDuration, civil};
use pi18_proto::{Date, DateTime};

/// The last reading of a unit's clock. It is advanced with the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UnitClock(Option<(civil::DateTime, Instant)>);

impl UnitClock {
    /// Stores a reading. Returns the difference to the time that was expected from the reading before.
    pub(crate) fn set(&mut self, time: DateTime, at: Instant) -> Option<SignedDuration> {
        let time = civil_time(time)?;
        let jump = self.time(at).map(|expected| time.duration_since(expected));
        self.0 = Some((time, at));
        jump
    }

    /// Returns the present date of the unit's clock; `None` if the clock was not read, or shows a year that the
    /// protocol cannot express.
    pub(crate) fn date(self, now: Instant) -> Option<Date> {
        let date = self.time(now)?.date();
        let small = |number: i8| u8::try_from(number).ok();
        Date::new(date.year().try_into().ok()?, small(date.month())?, small(date.day())?).ok()
    }

    fn time(self, now: Instant) -> Option<civil::DateTime> {
        let (time, at) = self.0?;
        time.checked_add(now.saturating_duration_since(at)).ok()
    }
}

fn civil_time(time: DateTime) -> Option<civil::DateTime> {
    let date = time.date();
    let small = |number: u8| i8::try_from(number).ok();
    let year = i16::try_from(date.month().year().get()).ok()?;
    let (month, day) = (small(date.month().month())?, small(date.day())?);
    let (hour, minute, second) =
        (small(time.hour())?, small(time.minute())?, small(time.second())?);
    civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn date_of_the_unit_changes_at_its_midnight() {
        let start = Instant::now();
        let mut clock = UnitClock::default();
        assert_eq!(clock.date(start), None);
        let day = |day| Date::new(2026, 2, day).unwrap();
        let late = DateTime::new(day(28), 23, 59, 0).unwrap();
        assert_eq!(clock.set(late, start), None);
        assert_eq!(clock.date(start + Duration::from_secs(59)), Some(day(28)));
        let next = Date::new(2026, 3, 1).unwrap();
        assert_eq!(clock.date(start + Duration::from_mins(1)), Some(next));
        let jump = clock.set(late, start + Duration::from_secs(30));
        assert_eq!(jump, Some(SignedDuration::from_secs(-30)));
    }
}
