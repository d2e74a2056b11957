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
        let known: Vec<f64> = values.iter().copied().flatten().collect();
        if known.is_empty() {
            text.push_str("  nothing was read\n");
            continue;
        }
        let least = column.min.iter().copied().flatten().chain(known.iter().copied());
        let most = column.max.iter().copied().flatten().chain(known.iter().copied());
        let (least, most) =
            (least.fold(f64::INFINITY, f64::min), most.fold(f64::NEG_INFINITY, f64::max));
        let count = known.iter().map(|_| 1.0).sum::<f64>();
        let mean = known.iter().sum::<f64>() / count;
        let digits = usize::from(column.decimals);
        let unit = &column.unit;
        let _ =
            writeln!(text, "  {least:.digits$} to {most:.digits$} {unit}, mean {mean:.digits$}");
    }
    text
}

/// Returns a plot in one line. Without a value, there is a space.
fn line(values: &[Option<f64>], width: usize) -> String {
    let known = || values.iter().copied().flatten();
    let least = known().fold(f64::INFINITY, f64::min);
    let range = known().fold(f64::NEG_INFINITY, f64::max) - least;
    let step = values.len().div_ceil(width).max(1);
    let mark = |part: &[Option<f64>]| {
        let known: Vec<_> = part.iter().copied().flatten().collect();
        if known.is_empty() {
            return ' ';
        }
        let mean = known.iter().sum::<f64>() / known.iter().map(|_| 1.0).sum::<f64>();
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
}
