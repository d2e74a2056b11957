//! Times on the command line.

use std::time::Duration;

/// Parses a time such as `10m`, `12h` or `500ms`, at most one week.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a time such as 500ms, 10m or 12h, at most 168h";
    let time: jiff::SignedDuration = text.parse().map_err(|_| EXPECTED)?;
    let time = Duration::try_from(time).ok().filter(|time| *time <= MAX_TIME);
    time.ok_or_else(|| EXPECTED.to_owned())
}

/// Parses the time within which `lvx confirm` must be called.
pub(crate) fn confirm_time(text: &str) -> Result<Duration, String> {
    let time = time(text).ok().filter(|time| *time >= Duration::from_secs(1));
    time.ok_or_else(|| "expected a time from 1s to 168h, such as 10m".to_owned())
}

/// Parses the time limit for verification, which takes two readings.
pub(crate) fn verify_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time < Duration::from_millis(100) {
        Err("expected at least 100ms".to_owned())
    } else {
        Ok(time)
    }
}

/// Maximum time of any option.
const MAX_TIME: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_out_of_range_is_refused_with_the_range() {
        assert_eq!(confirm_time("168h"), Ok(MAX_TIME));
        assert_eq!(confirm_time("1s"), Ok(Duration::from_secs(1)));
        for wrong in ["169h", "0s", "999ms", "-5m", "soon", "10"] {
            let error = confirm_time(wrong).unwrap_err();
            assert_eq!(error, "expected a time from 1s to 168h, such as 10m", "{wrong}");
        }
        assert!(time("169h").unwrap_err().ends_with("at most 168h"));
    }
}
