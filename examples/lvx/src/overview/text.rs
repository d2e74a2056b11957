//! Numbers and times as people read them.

#[cfg(feature = "watch")]
use std::time::Duration;

#[cfg(feature = "watch")]
use jiff::{Timestamp, Zoned};

/// Returns a power: `953 W`, `7.03 kW`, `12.0 kW`.
pub(crate) fn power(watts: f64) -> String {
    let size = watts.abs();
    match size {
        ..999.5 => format!("{watts:.0} W"),
        ..9995.0 => format!("{:.2} kW", watts / 1e3),
        ..99_950.0 => format!("{:.1} kW", watts / 1e3),
        _ => format!("{:.0} kW", watts / 1e3),
    }
}

/// Returns a power that is known with two figures: `≈5.9 kW`, `≈950 W`.
pub(crate) fn about(watts: f64) -> String {
    let size = watts.abs();
    match size {
        ..100.0 => format!("≈{size:.0} W"),
        ..995.0 => format!("≈{:.0} W", (size / 10.0).round() * 10.0),
        ..9950.0 => format!("≈{:.1} kW", size / 1e3),
        _ => format!("≈{:.0} kW", size / 1e3),
    }
}

/// Returns an energy in kilowatt-hours: `21.5 kWh`.
pub(crate) fn energy(watt_hours: f64) -> String {
    format!("{:.1} kWh", watt_hours / 1e3)
}

/// Returns how long ago something was: `2 s ago`, `3 min ago`, `5 h ago`, `2 days ago`.
#[cfg(feature = "watch")]
pub(crate) fn ago(age: Duration) -> String {
    match age.as_secs() {
        0 => "now".to_owned(),
        seconds @ ..100 => format!("{seconds} s ago"),
        seconds @ ..6000 => format!("{} min ago", seconds / 60),
        seconds @ ..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// Returns a time in the time zone of `now`: `12:30` today, else `Fri 12:30` or `21 Jun 12:30`.
#[cfg(feature = "watch")]
pub(crate) fn local_time(at: Timestamp, now: &Zoned) -> String {
    let at = at.to_zoned(now.time_zone().clone());
    let days = at.date().duration_until(now.date()).as_hours() / 24;
    match days {
        0 => at.strftime("%H:%M"),
        1..=6 => at.strftime("%a %H:%M"),
        _ => at.strftime("%-d %b %H:%M"),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_have_three_figures_or_two() {
        assert_eq!(
            [0.0, 953.0, 999.6, 7025.0, 12_000.0].map(power),
            ["0 W", "953 W", "1.00 kW", "7.03 kW", "12.0 kW"]
        );
        assert_eq!(
            [54.0, -953.0, 5908.0, 12_300.0].map(about),
            ["≈54 W", "≈950 W", "≈5.9 kW", "≈12 kW"]
        );
    }

    #[cfg(feature = "watch")]
    #[test]
    fn ages_are_rounded_down() {
        let text = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!(
            [0, 2, 119, 7200, 200_000].map(text),
            ["now", "2 s ago", "1 min ago", "2 h ago", "2 days ago"]
        );
    }
}
