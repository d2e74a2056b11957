//! Names of metrics and their base units.
//!
//! Source: Prometheus, "Metric and label naming".

use serde_json::Value as Json;

use super::text::{MetricType, Text};
use crate::entity::{Entity, Kind};

/// How a row of the table becomes a metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    /// Name.
    pub(super) name: String,
    /// Description.
    pub(super) help: String,
    /// Type.
    pub(super) kind: MetricType,
    /// Label that carries a text; `None` for a number.
    pub(super) label: Option<&'static str>,
    /// Conversion to the base unit.
    pub(super) scale: Scale,
}

/// Conversion of a number to the base unit: the number times this, divided by that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale(f64, f64);

impl Scale {
    /// Converts a number.
    pub(super) fn apply(self, number: f64) -> f64 {
        number * self.0 / self.1
    }
}

impl Metric {
    /// Returns the metric of a row: `prefix` is `lvx_unit`, `lvx_pack` or `lvx_bank`.
    pub(super) fn of<T>(prefix: &str, row: &Entity<T>) -> Self {
        let (suffix, scale) = base_unit(row.unit).unwrap_or(("", Scale(1.0, 1.0)));
        let is_text = matches!(row.kind, Kind::Enum | Kind::Text);
        let is_counter = row.kind == Kind::Counter;
        let mut name = format!("{prefix}_{}", row.key);
        if is_counter {
            name.truncate(name.trim_end_matches("_total").len());
        }
        if is_text {
            name.push_str("_info");
        } else if !suffix.is_empty() && !name.ends_with(&format!("_{suffix}")) {
            name = format!("{name}_{suffix}");
        }
        if is_counter {
            name.push_str("_total");
        }
        Self {
            name,
            help: format!("{}.", row.name),
            kind: if is_counter { MetricType::Counter } else { MetricType::Gauge },
            label: is_text.then_some(row.key),
            scale,
        }
    }

    /// Writes a sample. A value whose form does not fit is left out.
    pub(super) fn sample(&self, text: &mut Text, labels: &[(&str, &str)], value: &Json) {
        match (self.label, value) {
            (Some(label), Json::String(value)) => {
                text.sample(&[labels, &[(label, value)]].concat(), 1.0);
            }
            (None, Json::Bool(flag)) => text.sample(labels, if *flag { 1.0 } else { 0.0 }),
            (None, Json::Number(number)) => {
                if let Some(number) = number.as_f64() {
                    text.sample(labels, self.scale.apply(number));
                }
            }
            _ => {}
        }
    }
}

/// Returns the base unit that Prometheus uses for a unit, and the conversion; `None` for an unknown one.
fn base_unit(unit: &str) -> Option<(&'static str, Scale)> {
    Some(match unit {
        "" => ("", Scale(1.0, 1.0)),
        "V" => ("volts", Scale(1.0, 1.0)),
        "mV" => ("volts", Scale(1.0, 1e3)),
        "A" => ("amperes", Scale(1.0, 1.0)),
        "W" => ("watts", Scale(1.0, 1.0)),
        "kW" => ("watts", Scale(1e3, 1.0)),
        "VA" => ("voltamperes", Scale(1.0, 1.0)),
        "Hz" => ("hertz", Scale(1.0, 1.0)),
        "%" => ("ratio", Scale(1.0, 100.0)),
        "°C" => ("celsius", Scale(1.0, 1.0)),
        "Wh" => ("joules", Scale(3600.0, 1.0)),
        "kWh" => ("joules", Scale(3.6e6, 1.0)),
        "Ah" => ("coulombs", Scale(3600.0, 1.0)),
        "ms" => ("seconds", Scale(1.0, 1e3)),
        "s" => ("seconds", Scale(1.0, 1.0)),
        "min" => ("seconds", Scale(60.0, 1.0)),
        "h" => ("seconds", Scale(3600.0, 1.0)),
        "d" => ("seconds", Scale(86400.0, 1.0)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entity::{BANK, Message, PACK, Source, UNIT},
        state::{UnitView, Value},
    };

    fn row(key: &'static str, unit: &'static str, kind: Kind) -> Entity<UnitView> {
        Entity {
            key,
            name: "Name",
            source: Source::Computed(|_, _| Value::Absent),
            unit,
            decimals: 0,
            kind,
            class: "",
            message: Message::State,
            enabled: true,
            diagnostic: false,
        }
    }

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        for (key, unit, kind, name) in [
            ("battery_voltage", "V", Kind::Measurement, "lvx_unit_battery_voltage_volts"),
            ("load", "%", Kind::Measurement, "lvx_unit_load_ratio"),
            ("pv_energy", "Wh", Kind::Counter, "lvx_unit_pv_energy_joules_total"),
            ("pv_energy_total", "Wh", Kind::Counter, "lvx_unit_pv_energy_joules_total"),
            ("mode", "", Kind::Enum, "lvx_unit_mode_info"),
            ("in_volts", "V", Kind::Measurement, "lvx_unit_in_volts"),
            ("resets", "", Kind::Counter, "lvx_unit_resets_total"),
        ] {
            assert_eq!(Metric::of("lvx_unit", &row(key, unit, kind)).name, name);
        }
        let load = Metric::of("lvx_unit", &row("load", "%", Kind::Measurement));
        assert!((load.scale.apply(57.0) - 0.57).abs() < f64::EPSILON);
    }

    #[test]
    fn every_row_has_a_name_of_its_own_and_a_known_unit() {
        let units = UNIT.iter().map(|row| (Metric::of("lvx_unit", row).name, row.unit));
        let banks = BANK.iter().map(|row| (Metric::of("lvx_bank", row).name, row.unit));
        let mut names = std::collections::BTreeSet::new();
        let packs = PACK.iter().map(|row| (Metric::of("lvx_pack", row).name, row.unit));
        for (name, unit) in units.chain(packs).chain(banks) {
            assert!(base_unit(unit).is_some(), "{name}: {unit}");
            assert!(
                name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
                "{name}"
            );
            assert!(names.insert(name.clone()), "{name} twice");
        }
    }
}
