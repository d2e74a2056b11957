//! The rows of a report.
//!
//! In a row whose values should be equal, the values of a minority are marked. In a row of measurements, the
//! units in a warning or an error of a related rule are marked.

use lvx_settings::{Setting, Settings, are_phases};
use pi18_proto::{GeneralStatus, Watts, WorkingMode};

use super::table::{FAULT, MODE, Row};
use crate::{Finding, Severity, UnitSnapshot, wording::uncapitalised};

/// Returns the rows of a report. Rows without any value are left out.
pub(super) fn rows(units: &[&UnitSnapshot], findings: &[Finding]) -> Vec<Row> {
    let mut rows = Vec::new();
    let own = |label: &str, rules: &[&str], value: &dyn Fn(&UnitSnapshot) -> Option<String>| {
        let values = units.iter().map(|unit| value(unit)).collect();
        Row::own(label, values, |place| is_warned_of(units.get(place), rules, findings))
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
    let is = |place: usize, is_bad: fn(&UnitSnapshot) -> bool| {
        units.get(place).is_some_and(|unit| is_bad(unit))
    };
    let mode = same(MODE, &|unit| {
        let mode = unit.working_mode()?;
        Some(format!("{:02} {mode}", mode.0))
    });
    rows.push(
        mode.marking(|place| is(place, |unit| unit.working_mode() == Some(WorkingMode::FAULT))),
    );
    let fault = same(FAULT, &|unit| Some(unit.faults.value()?.fault.to_string()));
    rows.push(fault.marking(|place| is(place, |unit| unit.fault().is_some())));
    rows.extend(measurements(units, &own));
    rows.extend(settings(units));
    rows.retain(|row| row.cells.iter().any(|cell| cell.value.is_some()));
    rows
}

/// Returns whether one of these rules warns of a unit.
fn is_warned_of(unit: Option<&&UnitSnapshot>, rules: &[&str], findings: &[Finding]) -> bool {
    unit.is_some_and(|unit| {
        findings.iter().any(|finding| {
            finding.severity > Severity::Info
                && rules.contains(&&*finding.rule)
                && finding.values.iter().any(|value| value.unit == unit.name)
        })
    })
}

/// A function that builds a row of own values: label, related rules, value of each unit.
type Own<'a> = dyn Fn(&str, &[&str], &dyn Fn(&UnitSnapshot) -> Option<String>) -> Row + 'a;

fn measurements(units: &[&UnitSnapshot], own: &Own<'_>) -> Vec<Row> {
    let one_of_three = units.iter().any(|unit| unit.shows_first_phase_only());
    let ac = |label: &str| format!("{label}{}", if one_of_three { " (first phase)" } else { "" });
    let measured = |label: &str, rules: &[&str], value: fn(GeneralStatus) -> String| {
        own(label, rules, &|unit| unit.status.value().map(value))
    };
    vec![
        measured("battery voltage", BATTERY_VOLTAGE, |status| status.battery_voltage.to_string()),
        measured("battery capacity", &["battery-capacity", "state-of-charge"], |status| {
            status.battery_capacity.to_string()
        }),
        measured("charge current", &["charge-current", "charge-rate"], |status| {
            status.charge_current.to_string()
        }),
        measured("discharge current", &["discharge-current"], |status| {
            status.discharge_current.to_string()
        }),
        own("PV power", &[], &|unit| {
            let status = unit.status.value()?;
            Some(Watts(status.pv1_power.0.checked_add(status.pv2_power.0)?).to_string())
        }),
        measured(&ac("output power"), &["cross-totals"], |status| {
            format!("{} ({})", status.active_power, status.load_percent)
        }),
        measured(&ac("output"), &["output"], |status| {
            format!("{} {}", status.output_voltage, status.output_frequency)
        }),
        measured(&ac("grid"), &["grid"], |status| {
            format!("{} {}", status.grid_voltage, status.grid_frequency)
        }),
        own("clock", &["clock"], &|unit| unit.clock.value().map(|clock| clock.time.to_string())),
    ]
}

/// Returns a row for every setting except the clock, which changes by itself.
pub(crate) fn settings(units: &[&UnitSnapshot]) -> Vec<Row> {
    let all: Vec<_> = units.iter().map(|unit| unit.settings()).collect();
    let output_modes: Vec<_> = units.iter().filter_map(|unit| unit.output_mode()).collect();
    let shown = Setting::ALL.iter().filter(|setting| **setting != Setting::Clock);
    let rows = shown.map(|&setting| {
        let value = |settings: &Settings| settings.get(setting).map(|value| value.to_string());
        let values: Vec<_> = all.iter().map(value).collect();
        let mut row = Row::same(&uncapitalised(setting.label()), &values);
        // The phases of one bank must differ.
        if setting == Setting::OutputMode && row.is_marked() && are_phases(&output_modes) {
            row.cells.iter_mut().for_each(|cell| cell.marked = false);
        }
        Row { setting: Some(setting.key().into()), ..row }
    });
    rows.filter(|row| row.cells.iter().any(|cell| cell.value.is_some())).collect()
}

/// The rules that judge the battery voltage.
const BATTERY_VOLTAGE: &[&str] =
    &["battery-voltage", "battery-voltmeter", "over-voltage", "under-voltage"];
