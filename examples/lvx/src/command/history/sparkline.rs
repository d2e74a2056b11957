//! A line per series.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};
use lvx_bridge::history::Answer;

/// Returns a line per series: its name, a plot of its means, and its least, mean and greatest value.
pub(super) fn text(answer: &Answer, zone: &TimeZone) -> String {
    let time = |second| {
        let time = Timestamp::from_second(second).unwrap_or_default().to_zoned(zone.clone());
        time.strftime("%Y-%m-%d %H:%M").to_string()
    };
    let mut text = format!("{}: {} to {}\n", answer.bank, time(answer.from), time(answer.to));
    let width = answer.series.iter().map(|column| column.series.chars().count()).max();
    let width = width.unwrap_or_default();
    for column in &answer.series {
        let energy = column.energy.as_ref().filter(|_| column.mean.is_empty());
        let values = energy.map_or(column.mean.as_slice(), |energy| energy.wh.as_slice());
        let name = &column.series;
        let _ = write!(text, "{name:width$}  {}", line(values, PLOT));
        let Some(mean) = mean(values, &column.count) else {
            text.push_str("  nothing was read\n");
            continue;
        };
        let known = || values.iter().copied().flatten();
        let least = column.min.iter().copied().flatten().chain(known());
        let most = column.max.iter().copied().flatten().chain(known());
        let (least, most) =
            (least.fold(f64::INFINITY, f64::min), most.fold(f64::NEG_INFINITY, f64::max));
        let digits = usize::from(column.decimals);
        let space = if column.unit.is_empty() { "" } else { " " };
        let _ = writeln!(
            text,
            "  {least:.digits$} to {most:.digits$}{space}{}, mean {mean:.digits$}",
            column.unit
        );
    }
    text
}

/// Returns the mean of values that are themselves means of so many readings; without counts, each value counts once.
fn mean(values: &[Option<f64>], counts: &[i64]) -> Option<f64> {
    let weight = |index: usize| {
        let count = counts.get(index).map_or(Ok(1), |count| u32::try_from(*count));
        f64::from(count.unwrap_or(u32::MAX))
    };
    let (mut sum, mut weights) = (0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            sum += value * weight(index);
            weights += weight(index);
        }
    }
    (weights > 0.0).then_some(sum / weights)
}

/// Returns a plot in one line. Without a value, there is a space.
fn line(values: &[Option<f64>], width: usize) -> String {
    let known = || values.iter().copied().flatten();
    let least = known().fold(f64::INFINITY, f64::min);
    let range = known().fold(f64::NEG_INFINITY, f64::max) - least;
    let step = values.len().div_ceil(width).max(1);
    let mark = |part: &[Option<f64>]| {
        let Some(mean) = mean(part, &[]) else { return ' ' };
        let place = if range > 0.0 { (mean - least) / range } else { 0.0 };
        let limits = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
        let level = limits.iter().filter(|limit| place >= **limit).count();
        MARKS.chars().nth(level).unwrap_or(' ')
    };
    values.chunks(step).map(mark).collect()
}

/// Marks of values, ascending.
const MARKS: &str = "▁▂▃▄▅▆▇█";

/// Greatest width of a plot in characters.
const PLOT: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gap_is_a_space_and_not_a_low_value() {
        let values = [Some(0.0), None, Some(4.0), Some(8.0), None, Some(7.0)];
        assert_eq!(line(&values, 10), "▁ ▅█ █");
        assert_eq!(line(&values, 3), "▁▇█");
        assert_eq!(line(&[Some(5.0), Some(5.0)], 10), "▁▁");
        assert_eq!(line(&[None], 10), " ");
    }

    #[test]
    fn mean_counts_each_reading_once() {
        let values = [Some(10.0), None, Some(40.0)];
        assert_eq!(mean(&values, &[4, 0, 1]), Some(16.0));
        assert_eq!(mean(&values, &[]), Some(25.0));
        assert_eq!(mean(&[None], &[0]), None);
    }
}
