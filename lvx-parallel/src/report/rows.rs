//! The units side by side: one table of what is shown.

use lvx_settings::Setting;
use pi18_proto::{GeneralStatus, Watts, WorkingMode};
use serde::Serialize;

use crate::{Finding, Severity, UnitSnapshot, report::text::uncapitalised, rules::output_mode};

/// One thing, as each unit has it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// What it is.
    pub label: String,
    /// Whether it is the same on all units that say it, and should be: such a row can be folded.
    pub same: bool,
    /// The setting's key, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<&'static str>,
    /// The units' values, in their order.
    pub cells: Vec<Cell>,
}

/// A value of one unit.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Cell {
    /// As people read it; `None` if the unit did not say.
    pub value: Option<String>,
    /// Whether it is not what most units have, or a finding is about it.
    pub marked: bool,
}

impl Row {
    /// Whether any cell is marked.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.cells.iter().any(|cell| cell.marked)
    }

    /// Whether all of several units have one fault, or are in fault mode: said once, as the names of
    /// faults are long.
    pub(crate) fn is_bad_on_all(&self) -> bool {
        let first = self.cells.first();
        let is_alike = |cell: &Cell| first == Some(cell) && cell.value.is_some() && cell.marked;
        [MODE, FAULT].contains(&self.label.as_str())
            && self.cells.len() > 1
            && self.cells.iter().all(is_alike)
    }

    /// Should be the same on all units; what few have is marked.
    pub(crate) fn same(label: &str, values: &[Option<String>]) -> Self {
        let known: Vec<&String> = values.iter().flatten().collect();
        let count = |value: &String| known.iter().filter(|known| **known == value).count();
        let most = known.iter().map(|value| count(value)).max().unwrap_or(0);
        // Without a majority nobody is right.
        let leaders = known.iter().filter(|value| count(value) == most).count();
        let marked = |value: &Option<String>| {
            value.as_ref().is_some_and(|value| count(value) < most || leaders > most)
        };
        let cells: Vec<Cell> = values
            .iter()
            .map(|value| Cell { marked: marked(value), value: value.clone() })
            .collect();
        let same = known.len() > 1 && cells.iter().all(|cell| !cell.marked);
        Self { label: label.to_owned(), same, setting: None, cells }
    }

    /// The same with the cells of these units marked, as they should not be so even if all are: such a
    /// row is never folded.
    fn marking(mut self, units: &[&UnitSnapshot], is_bad: impl Fn(&UnitSnapshot) -> bool) -> Self {
        for (cell, _) in self.cells.iter_mut().zip(units).filter(|(_, unit)| is_bad(unit)) {
            cell.marked = true;
            self.same = false;
        }
        self
    }

    /// Each unit's own; marked where one of these rules warns of the unit.
    fn own(
        label: &str,
        values: Vec<Option<String>>,
        rules: &[&str],
        units: &[&UnitSnapshot],
        findings: &[Finding],
    ) -> Self {
        let warns = |unit: &UnitSnapshot| {
            findings.iter().any(|finding| {
                finding.severity > Severity::Info
                    && rules.contains(&finding.rule)
                    && finding.values.iter().any(|value| value.unit == unit.name)
            })
        };
        let cells = values.into_iter().zip(units);
        let cells =
            cells.map(|(value, unit)| Cell { marked: value.is_some() && warns(unit), value });
        Self { label: label.to_owned(), same: false, setting: None, cells: cells.collect() }
    }
}

const MODE: &str = "mode";
const FAULT: &str = "fault";

pub(super) fn rows(units: &[&UnitSnapshot], findings: &[Finding]) -> Vec<Row> {
    let mut rows = Vec::new();
    let own = |label: &str, rules: &[&str], value: &dyn Fn(&UnitSnapshot) -> Option<String>| {
        let values = units.iter().map(|unit| value(unit)).collect();
        Row::own(label, values, rules, units, findings)
    };
    let same = |label: &str, value: &dyn Fn(&UnitSnapshot) -> Option<String>| {
        Row::same(label, &units.iter().map(|unit| value(unit)).collect::<Vec<_>>())
    };
    rows.push(own("serial number", &["same-unit", "serial-number"], &|unit| {
        Some(unit.identity.value()?.serial_number.to_string())
    }));
    rows.push(own("instance", &["instance"], &|unit| match unit.instance()?.0 {
        0 => Some("0 (master)".to_owned()),
        number => Some(number.to_string()),
    }));
    rows.push(same("model", &|unit| Some(unit.model.value()?.model.to_string())));
    rows.push(same("main firmware", &|unit| Some(unit.firmware.value()?.main.to_string())));
    rows.push(same("slave firmware", &|unit| Some(unit.firmware.value()?.slave1.to_string())));
    let mode = same(MODE, &|unit| {
        let mode = unit.working_mode()?;
        Some(format!("{:02} {mode}", mode.0))
    });
    rows.push(mode.marking(units, |unit| unit.working_mode() == Some(WorkingMode::FAULT)));
    let fault = same(FAULT, &|unit| Some(unit.faults.value()?.fault.to_string()));
    rows.push(fault.marking(units, |unit| unit.fault().is_some()));
    rows.extend(measured(units, &own));
    rows.extend(settings(units));
    // What no unit was asked, or none knows.
    rows.retain(|row| row.cells.iter().any(|cell| cell.value.is_some()));
    rows
}

type Own<'a> = dyn Fn(&str, &[&str], &dyn Fn(&UnitSnapshot) -> Option<String>) -> Row + 'a;

fn measured(units: &[&UnitSnapshot], own: &Own<'_>) -> Vec<Row> {
    let one_of_three = units.iter().any(|unit| unit.shows_first_phase_only());
    let ac = |label: &str| format!("{label}{}", if one_of_three { " (first phase)" } else { "" });
    let live = |label: &str, rules: &[&str], value: fn(GeneralStatus) -> String| {
        own(label, rules, &|unit| unit.status.value().map(value))
    };
    vec![
        live("battery voltage", &["battery-voltage"], |status| status.battery_voltage.to_string()),
        live("battery capacity", &["battery-capacity", "state-of-charge"], |status| {
            status.battery_capacity.to_string()
        }),
        live("charge current", &["charge-current", "charge-rate"], |status| {
            status.charge_current.to_string()
        }),
        live("discharge current", &["discharge-current"], |status| {
            status.discharge_current.to_string()
        }),
        live("PV power", &[], |status| {
            Watts(status.pv1_power.0.saturating_add(status.pv2_power.0)).to_string()
        }),
        live(&ac("output power"), &["cross-totals"], |status| {
            format!("{} ({})", status.active_power, status.load_percent)
        }),
        live(&ac("output"), &["output"], |status| {
            format!("{} {}", status.output_voltage, status.output_frequency)
        }),
        live(&ac("grid"), &["grid"], |status| {
            format!("{} {}", status.grid_voltage, status.grid_frequency)
        }),
        own("clock", &["clock"], &|unit| unit.clock.value().map(|clock| clock.time.to_string())),
    ]
}

/// Every setting but the clock, which moves.
pub(crate) fn settings(units: &[&UnitSnapshot]) -> Vec<Row> {
    let all: Vec<_> = units.iter().map(|unit| unit.settings()).collect();
    let shown = Setting::ALL.iter().filter(|setting| **setting != Setting::Clock);
    let rows = shown.map(|&setting| {
        let value = |settings: &lvx_settings::Settings| {
            settings.get(setting).map(|value| value.to_string())
        };
        let values: Vec<_> = all.iter().map(value).collect();
        let mut row = Row::same(&uncapitalised(setting.label()), &values);
        if setting == Setting::OutputMode && row.is_marked() && output_mode::are_phases(units) {
            row.cells.iter_mut().for_each(|cell| cell.marked = false);
        }
        Row { setting: Some(setting.key()), ..row }
    });
    rows.filter(|row| row.cells.iter().any(|cell| cell.value.is_some())).collect()
}
