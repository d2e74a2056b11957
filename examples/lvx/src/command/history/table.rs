//! A line per point.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};
use lvx_bridge::history::Answer;

/// Returns a table: a line per point, with the mean of each series, or with its energy if there is no mean.
pub(super) fn table(answer: &Answer, zone: &TimeZone) -> String {
    let is_day = answer.step == "day";
    let format = if is_day { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M:%S" };
    let mut columns: Vec<(String, usize, &[Option<f64>])> = Vec::new();
    for column in &answer.series {
        let unit = |unit: &str| if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
        let head = |end: &str, of: &str| format!("{}{end}{}", column.series, unit(of));
        if !column.mean.is_empty() {
            columns.push((head("", &column.unit), column.decimals.into(), &column.mean));
        }
        if let Some(energy) = &column.energy {
            let computed = energy.origin == "computed";
            let end = if computed { " computed" } else { "" };
            columns.push((head(end, "Wh"), 0, &energy.wh));
            let has_negative = energy.negative_wh.iter().flatten().any(|wh| *wh > 0.0);
            if has_negative {
                columns.push((head(" computed, negative", "Wh"), 0, &energy.negative_wh));
            }
        }
    }
    let mut text = String::new();
    let time_width = if is_day { 10 } else { 19 };
    let _ = write!(text, "{:time_width$}", "time");
    for (head, ..) in &columns {
        let _ = write!(text, "  {head}");
    }
    text.push('\n');
    for (index, t) in answer.t.iter().enumerate() {
        let time = Timestamp::from_second(*t).unwrap_or_default().to_zoned(zone.clone());
        let _ = write!(text, "{}", time.strftime(format));
        for (head, digits, values) in &columns {
            let width = head.chars().count();
            let _ = match values.get(index).copied().flatten() {
                Some(value) => write!(text, "  {value:width$.digits$}"),
                None => write!(text, "  {:>width$}", "-"),
            };
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use lvx_bridge::history::Column;

    use super::*;

    #[test]
    fn point_without_a_reading_is_a_dash() {
        let column = Column {
            series: "pv_power".to_owned(),
            unit: "W".to_owned(),
            mean: vec![Some(1234.5), None],
            ..Column::default()
        };
        let answer = Answer {
            t: vec![1_782_000_000, 1_782_000_300],
            series: vec![column],
            step: "300".to_owned(),
            ..Answer::default()
        };
        assert_eq!(
            table(&answer, &TimeZone::UTC),
            "time                 pv_power [W]\n\
             2026-06-21 00:00:00          1234\n\
             2026-06-21 00:05:00             -\n"
        );
    }
}
