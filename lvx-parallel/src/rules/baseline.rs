//! What changed since the bank was saved.

use lvx_settings::{Setting, Settings};

use super::Rule;
use crate::{
    Finding, Severity, UnitSnapshot,
    case::{Case, observed},
};

pub(super) static RULE: Rule =
    Rule::new("baseline", "what changed since a saved bank (needs one)", "the saved bank", check);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(before) = &case.checks.baseline else { return Vec::new() };
    let mut values = Vec::new();
    for unit in &case.units {
        let same = |old: &&UnitSnapshot| old.serial_number() == unit.serial_number();
        match before.units.iter().find(same) {
            _ if unit.serial_number().is_none() => {}
            None => values.push(observed(unit, "was not in the bank")),
            Some(old) => {
                values.extend(changes(old, unit).into_iter().map(|text| observed(unit, text)));
            }
        }
    }
    for old in &before.units {
        let Some(serial) = old.serial_number() else { continue };
        if case.units.iter().all(|unit| unit.serial_number() != Some(serial)) {
            values.push(observed(old, format_args!("{serial} was in the bank")));
        }
    }
    if values.is_empty() {
        return Vec::new();
    }
    let since = before.started.map_or(String::new(), |time| format!(" of {time}"));
    let what = format!("changed since the saved bank{since}");
    let why = "what was well then and is not now is likely due to what changed";
    vec![RULE.tell(Severity::Info, what, values, why)]
}

fn changes(old: &UnitSnapshot, new: &UnitSnapshot) -> Vec<String> {
    let mut changes = Vec::new();
    let mut note = |what: &str, old: Option<String>, new: Option<String>| {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            changes.push(format!("{what} {old} -> {new}"));
        }
    };
    let firmware = |unit: &UnitSnapshot| {
        let firmware = unit.firmware.value()?;
        Some(format!("{}/{}/{}", firmware.main, firmware.slave1, firmware.slave2))
    };
    note("firmware", firmware(old), firmware(new));
    let instance = |unit: &UnitSnapshot| unit.instance().map(|instance| instance.to_string());
    note("instance", instance(old), instance(new));
    let shown = |settings: &Settings, setting: Setting| {
        settings.get(setting).map(|value| value.to_string())
    };
    let (before, now) = (old.settings(), new.settings());
    for &setting in Setting::ALL {
        note(setting.key(), shown(&before, setting), shown(&now, setting));
    }
    changes
}
