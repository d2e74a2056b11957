//! The text format of Prometheus.
//!
//! Source: "Exposition formats", text format 0.0.4.

use std::fmt::Write;

/// Types of metrics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricType {
    /// A value that goes up and down.
    Gauge,
    /// A value that only rises; its name ends in `_total`.
    Counter,
}

/// Metrics as text. All samples of a metric follow its [`metric`](Self::metric).
///
/// ```
/// use lvx_bridge::metrics::{MetricType, Text};
///
/// let mut text = Text::default();
/// text.metric("lvx_doors_open", "Doors that are open.", MetricType::Gauge);
/// text.sample(&[("site", "home")], 2.0);
/// let lines = "# HELP lvx_doors_open Doors that are open.\n# TYPE lvx_doors_open gauge\n\
///              lvx_doors_open{site=\"home\"} 2\n";
/// assert_eq!(text.finish(), lines);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Text {
    out: String,
    name: String,
    /// Description of the metric, which is written with its first sample.
    header: Option<String>,
}

impl Text {
    /// Begins a metric. A metric without samples is left out.
    pub fn metric(&mut self, name: &str, help: &str, kind: MetricType) {
        let kind = match kind {
            MetricType::Gauge => "gauge",
            MetricType::Counter => "counter",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        name.clone_into(&mut self.name);
        self.header = Some(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Writes a sample of the metric. A value that is not a finite number is left out.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        if !value.is_finite() {
            return;
        }
        self.out.push_str(&self.header.take().unwrap_or_default());
        self.out.push_str(&self.name);
        for (index, (name, text)) in labels.iter().enumerate() {
            self.out.push(if index == 0 { '{' } else { ',' });
            self.out.push_str(name);
            self.out.push_str("=\"");
            for letter in text.chars() {
                match letter {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    letter => self.out.push(letter),
                }
            }
            self.out.push('"');
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        // Writing into a string does not fail.
        let _ = writeln!(self.out, " {value}");
    }

    /// Returns the text.
    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }
}

/// Converts a count into a sample. Beyond 2⁵³ the nearest floating-point number is used, as Prometheus does.
#[must_use]
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers"
)]
pub(crate) fn count(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_and_help_are_escaped() {
        let mut text = Text::default();
        text.metric("a", "one\\two\nthree", MetricType::Counter);
        text.sample(&[("x", "q\"\\\n"), ("y", "}")], 0.25);
        let lines =
            "# HELP a one\\\\two\\nthree\n# TYPE a counter\na{x=\"q\\\"\\\\\\n\",y=\"}\"} 0.25\n";
        assert_eq!(text.finish(), lines);
    }

    #[test]
    fn metric_without_samples_is_left_out() {
        let mut text = Text::default();
        text.metric("a", "A.", MetricType::Gauge);
        text.metric("b", "B.", MetricType::Gauge);
        text.sample(&[], f64::NAN);
        text.sample(&[], 1e300);
        assert!(text.finish().starts_with("# HELP b B.\n# TYPE b gauge\nb 1000"));
    }
}
