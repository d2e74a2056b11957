//! Times and spans as people write them.

use jiff::{Timestamp, civil, tz::TimeZone};

/// Reads a time: Unix seconds, a time with an offset, a local date or time, `now`, or a time before now such as `-24h`.
/// Returns Unix seconds.
pub(super) fn time(text: &str, now: Timestamp, zone: &TimeZone) -> Option<i64> {
    let text = text.trim();
    let second = if text == "now" {
        now.as_second()
    } else if let Some(before) = text.strip_prefix('-') {
        now.as_second().checked_sub(span(before)?)?
    } else if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        text.split('.').next()?.parse().ok()?
    } else if let Ok(timestamp) = text.parse::<Timestamp>() {
        timestamp.as_second()
    } else {
        let local: civil::DateTime = text.parse().ok()?;
        zone.to_ambiguous_zoned(local).compatible().ok()?.timestamp().as_second()
    };
    (0..=LAST).contains(&second).then_some(second)
}

/// Reads a span such as `90`, `30s`, `5min`, `2h`, `7d` or `1y`. Returns seconds, at least 1.
pub(super) fn span(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let factor = match unit.trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" | "day" => 86_400,
        "w" => 7 * 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor).filter(|seconds| (1..=LAST).contains(seconds))
}

/// Greatest time, in Unix seconds: 2100-01-01.
pub(super) const LAST: i64 = 4_102_444_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_forms() {
        let now = Timestamp::from_second(1_782_000_000).unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        for (text, expected) in [
            ("now", Some(1_782_000_000)),
            ("-24h", Some(1_781_913_600)),
            ("-90", Some(1_781_999_910)),
            ("1782000000.7", Some(1_782_000_000)),
            ("2026-06-21T00:00:00Z", Some(1_782_000_000)),
            ("2026-06-21", Some(1_781_992_800)),
            ("2026-06-21T02:00", Some(1_782_000_000)),
            ("yesterday", None),
            ("-5parsecs", None),
            ("99999999999", None),
            ("", None),
        ] {
            assert_eq!(time(text, now, &zone), expected, "{text}");
        }
        assert_eq!(
            (span("5min"), span("1d"), span("0"), span("1e9")),
            (Some(300), Some(86_400), None, None)
        );
    }
}
