//! The units side by side.

use std::time::Instant;

use super::{
    bank::Overview,
    key::Key,
    text::{energy, power},
    totals::Totals,
    unit::Unit,
    value::{Datum, Value},
};

/// One value of each unit, side by side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Name of the value.
    pub(crate) label: &'static str,
    /// Values in the order of the units.
    pub(crate) cells: Vec<String>,
    /// Sum, `alike`, or how far the values are apart; empty if there is nothing to say.
    pub(crate) together: String,
    /// Whether the values differ although they should not, or a problem is about them.
    pub(crate) is_marked: bool,
    /// Whether the row is left out where there is little room.
    pub(crate) is_detail: bool,
}

impl Overview {
    /// Returns the units side by side.
    pub(crate) fn rows(&self, now: Instant) -> Vec<Row> {
        let totals = self.totals(now);
        let row = |label, is_detail, rules: &[&str], cell: &dyn Fn(&Unit) -> String| {
            let found = self
                .findings
                .iter()
                .any(|finding| finding.is_problem() && rules.contains(&finding.rule.as_str()));
            let cells = self.units.iter().map(cell).collect();
            Row { label, cells, together: String::new(), is_marked: found, is_detail }
        };
        let mode = row("Mode", false, &["mode", "mode-conflict"], &|unit| {
            unit.value(Key::Mode, now).to_string()
        });
        let fault = row("Fault", false, &["fault", "warning"], &|unit| fault(unit, now));
        let mut rows = vec![alike(mode), alike(fault)];
        rows.push(Row {
            together: totals.solar.map(power).unwrap_or_default(),
            ..row("Sun", false, &[], &|unit| {
                cell(unit, now, Key::Pv1Power, &|last| {
                    Some(power(last(Key::Pv1Power)? + last(Key::Pv2Power)?))
                })
            })
        });
        rows.push(row("  strings", true, &[], &|unit| {
            cell(unit, now, Key::Pv1Power, &|last| {
                Some(format!("{:.0} W  {:.0} W", last(Key::Pv1Power)?, last(Key::Pv2Power)?))
            })
        }));
        rows.push(Row {
            together: battery_together(&totals),
            ..row("Battery", false, BATTERY, &|unit| battery(unit, now))
        });
        rows.push(alike(row("Charge", false, &["battery-capacity", "state-of-charge"], &|unit| {
            unit.value(Key::StateOfCharge, now).to_string()
        })));
        rows.push(Row {
            together: totals.load.map(power).unwrap_or_default(),
            ..row("Load", false, &["cross-totals"], &|unit| {
                cell(unit, now, Key::LoadPower, &|last| {
                    Some(format!("{}  {:.0} %", power(last(Key::LoadPower)?), last(Key::Load)?))
                })
            })
        });
        rows.push(row("Output", true, &["output", "grid"], &|unit| {
            cell(unit, now, Key::OutputVoltage, &|last| {
                let (volts, hertz) = (last(Key::OutputVoltage)?, last(Key::OutputFrequency)?);
                Some(format!("{volts:.1} V {hertz:.1} Hz"))
            })
        }));
        rows.push(row("Heat", true, &["heat-sink"], &|unit| {
            cell(unit, now, Key::HeatSink, &|last| {
                let chargers = [last(Key::Mppt1Heat)?, last(Key::Mppt2Heat)?];
                Some(format!(
                    "{:.0} {:.0} {:.0} °C",
                    last(Key::HeatSink)?,
                    chargers[0],
                    chargers[1]
                ))
            })
        }));
        rows.push(Row {
            together: totals.today.map(energy).unwrap_or_default(),
            ..row("Sun today", false, &[], &|unit| {
                cell(unit, now, Key::PvToday, &|last| last(Key::PvToday).map(energy))
            })
        });
        if self.units.len() == 1 {
            for row in &mut rows {
                row.together.clear();
            }
        }
        rows
    }
}

/// Marks a row whose values differ.
fn alike(mut row: Row) -> Row {
    let first = row.cells.first();
    let is_alike = row.cells.iter().all(|cell| Some(cell) == first);
    let is_read =
        row.cells.iter().all(|cell| cell != "–" && cell != "failed" && !cell.ends_with(" old"));
    match (is_alike, is_read) {
        (true, true) => "alike".clone_into(&mut row.together),
        (false, true) => "not alike".clone_into(&mut row.together),
        (_, false) => {}
    }
    row.is_marked |= !is_alike && is_read && row.label != "Charge";
    row
}

/// Returns fault and warnings: `none`, `83 parallel: …`, `warning: fan locked`.
fn fault(unit: &Unit, now: Instant) -> String {
    let fault = unit.value(Key::Fault, now);
    let (Value::Fresh(name), Some(code)) = (fault, unit.number(Key::FaultCode, now)) else {
        return fault.to_string();
    };
    if code > 0.0 {
        return format!("{code:02} {name}");
    }
    match unit.text(Key::Warnings, now) {
        Some(warnings) if warnings != "none" => format!("warning: {warnings}"),
        _ => "none".to_owned(),
    }
}

fn battery(unit: &Unit, now: Instant) -> String {
    cell(unit, now, Key::BatteryVoltage, &|last| {
        let (charge, discharge) = (last(Key::ChargeCurrent)?, last(Key::DischargeCurrent)?);
        let current = match charge - discharge {
            0.0 => "0 A".to_owned(),
            amperes @ 0.0.. => format!("{amperes:.0} A in"),
            amperes => format!("{:.0} A out", amperes.abs()),
        };
        Some(format!("{:.1} V  {current}", last(Key::BatteryVoltage)?))
    })
}

fn battery_together(totals: &Totals) -> String {
    let apart = totals.spread.filter(|spread| *spread >= 0.05);
    match (totals.current, apart) {
        (_, Some(apart)) => format!("{apart:.1} V apart"),
        (Some(amperes @ 0.5..), None) => format!("{amperes:.0} A in"),
        (Some(amperes @ ..-0.5), None) => format!("{:.0} A out", amperes.abs()),
        (Some(_), None) => "0 A".to_owned(),
        (None, None) => String::new(),
    }
}

/// A function that returns the last number of a key, fresh or stale.
type Last<'a> = dyn Fn(Key) -> Option<f64> + 'a;

/// Returns a text that is made of several values of the same reply. `lead` says how far they can be trusted.
fn cell(
    unit: &Unit,
    now: Instant,
    lead: Key,
    text: &dyn Fn(&Last<'_>) -> Option<String>,
) -> String {
    let last = |key| match unit.value(key, now) {
        Value::Fresh(Datum::Number { number, .. }) | Value::Stale(Datum::Number { number, .. }) => {
            Some(*number)
        }
        _ => None,
    };
    let value = unit.value(lead, now);
    match (value, text(&last)) {
        (Value::Fresh(_), Some(text)) => text,
        (Value::Stale(_), Some(text)) => format!("{text} old"),
        (value, _) => value.to_string(),
    }
}

/// The rules about the voltage and the current of the battery.
const BATTERY: &[&str] = &[
    "battery-voltage",
    "battery-voltmeter",
    "over-voltage",
    "under-voltage",
    "charge-current",
    "discharge-current",
    "charge-rate",
];
